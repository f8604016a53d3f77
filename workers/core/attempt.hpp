// An attempt as the worker knows it: what it was handed, why it may be stopped, how it ended.
//
// An AttemptOrder owns its bytes, because the frame it came in is gone when a slot is free. An
// AttemptEnd is the handler's word; before it reaches the broker the core holds it against why the
// attempt was stopped, if it was, and against the broker's limits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/time.hpp"
#include "common/task/attempt.hpp"
#include "common/task/priority.hpp"
#include "common/wire/messages.hpp"

namespace drover::workers {

using wire::Hold;

// One lease to run.
struct AttemptOrder {
  Hold hold;
  std::uint32_t failures = 0;      // attempts that count, since the last requeue by a person
  std::uint32_t max_attempts = 0;  // how many failures are allowed
  Duration timeout{0};             // 0 = none
  Instant deadline = kNever;       // receipt + timeout
  Instant created_at;
  Priority priority = Priority::normal;
  std::string tenant;
  std::string queue;
  std::string task;  // the array as submitted: wire::decode_task reads it, and has done so once
};

// How an attempt ended, as its handler (or the engine around it) tells.
struct AttemptEnd {
  // completed, failed, timed_out (an engine's own limit), released (not begun, or to be repeated);
  // stopped is the core's to say.
  Outcome outcome = Outcome::completed;
  std::string result;        // of a completed one: opaque bytes
  std::string content_type;  // "" = application/json
  TaskError error;           // of a failed or timed_out one
  Duration retry_after{0};
  Usage usage;
};

// Why an attempt is told to stop before it has ended. It decides how the attempt is reported,
// whatever the handler says afterwards: a command that meets SIGTERM with exit 0 has not completed.
enum class StopReason : std::uint8_t {
  timed_out,  // reported timed_out
  cancelled,  // the broker said so: reported stopped
  released,   // the worker goes: given back uncharged
  dropped,    // the broker has closed the lease: nothing is reported
};

std::string_view name_of(StopReason reason);

// The end to report for an attempt stopped for `reason` (not `dropped`). `end` is what the handler
// said, or an empty one if it has said nothing; its usage and the text of its error are kept.
AttemptEnd stopped_end(StopReason reason, Duration timeout, AttemptEnd end);

// The end for a result that is longer than it may be: fatal; the error keeps the result's beginning
// where it is text.
AttemptEnd too_large_end(const AttemptEnd& end, std::size_t most);

// `end` as the wire takes it: outcome one of those above, texts valid UTF-8 and within their
// bounds.
AttemptEnd presentable(AttemptEnd end);

}  // namespace drover::workers
