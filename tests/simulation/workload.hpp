// What the simulation's tasks are: how each behaves in its handler, and what becomes of it.
//
// The behaviour travels in the task's payload, so a handler knows nothing but what it was handed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/random.hpp"
#include "drover/task.hpp"
#include "tests/simulation/options.hpp"

namespace drover::sim {

enum class Deed : std::uint32_t {
  completes,
  fails,      // its first `times` attempts, then it completes
  fatal,      // an error that is not retryable
  crashes,    // its worker, the first `times` attempts
  hangs,      // ignores its cancel and comes back long after
  too_large,  // its result is over the limit
  times_out,  // runs longer than its timeout, and stops when it is told to
};

struct Behaviour {
  Deed deed = Deed::completes;
  std::uint32_t duration_ms = 0;
  std::uint32_t times = 0;
  std::uint32_t retry_after_ms = 0;
};

std::string encode(const Behaviour& behaviour, std::size_t filler);
Behaviour decode_behaviour(std::string_view payload);

// The result of this attempt, which nobody else can know.
std::string result_of(const TaskId& task, std::uint32_t attempt, std::size_t size);

// The name of one of the options' tenants.
std::string_view tenant_name(std::uint32_t number);

// A task drawn from the options; its id is set.
NewTask draw_task(const SimOptions& options, Instant clock, std::uint64_t number, Random& random);

}  // namespace drover::sim
