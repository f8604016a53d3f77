#include "tests/simulation/worker_process.hpp"

#include <algorithm>
#include <utility>

#include "common/wire/codec.hpp"

namespace drover::sim {

WorkerProcess::WorkerProcess(World& world, const workers::WorkerProfile& profile, KeyNumber key,
                             std::uint64_t seed)
    : world_(world),
      random_(seed),
      skew_(Duration(random_.between(-7'200'000, 7'200'000))),
      core_(profile, world.options.worker, Random(seed + 1), *this),
      key_(key),
      link_(world.network.open(Side::workers, *this, key)),
      alarm_(world.schedule, [this] { run(); }) {
  run_soon();
}

void WorkerProcess::run() {
  if (!alive_) return;
  if (is_standing_still()) return alarm_.set(stopped_until_);
  for (const auto& frame : std::exchange(frames_, {})) hear(frame);
  for (const auto& hold : std::exchange(told_, {})) {
    core_.progress(hold, static_cast<std::uint32_t>(random_.below(101)), "at work", clock());
  }
  for (const auto& hold : std::exchange(ended_, {})) end(hold);
  if (alive_) core_.advance(clock());
  if (!alive_) return;
  const Instant next = core_.next_deadline();
  if (next == kNever) return;
  const Micros sleep = micros(std::max(next - clock(), Duration(0)));
  alarm_.set(world_.schedule.now() + std::max<Micros>(sleep, 100));
}

void WorkerProcess::hear(const std::string& frame) {
  const auto order = wire::decode_worker_order(frame);
  if (!order) return world_.checker.fail("a worker cannot read an order");
  core_.on_order(*order, clock());
}

void WorkerProcess::receive(std::string frame) {
  if (!alive_) return;
  frames_.push_back(std::move(frame));
  run_soon();
}

void WorkerProcess::send(const wire::WorkerMessage& message) {
  std::string frame;
  wire::encode(message, frame);
  // A copied hello is a worker of its own, if it comes first: that is no theft.
  if (!std::holds_alternative<wire::Hello>(message)) world_.network.overhear(link_, frame);
  world_.network.send(link_, std::move(frame));
}

// --- handlers

void WorkerProcess::start(workers::AttemptOrder order) {
  const wire::Hold hold = order.hold;
  world_.checker.attempt_begins(core_.profile().id, hold);
  const auto spec = wire::decode_task(order.task);
  Handler& handler = handlers_[hold];
  handler.behaviour = decode_behaviour(spec ? spec->payload : std::string_view());
  Micros duration = handler.behaviour.duration_ms * kMillisecond;
  if (handler.behaviour.deed == Deed::hangs) {
    world_.faults.add(FaultKind::stuck_handler);
    duration = random_.between(20, 90) * kSecond;
  }
  if (handler.behaviour.deed == Deed::times_out) duration = micros(order.timeout) * 3;
  if (random_.one_in(8)) {
    world_.schedule.after(duration / 2, [this, hold] { told_.push_back(hold), run_soon(); });
  }
  end_later(hold, duration);
}

void WorkerProcess::end_later(const wire::Hold& hold, Micros delay) {
  world_.schedule.after(delay, [this, hold] {
    if (alive_) ended_.push_back(hold), run_soon();
  });
}

void WorkerProcess::cancel(const wire::Hold& hold, Duration grace, workers::StopReason) {
  const auto at = handlers_.find(hold);
  if (at == handlers_.end() || at->second.behaviour.deed == Deed::hangs) return;
  at->second.stopping = true;
  end_later(hold, random_.between(0, micros(grace)));
}

void WorkerProcess::end(const wire::Hold& hold) {
  const auto at = handlers_.find(hold);
  if (at == handlers_.end() || !alive_) return;  // it has ended before
  const Behaviour behaviour = at->second.behaviour;
  const bool stopping = at->second.stopping;
  handlers_.erase(at);
  if (behaviour.deed == Deed::crashes && hold.attempt <= behaviour.times && !stopping) {
    world_.faults.add(FaultKind::poison_task);
    return kill(random_.one_in(2));
  }
  core_.finished(hold, end_of(hold, behaviour), clock());
}

workers::AttemptEnd WorkerProcess::end_of(const wire::Hold& hold, const Behaviour& behaviour) {
  workers::AttemptEnd end;
  const bool fails = behaviour.deed == Deed::fails && hold.attempt <= behaviour.times;
  if (fails || behaviour.deed == Deed::fatal) {
    end.outcome = Outcome::failed;
    end.error = {"SIMULATED", "as the payload says", behaviour.deed != Deed::fatal};
    end.retry_after = Duration(behaviour.retry_after_ms);
    return end;
  }
  const bool too_large = behaviour.deed == Deed::too_large;
  const std::size_t most = world_.options.turn.core.limits.result_max;
  end.result =
      result_of(hold.task, hold.attempt, too_large ? most + 1 : behaviour.duration_ms % 200);
  if (random_.one_in(4)) end.usage = {10, 20, 30};
  return end;
}

// --- the process

void WorkerProcess::kill(bool noticed) {
  if (!alive_) return;
  world_.trace.tell("worker " + to_string(profile().id) + ": dies");
  alive_ = false;
  alarm_.clear();
  world_.network.close(link_, noticed);
}

void WorkerProcess::stopped(const Error& why) {
  if (why.code != Errc::ok) world_.checker.fail("a worker was sent away: " + why.message);
  // What it said last is still on its way.
  world_.trace.tell("worker " + to_string(profile().id) + ": has drained");
  alive_ = false;
  alarm_.clear();
  world_.schedule.after(kSecond, [this] { world_.network.close(link_, true); });
}

void WorkerProcess::stand_still(Micros duration) {
  stopped_until_ = world_.schedule.now() + duration;
  world_.trace.tell("worker " + to_string(profile().id) + ": stands still for " +
                    std::to_string(duration / kMillisecond) + " ms");
}

void WorkerProcess::wake_up() {
  stopped_until_ = std::min(stopped_until_, world_.schedule.now());
  if (alive_) run_soon();
}

void WorkerProcess::drain() {
  core_.begin_drain(clock());
  run_soon();
}

}  // namespace drover::sim
