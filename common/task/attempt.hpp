// One lease of a task and how it ended: an entry of the task's history.
//
// `attempt` counts leases over the task's whole life and never repeats; (task, attempt) is the
// fence that keeps a late worker from changing what another has taken over.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/ids.hpp"
#include "common/task/task_state.hpp"

namespace drover {

// Why an attempt did not complete, in the handler's own words. `code` is the handler's (or one of
// the catalogue's task codes), up to 64 bytes; `message` up to 8 KiB, cut beyond.
struct TaskError {
  std::string code;
  std::string message;
  bool retryable = true;

  bool operator==(const TaskError&) const = default;
};

// What running an attempt used, as its handler tells. Cost in millionths of a US dollar.
struct Usage {
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t cost_micro_usd = 0;

  bool operator==(const Usage&) const = default;
};

struct Attempt {
  std::uint32_t attempt = 0;
  WorkerId worker;
  Instant started_at;
  Instant finished_at;
  Outcome outcome = Outcome::none;
  TaskError error;  // all empty unless it failed
  Usage usage;

  bool operator==(const Attempt&) const = default;
};

// The most entries of history a task keeps; the oldest are dropped first.
inline constexpr std::size_t kHistoryMax = 100;

// The first `max` bytes, not splitting a UTF-8 character.
std::string_view cut_text(std::string_view text, std::size_t max);

}  // namespace drover
