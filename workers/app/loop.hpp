// The worker's loop: what the broker, the slots and the operator say goes into the core, what the
// core wants done goes to the socket and the slots.
//
// A turn hears everything that has arrived before it lets time pass, so that after a stall no
// message that was there in time is judged late.
#pragma once

#include <optional>

#include "common/observe/signals.hpp"
#include "common/observe/watchdog.hpp"
#include "common/transport/clock.hpp"
#include "common/transport/poller.hpp"
#include "workers/core/worker_core.hpp"
#include "workers/io/broker_link.hpp"
#include "workers/runtime/slot_pool.hpp"

namespace drover::workers {

class Loop : private WorkerSink {
 public:
  // All outlive the loop.
  Loop(WorkerProfile profile, CoreOptions options, Random random, BrokerLink& link, SlotPool& pool,
       observe::Signals& signals, const transport::ProcessClock& clock);

  // Until the worker has stopped: how it did (code ok after a drain).
  Error run();

 private:
  void turn();
  void hear_signals(Instant now);
  void hear_slots(Instant now);
  void say_figures();
  void say_trouble();

  // What the core wants done.
  void send(const wire::WorkerMessage& message) override { link_.send(message); }
  void start(AttemptOrder order) override;
  void cancel(const Hold& hold, Duration grace, StopReason reason) override;
  void stopped(const Error& why) override { stopped_ = why; }
  void joined(const wire::Welcome& welcome) override;
  void parted(Parting why) override;
  void ended(const Hold& hold, const AttemptEnd& end) override;
  void confirmed(const Hold& hold, Errc code) override;

  BrokerLink& link_;
  SlotPool& pool_;
  observe::Signals& signals_;
  const transport::ProcessClock& clock_;
  const Duration drain_max_;
  WorkerCore core_;
  observe::Watchdog watchdog_;
  transport::Poller poller_;
  std::optional<Error> stopped_;
  std::uint64_t unreadable_said_ = 0;
  std::string trouble_said_;
};

}  // namespace drover::workers
