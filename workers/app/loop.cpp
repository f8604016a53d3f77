#include "workers/app/loop.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "common/observe/log.hpp"
#include "common/observe/service_manager.hpp"

namespace drover::workers {
namespace {

constexpr Duration kTroubleLook = 500ms;  // while the connection has to be looked after
constexpr Duration kHurry = 2s;           // what a second signal leaves to attempts and confirms
constexpr Duration kParting = 10s;        // for the last confirms, and handlers that were given up

std::string_view name_of_parting(Parting why) {
  switch (why) {
    case Parting::unknown: return "the broker does not know this worker's session; saying hello";
    case Parting::silent: return "the broker is silent; what runs goes on, saying hello";
    case Parting::window: return "the number of usable slots has changed; saying hello";
  }
  return "saying hello";
}

// Draining may take as long as it was set to; a service manager that has been told so waits for it.
std::string stopping_state(Duration drain_max) {
  const std::chrono::microseconds most = drain_max + kParting;
  return "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=" + std::to_string(most.count());
}

}  // namespace

Loop::Loop(WorkerProfile profile, CoreOptions options, Random random, BrokerLink& link,
           SlotPool& pool, observe::Signals& signals, const transport::ProcessClock& clock)
    : link_(link),
      pool_(pool),
      signals_(signals),
      clock_(clock),
      drain_max_(options.drain_timeout + options.cancel_grace),
      core_(std::move(profile), options, random, *this) {
  poller_.add(link.socket());
  poller_.add(link.watch());
  poller_.add(pool.wake_fd());
  poller_.add(signals.fd());
}

Error Loop::run() {
  while (!stopped_) turn();
  return *stopped_;
}

void Loop::turn() {
  const Instant wake_at = std::min(core_.next_deadline(), watchdog_.wake_at());
  const Duration due = std::max(Duration(0), wake_at - clock_.now());
  poller_.wait(link_.trouble().empty() ? due : std::min(due, kTroubleLook));
  const Instant now = clock_.now();
  hear_signals(now);
  link_.receive([&](const wire::WorkerOrder& order) { core_.on_order(order, now); });
  if (link_.take_connected()) core_.connected(now);
  if (link_.trouble() != trouble_said_) say_trouble();
  hear_slots(now);
  core_.advance(now);
  if (link_.figures().unreadable != unreadable_said_) say_figures();
  watchdog_.turned(now);
}

void Loop::hear_signals(Instant now) {
  while (signals_.take() != 0) {
    if (core_.draining()) {
      log::warn("stopping at once: what runs is given back", {{"running", core_.running()}});
      core_.begin_quick_stop(kHurry, now);
      continue;
    }
    log::info("draining: no new tasks are taken", {{"running", core_.running()}});
    observe::notify_service_manager(stopping_state(drain_max_));
    core_.begin_drain(now);
  }
}

void Loop::hear_slots(Instant now) {
  for (auto& item : pool_.take_news()) {
    if (item.end) {
      core_.finished(item.hold, std::move(*item.end), now);
    } else {
      core_.progress(item.hold, item.percent, item.message, now);
    }
  }
}

// Once for each kind of trouble: attempts go on for as long as it takes.
void Loop::say_trouble() {
  trouble_said_ = link_.trouble();
  if (!trouble_said_.empty()) log::error("no connection", {{"reason", trouble_said_}});
}

void Loop::say_figures() {
  unreadable_said_ = link_.figures().unreadable;
  log::warn("the broker sent something that this worker cannot read",
            {{"frames", unreadable_said_}});
}

void Loop::start(AttemptOrder order) {
  if (log::wants(log::Level::debug)) {
    log::debug("an attempt starts", {{"task", to_string(order.hold.task)},
                                     {"attempt", order.hold.attempt},
                                     {"queue", order.queue}});
  }
  pool_.start(std::move(order));
}

void Loop::cancel(const Hold& hold, Duration grace, StopReason reason) {
  log::info("an attempt is told to stop", {{"task", to_string(hold.task)},
                                           {"attempt", hold.attempt},
                                           {"reason", name_of(reason)},
                                           {"grace_ms", grace}});
  pool_.cancel(hold, grace);
}

void Loop::joined(const wire::Welcome& welcome) {
  log::info("the broker has welcomed this worker",
            {{"session", static_cast<std::uint64_t>(welcome.session)},
             {"store", to_string(welcome.store)},
             {"held", core_.held()},
             {"drop", welcome.drop.size()}});
  observe::notify_service_manager("STATUS=connected");
}

void Loop::parted(Parting why) {
  log::warn(name_of_parting(why), {{"held", core_.held()}});
  observe::notify_service_manager("STATUS=waiting for the broker");
}

void Loop::ended(const Hold& hold, const AttemptEnd& end) {
  const bool as_usual = end.outcome == Outcome::completed || end.outcome == Outcome::released;
  const auto level = as_usual ? log::Level::debug : log::Level::info;
  if (!log::wants(level)) return;
  log::write(level, "an attempt has ended",
             {{"task", to_string(hold.task)},
              {"attempt", hold.attempt},
              {"outcome", drover::name_of(end.outcome)},
              {"code", end.error.code}});
}

void Loop::confirmed(const Hold& hold, Errc code) {
  if (code == Errc::ok) return;
  log::info(
      "the broker has closed an attempt",
      {{"task", to_string(hold.task)}, {"attempt", hold.attempt}, {"code", drover::name_of(code)}});
}

}  // namespace drover::workers
