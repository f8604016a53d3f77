// Assertions for our own mistakes, on in every build: a broker that has lost its way must stop
// before it writes down what it believes.
#pragma once

namespace drover {

// Says where on stderr and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace drover

#define DROVER_ASSERT(expression) \
  ((expression) ? void(0) : ::drover::assertion_failed(#expression, __FILE__, __LINE__))
