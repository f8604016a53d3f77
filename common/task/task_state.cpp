#include "common/task/task_state.hpp"

#include <array>

namespace drover {
namespace {

constexpr std::array<std::string_view, kTaskStates> kStateNames = {
    "blocked",   "scheduled", "ready",     "running", "retrying",
    "completed", "dead",      "cancelled", "expired"};

constexpr std::array<std::string_view, kOutcomes> kOutcomeNames = {
    "none",     "completed", "failed", "timed_out",   "worker_lost",
    "released", "yielded",   "parked", "not_started", "stopped"};

}  // namespace

std::string_view name_of(TaskState state) { return kStateNames[static_cast<std::size_t>(state)]; }

std::optional<TaskState> parse_task_state(std::string_view text) {
  for (std::size_t i = 0; i < kTaskStates; ++i) {
    if (kStateNames[i] == text) return static_cast<TaskState>(i);
  }
  return std::nullopt;
}

std::string_view name_of(Outcome outcome) {
  return kOutcomeNames[static_cast<std::size_t>(outcome)];
}

}  // namespace drover
