// An engine: one way to run an attempt of a task.
//
// A port with adapters: `native` calls a C++ handler, `exec` runs a command. The runtime calls
// run() on a thread that holds a slot; the engine uses that thread for as long as the attempt takes
// and comes back soon after the stop signal.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/errc.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/task/attempt.hpp"
#include "common/task/priority.hpp"
#include "workers/engines/stop_signal.hpp"

namespace drover::workers {

// Tells how far an attempt is: percent from 0 to 100 if known, and a short text. Cheap; any thread.
using ProgressFn = std::function<void(std::optional<std::uint32_t>, std::string_view)>;

// What an engine is told of an attempt. The texts live as long as run() lasts.
struct AttemptContext {
  TaskId task = {};
  std::uint32_t attempt = 1;       // counts the task's leases, for its whole life
  std::uint32_t failures = 0;      // attempts that count, since the last requeue by a person
  std::uint32_t max_attempts = 0;  // how many failures are allowed
  std::string_view type = {};
  std::string_view queue = {};
  std::string_view tenant = {};
  Priority priority = Priority::normal;
  std::string_view payload = {};
  std::string_view content_type = {};  // "" = application/json
  std::string_view traceparent = {};
  StopSignal& stop;
  ProgressFn progress;  // never empty
};

// How the attempt ended.
struct AttemptResult {
  // completed; failed; timed_out, by a limit of the engine's own; released: it has not begun.
  Outcome outcome = Outcome::completed;
  std::string result;        // of a completed one
  std::string content_type;  // "" = application/json
  TaskError error;           // of a failed or timed_out one
  Duration retry_after{0};
  Usage usage;
};

// A failure in the words of the catalogue, or of the handler.
AttemptResult failed(std::string code, std::string message, bool retryable);
AttemptResult failed(Errc code, std::string message, bool retryable);

// The payload is not what the handler reads: no retry will help.
AttemptResult bad_payload(std::string message);

class Engine {
 public:
  virtual ~Engine() = default;

  // Runs the attempt to its end. Several threads may run attempts of one engine at once.
  virtual AttemptResult run(const AttemptContext& attempt) = 0;
};

}  // namespace drover::workers
