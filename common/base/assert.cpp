#include "common/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace drover {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "drover: assertion failed: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace drover
