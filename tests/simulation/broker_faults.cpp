// What is done to the broker's process, its disk and its clock.

#include <algorithm>

#include "tests/simulation/broker_process.hpp"

namespace drover::sim {
namespace {

constexpr Duration kStandstillSeen = 2500ms;  // by the broker for certain: it wakes every second
constexpr std::uint64_t kSpareBytes = 4096;   // left on a full disk

}  // namespace

// --- how it ends

void BrokerProcess::kill_at(Step step, std::uint32_t count, Loss loss) {
  if (step == Step::any) return kill(loss);
  death_ = Death{step, count, loss};
}

void BrokerProcess::kill(Loss loss) {
  if (turn_) die(loss);
}

// In the middle of sending there is no way out of the turn: it goes on to its end, unheard.
bool BrokerProcess::dies(Step step) {
  if (silent_) return true;
  if (!death_ || death_->step != step || death_->count-- > 0) return false;
  if (step == Step::release) {
    silent_ = true;
  } else {
    die(death_->loss);
  }
  return true;
}

void BrokerProcess::die(Loss loss) {
  world_.trace.tell(loss == Loss::power ? "broker: power cut" : "broker: killed");
  world_.trace.add("broker dies", static_cast<std::uint64_t>(loss));
  turn_.reset();
  watched_.reset();
  store_.reset();
  disk_.heal();
  disk_.unlock();
  if (loss == Loss::power) disk_.power_cut();
  disk_may_fail_ = false;
  death_.reset();
  silent_ = false;
  for (auto& inbox : inbox_) inbox.clear();
  turn_alarm_.clear(), commit_alarm_.clear(), chore_alarm_.clear();
  world_.network.broker_down();
  world_.checker.gone();
  start_after(random_.between(10 * kMillisecond, random_.one_in(4) ? 20 * kSecond : kSecond));
}

void BrokerProcess::stop() {
  if (!is_running()) return;
  turn_->drain();
  world_.checker.refuses_for("draining");
  world_.trace.tell("broker: stops");
  store_->close();
  world_.checker.durable(store_->durable_seq());
  die(Loss::process);
}

// --- what is done to it

void BrokerProcess::stand_still(Micros duration) {
  if (!turn_) return;
  if (is_running()) stopped_since_ = world_.schedule.now();
  stopped_until_ = world_.schedule.now() + duration;
  world_.trace.tell("broker: stands still for " + std::to_string(duration / kMillisecond) + " ms");
  world_.checker.stood_still(started_at_ + Duration((stopped_until_ - started_) / kMillisecond),
                             stopped_until_ - stopped_since_ >= micros(kStandstillSeen));
}

void BrokerProcess::step_clock(Duration by) {
  kill(Loss::process);
  world_.clock_step += by;
  world_.checker.clock_stepped(by);
  world_.trace.tell("the system clock is stepped by " + std::to_string(by.count()) + " ms");
}

void BrokerProcess::start_twice() {
  if (!turn_) return;
  Store second(disk_, journal_options());
  const auto opened = second.open([](const broker::Kept&) { return Result<void>(); });
  if (disk_.fault_happened()) return;
  if (opened || opened.error().code != Errc::store_in_use) {
    world_.checker.fail("a second broker may use the store");
  }
}

void BrokerProcess::slow_disk(Micros sync_max, Micros until) {
  sync_max_ = sync_max;
  slow_until_ = until;
}

void BrokerProcess::fill_disk(Micros until) {
  disk_.set_capacity(disk_.used_bytes() + kSpareBytes);
  full_until_ = until;
  world_.checker.refuses_for("storage");
  world_.schedule.at(until, [this] { disk_.set_capacity(UINT64_MAX); });
}

void BrokerProcess::fail_disk(std::uint32_t calls) {
  if (!turn_) return;
  disk_.plan({1 + calls, test::DiskFault::Kind::io_error, false});
  disk_may_fail_ = true;
}

void BrokerProcess::heal() {
  death_.reset();
  crash_in_recovery_ = false;
  slow_until_ = 0;
  full_until_ = std::min(full_until_, world_.schedule.now());
  disk_.heal();
  disk_.set_capacity(UINT64_MAX);
  if (turn_ && !is_running()) stand_still(0);
  if (turn_) return wake();
  start_after(kMillisecond);
}

}  // namespace drover::sim
