// The types that every worker runs by itself, for tests, first steps and drills.
//
//   test.echo    its payload, as it came, is the result
//   test.sleep   {"ms": 1500}: sleeps, tells progress about ten times, obeys a stop
//   test.fail    {"times": 2, "retryable": true, "code": "X", "message": "...", "retry_after_ms":
//   0}:
//                fails the task's first `times` attempts (1 unless said), then completes. Attempts
//                count for the task's whole life, so one that was retried by hand is not failed
//                anew
//   test.crash   {"times": 1}: kills the worker's process during the first `times` attempts
//
// A payload that is not so is BAD_PAYLOAD, for good. Members that are not known are passed over.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "workers/engines/native_engine.hpp"

namespace drover::workers {

// The types and what runs each.
std::vector<std::pair<std::string, Handler>> builtin_handlers();

}  // namespace drover::workers
