// A task as a person reads it: what it is, and a timeline of its waits and runs.
//
//   2026-11-20 14:02:01.123  submitted
//                            waited 1.2 s
//              14:02:02.323  attempt 1 on 3fa8c0d2
//                            ran 350 ms
//              14:02:02.673  failed: X: no such file
//
// Pure: the time and the colours come as arguments. Instants are shown in the local time zone.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/terminal.hpp"
#include "common/base/time.hpp"

namespace drover::cli {

// Lines, each with its end: a head, the timeline, and the result or payload where there is one.
std::string task_text(const nlohmann::json& task, Instant now, const Stream& stream);

// "14:02:01.123" and "2026-11-20".
std::string clock_text(Instant at);
std::string date_text(Instant at);

// How long a task waited before its first attempt began, and how long its last one ran.
struct TaskTimes {
  std::optional<Duration> waited;
  std::optional<Duration> ran;
};
TaskTimes times_of(const nlohmann::json& task);

}  // namespace drover::cli
