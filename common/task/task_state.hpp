// Where a task stands, and how an attempt of it ended.
//
//            submit (due now)            lease                done
//   ---------------------------> ready ---------> running ------------> completed
//            submit (due later)    ^ ^               | | |
//   ------------> scheduled -------' |               | | '--- fatal, or failures spent ---> dead
//                   due              |               | '--- failed: retrying -.
//                                    |               |                        | delay over
//                                    '---------------'<-----------------------'
//                                      released, worker lost
//
//   cancelled: from any state that has not ended.   expired: from ready, scheduled and retrying.
//   retry (by a person): dead, cancelled, expired -> ready, with its history.
//   blocked: waits for other tasks or a person.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace drover {

enum class TaskState : std::uint8_t {
  blocked,
  scheduled,
  ready,
  running,
  retrying,
  completed,
  dead,
  cancelled,
  expired,
};
inline constexpr std::size_t kTaskStates = 9;

std::string_view name_of(TaskState state);
std::optional<TaskState> parse_task_state(std::string_view text);

// True for the four states that a task does not leave by itself.
constexpr bool has_ended(TaskState state) { return state >= TaskState::completed; }

// How one attempt ended. Only `failed` and `timed_out` count towards max_attempts.
enum class Outcome : std::uint8_t {
  none,  // it has not ended
  completed,
  failed,
  timed_out,
  worker_lost,
  released,     // given back by a draining worker
  yielded,      // made room for a more urgent task
  parked,       // waits for a person
  not_started,  // the worker never had it
  stopped,      // ended because the task was cancelled
};
inline constexpr std::size_t kOutcomes = 10;

std::string_view name_of(Outcome outcome);

constexpr bool is_charged(Outcome outcome) {
  return outcome == Outcome::failed || outcome == Outcome::timed_out;
}

}  // namespace drover
