// What the worker's core wants done: the port between deciding and doing.
//
// The worker process puts a socket and slots behind it, the simulation a network and a clock of its
// own, a test a list. All calls come out of the core's own calls, on the core's thread; none may
// call the core back.
#pragma once

#include "common/base/result.hpp"
#include "common/wire/messages.hpp"
#include "workers/core/attempt.hpp"

namespace drover::workers {

// Why the worker has no session (any more) and says hello.
enum class Parting : std::uint8_t {
  unknown,  // the broker does not know the session
  silent,   // nothing was heard of the broker for worker_timeout
  window,   // slots were lost to handlers that do not return, or came back
};

class WorkerSink {
 public:
  virtual ~WorkerSink() = default;

  // One frame to the broker. The message's views are valid during the call only. A frame that
  // cannot be sent may be dropped: whatever matters is repeated until it is answered.
  virtual void send(const wire::WorkerMessage& message) = 0;

  // Run this attempt now; a slot is free for it. WorkerCore::finished tells its end, once.
  virtual void start(AttemptOrder order) = 0;

  // End a started attempt: ask its handler at once, force it after `grace`. May come again for the
  // same attempt, with a shorter grace. WorkerCore::finished is still expected, whenever the
  // handler has returned: until then its slot is taken.
  virtual void cancel(const Hold& hold, Duration grace, StopReason reason) = 0;

  // The last call: there is nothing more to do. `why.code` is ok after a drain; otherwise the
  // broker will not have this worker, and why.
  virtual void stopped(const Error& why) = 0;

  // For the log; nothing hangs on these.
  virtual void joined(const wire::Welcome& welcome) { (void)welcome; }
  virtual void parted(Parting why) { (void)why; }
  virtual void ended(const Hold& hold, const AttemptEnd& end) { (void)hold, (void)end; }
  virtual void confirmed(const Hold& hold, Errc code) { (void)hold, (void)code; }
};

}  // namespace drover::workers
