#include "tests/unit/common/wire/counted_memory.hpp"

#include <cstdlib>
#include <new>

namespace {
thread_local std::size_t asked_for = 0;
}

void* operator new(std::size_t size) {
  asked_for += size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace drover::wire::testing {

std::size_t allocated_bytes() { return asked_for; }

}  // namespace drover::wire::testing
