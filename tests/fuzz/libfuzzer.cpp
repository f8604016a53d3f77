// The entry that libFuzzer calls, for the target DROVER_FUZZ_TARGET. Besides what the target itself
// promises, it holds every input to 50 ms and to 64 MiB.
//
// The time is the thread's own (a machine that is busy with other things costs nothing), and an
// input that was slow is believed only if it is slow three times in a row.

#include <sanitizer/allocator_interface.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/targets.hpp"

namespace {

constexpr std::int64_t kMicrosecondsMax = 50'000;
constexpr std::size_t kBytesMax = 64 << 20;
constexpr int kTries = 3;

// Of the input under way. libFuzzer and the targets are one thread.
std::int64_t bytes_held = 0, bytes_held_most = 0;

void on_malloc(const volatile void*, std::size_t size) {
  bytes_held += static_cast<std::int64_t>(size);
  if (bytes_held > bytes_held_most) bytes_held_most = bytes_held;
}

void on_free(const volatile void* memory) {
  if (memory == nullptr) return;
  const auto size = __sanitizer_get_allocated_size(const_cast<const void*>(memory));
  bytes_held -= static_cast<std::int64_t>(size);
}

std::int64_t thread_microseconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// How long the target worked on the input.
std::int64_t run(std::string_view input) {
  bytes_held = bytes_held_most = 0;
  const auto start = thread_microseconds();
  drover::fuzz::DROVER_FUZZ_TARGET(input);
  return thread_microseconds() - start;
}

[[noreturn]] void refuse(const char* what, std::int64_t figure) {
  std::fprintf(stderr, "fuzz: this input takes %lld %s\n", static_cast<long long>(figure), what);
  std::abort();
}

void check(std::string_view input) {
  auto microseconds = run(input);
  for (int i = 1; i < kTries && microseconds > kMicrosecondsMax; ++i) microseconds = run(input);
  if (microseconds > kMicrosecondsMax) refuse("microseconds", microseconds);
  if (bytes_held_most > static_cast<std::int64_t>(kBytesMax)) refuse("bytes", bytes_held_most);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  if (__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) == 0) std::abort();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check({reinterpret_cast<const char*>(data), size});
  return 0;
}
