// Counts what this test program allocates, so that a test can say what a frame cost.
// The operators are in counted_memory.cpp, out of the sight of the compiler that inlines the tests.
#pragma once

#include <cstddef>

namespace drover::wire::testing {

// Bytes that this thread has asked `new` for since it began.
std::size_t allocated_bytes();

}  // namespace drover::wire::testing
