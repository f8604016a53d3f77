// The faults of a run: which, when, and how each is done to the fleet.

#include <algorithm>

#include "tests/simulation/simulation.hpp"

namespace drover::sim {
namespace {

constexpr Micros kQuietBeginning = 3 * kSecond;

// From `low` to `high`, small ones as likely as large ones.
Micros spread(Random& random, Micros low, Micros high) {
  Micros span = low;
  while (span < high && random.one_in(2)) span *= 3;
  return random.between(low, std::min(std::max(span, low + 1), high));
}

bool is_injected(FaultKind kind) {
  return kind != FaultKind::stuck_handler && kind != FaultKind::poison_task;
}

// Counted where it happens to a frame or a start, not where it is asked for.
bool is_counted_elsewhere(FaultKind kind) {
  return kind == FaultKind::message_loss || kind == FaultKind::message_duplication ||
         kind == FaultKind::message_delay || kind == FaultKind::bus_loss ||
         kind == FaultKind::crash_in_recovery;
}

}  // namespace

// Each kind once, then as they come.
void Simulation::plan_chaos() {
  std::vector<FaultKind> kinds;
  for (const auto kind : options_.fault_kinds) {
    if (is_injected(kind)) kinds.push_back(kind);
  }
  for (std::uint32_t i = 0; i < options_.faults; ++i) {
    const FaultKind kind = i < kinds.size() ? kinds[i] : kinds[random_.below(kinds.size())];
    const Micros at = random_.between(kQuietBeginning, options_.chaos - kSecond);
    schedule_.at(at, [this, kind] { inject(kind); });
  }
}

void Simulation::inject(FaultKind kind) {
  const bool done = inject_into_broker(kind) || inject_into_disk(kind) ||
                    inject_into_worker(kind) || inject_into_network(kind);
  if (!done) {  // who is down cannot fail: a little later then
    if (schedule_.now() + kSecond < options_.chaos) {
      schedule_.after(kSecond, [this, kind] { inject(kind); });
    }
    return;
  }
  if (!is_counted_elsewhere(kind)) faults_.add(kind);
  trace_.add(name_of(kind), 0);
  trace_.tell("fault: " + std::string(name_of(kind)));
}

bool Simulation::inject_into_broker(FaultKind kind) {
  const auto step = static_cast<BrokerProcess::Step>(random_.below(4));
  const auto count = static_cast<std::uint32_t>(random_.below(12));
  const Micros timeout = micros(options_.turn.core.worker_timeout);
  const Duration jump = Duration(spread(random_, 2000, 24 * 3600 * 1000));
  if (!broker_.is_up()) return false;
  using Loss = BrokerProcess::Loss;
  switch (kind) {
    case FaultKind::broker_kill: broker_.kill_at(step, count, Loss::process); return true;
    case FaultKind::power_cut: broker_.kill_at(step, count, Loss::power); return true;
    case FaultKind::crash_in_recovery:
      broker_.crash_in_next_recovery();
      broker_.kill(random_.one_in(2) ? Loss::power : Loss::process);
      return true;
    case FaultKind::broker_stop: broker_.stop(); return true;
    case FaultKind::broker_standstill:
      broker_.stand_still(random_.between(100 * kMillisecond, timeout * 9 / 10));
      return true;
    case FaultKind::broker_long_standstill:
      broker_.stand_still(random_.between(timeout * 11 / 10, timeout * 4));
      return true;
    case FaultKind::double_start: broker_.start_twice(); return true;
    case FaultKind::clock_forward: broker_.step_clock(jump); return true;
    case FaultKind::clock_back: broker_.step_clock(-jump); return true;
    default: return false;
  }
}

bool Simulation::inject_into_disk(FaultKind kind) {
  const Micros until = schedule_.now() + random_.between(2, 40) * kSecond;
  switch (kind) {
    case FaultKind::slow_disk:
      broker_.slow_disk(spread(random_, 20 * kMillisecond, 5 * kSecond), until);
      return true;
    case FaultKind::full_disk: broker_.fill_disk(until); return true;
    case FaultKind::disk_error:
      broker_.fail_disk(static_cast<std::uint32_t>(random_.below(15)));
      return true;
    default: return false;
  }
}

bool Simulation::inject_into_worker(FaultKind kind) {
  WorkerProcess* worker = any_worker();
  if (!worker) return false;
  const Micros timeout = micros(options_.turn.core.worker_timeout);
  switch (kind) {
    case FaultKind::worker_crash: worker->kill(random_.one_in(2)); return true;
    case FaultKind::worker_standstill:
      worker->stand_still(random_.between(timeout / 2, timeout * 4));
      return true;
    case FaultKind::worker_drain: worker->drain(); return true;
    case FaultKind::worker_twin: start_twin(); return true;
    default: return false;
  }
}

// A second process with the same id, as of a machine that was copied while it ran.
void Simulation::start_twin() {
  WorkerProcess* worker = any_worker();
  if (!worker) return;
  workers_.push_back(
      std::make_unique<WorkerProcess>(world_, worker->profile(), worker->key(), random_.next()));
  twins_.push_back(workers_.back().get());
  schedule_.after(random_.between(1, 12) * kSecond, [twin = twins_.back()] { twin->kill(true); });
}

bool Simulation::inject_into_network(FaultKind kind) {
  const Micros until = schedule_.now() + random_.between(2, 30) * kSecond;
  const LinkId link = random_.below(network_.size());
  const auto share = static_cast<std::uint32_t>(spread(random_, 10, 400));
  switch (kind) {
    case FaultKind::connection_loss: network_.cut(link); return true;
    case FaultKind::one_way_silence:
      network_.silence(link, static_cast<Network::Direction>(random_.below(2)), until);
      return true;
    case FaultKind::bus_loss: {
      Subscriber& subscriber = *subscribers_[random_.below(subscribers_.size())];
      if (random_.one_in(2)) {
        subscriber.lose(share, until);
      } else {
        faults_.add(kind);
        subscriber.stand_still(schedule_.now() + random_.between(5, 400) * kSecond);
      }
      return true;
    }
    case FaultKind::message_loss: weather_.loss = share; break;
    case FaultKind::message_duplication: weather_.duplication = share; break;
    case FaultKind::message_delay:
      weather_.delay_max = spread(random_, 50 * kMillisecond, kMinute);
      break;
    default: return false;
  }
  network_.set_weather(weather_);
  schedule_.at(until, [this, kind] {
    if (kind == FaultKind::message_loss) weather_.loss = 0;
    if (kind == FaultKind::message_duplication) weather_.duplication = 0;
    if (kind == FaultKind::message_delay) weather_.delay_max = 0;
    if (!healed_) network_.set_weather(weather_);
  });
  return true;
}

// From now on everything works, and everybody is there.
void Simulation::heal() {
  healed_ = true;
  trace_.tell("all is healed");
  network_.heal();
  network_.set_copied(0);
  broker_.heal();
  for (WorkerProcess* twin : twins_) twin->kill(true);
  for (const auto& worker : workers_) worker->wake_up();
  for (const auto& subscriber : subscribers_) subscriber->heal();
  replace_workers();
}

}  // namespace drover::sim
