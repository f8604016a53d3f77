#include "tests/simulation/broker_process.hpp"

#include <algorithm>

#include "common/wire/codec.hpp"

namespace drover::sim {
namespace {

// An outlet that keeps the first lease, for a broker that nobody talks to.
class Deaf final : public broker::Outlet {
 public:
  void send_to_client(Peer, std::string_view) override {}
  bool send_to_worker(Peer, std::string_view frame) override {
    const auto order = wire::decode_worker_order(frame);
    const auto* assign = order ? std::get_if<wire::Assign>(&*order) : nullptr;
    if (!assign || assign->items.empty() || first) return true;
    if (const auto spec = wire::decode_task(assign->items.front().task)) first = spec->id;
    return true;
  }
  void publish(std::string_view, std::string_view) override {}
  bool has_subscribers() const override { return false; }

  std::optional<TaskId> first;
};

std::string hello_of_anybody(const SimOptions& options) {
  std::vector<std::string> types;
  for (std::uint32_t i = 0; i < options.types; ++i)
    types.push_back("t." + std::string(1, static_cast<char>('a' + i)));
  wire::Hello hello;
  hello.worker.bytes.fill(0xee);
  hello.types.assign(types.begin(), types.end());
  hello.capabilities = {"gpu"};
  std::string frame;
  wire::encode(wire::WorkerMessage(hello), frame);
  return frame;
}

}  // namespace

BrokerProcess::BrokerProcess(World& world, Bus& bus, std::uint64_t seed)
    : world_(world),
      bus_(bus),
      random_(seed),
      disk_(seed + 1),
      start_alarm_(world.schedule, [this] { start(); }),
      turn_alarm_(world.schedule, [this] { run_turn(); }),
      commit_alarm_(world.schedule, [this] { commit(); }),
      chore_alarm_(world.schedule, [this] { do_chore(); }),
      sync_max_(world.options.sync_max) {}

// --- starting

void BrokerProcess::start_after(Micros delay) { start_alarm_.set(world_.schedule.now() + delay); }

broker::journal::JournalOptions BrokerProcess::journal_options() const {
  auto options = world_.options.journal;
  options.seed = world_.options.seed;
  options.clock_ms = [this] { return to_ms(world_.system_clock()); };
  return options;
}

void BrokerProcess::start() {
  ++starts_;
  const Instant now = world_.system_clock();
  disk_may_fail_ = false;
  if (std::exchange(crash_in_recovery_, false)) {
    disk_.plan({1 + random_.below(40), test::DiskFault::Kind::power_off, true});
    disk_may_fail_ = true;
  }
  const bool again = !disk_may_fail_ && !is_full() && random_.one_in(3);
  test::SimDisk copy = again ? disk_ : test::SimDisk();
  world_.checker.starts();
  store_ = std::make_unique<Store>(disk_, journal_options());
  watched_ = std::make_unique<WatchedStore>(*store_, world_.checker, world_.trace);
  turn_ = std::make_unique<broker::Turn>(world_.options.turn, *watched_, *this,
                                         world_.options.seed + starts_);
  if (const auto started = turn_->start(now); !started) return could_not_start(started.error());
  world_.trace.tell("broker: started");
  world_.checker.recovered(turn_->core(), now, store_->newest_seq());
  if (again) compare_with_second_recovery(std::move(copy), now);
  began(now);
}

void BrokerProcess::could_not_start(const Error& error) {
  if (!is_excused(error)) world_.checker.fail("the broker does not start: " + error.message);
  world_.trace.tell("broker: could not start: " + error.message);
  if (disk_may_fail_) world_.faults.add(FaultKind::crash_in_recovery);
  die(random_.one_in(2) ? Loss::power : Loss::process);
}

void BrokerProcess::began(Instant now) {
  started_ = world_.schedule.now();
  started_at_ = now;
  stopped_until_ = 0;
  silent_ = false;
  if (is_full()) world_.checker.refuses_for("storage");
  world_.network.broker_up(*this);
  wake();
}

// Recovers the same bytes once more: the same tasks, and the same lease first.
void BrokerProcess::compare_with_second_recovery(test::SimDisk disk, Instant now) {
  Deaf deaf;
  Store store(disk, journal_options());
  broker::Turn turn(world_.options.turn, store, deaf, world_.options.seed + starts_);
  if (const auto started = turn.start(now); !started) {
    return world_.checker.fail("promise 9: a second recovery fails: " + started.error().message);
  }
  world_.checker.recovered_again(turn.core());
  turn.begin(now);
  turn.on_worker_frame(Peer{1}, broker::everybody(), hello_of_anybody(world_.options));
  turn.finish();
  // What fell due while it was down fills more than one group.
  while (!turn.is_quiet() && !turn.failure()) {
    store.pump_all();
    turn.begin(now);
    turn.finish();
  }
  world_.checker.would_lease_first(deaf.first);
}

// --- its turns

void BrokerProcess::arrived(Side side, Peer peer, KeyNumber key, std::string frame) {
  inbox_[static_cast<std::size_t>(side)].push_back({peer, key, std::move(frame)});
  wake();
}

void BrokerProcess::hear(Side side) {
  auto& inbox = inbox_[static_cast<std::size_t>(side)];
  for (std::uint32_t i = 0; i < world_.options.frames_a_turn && !inbox.empty(); ++i) {
    if (side == Side::clients && !turn_->takes_clients()) return;
    const auto [peer, key, frame] = std::move(inbox.front());
    inbox.pop_front();
    const broker::Principal& who = world_.options.keys[key];
    if (side == Side::workers) {
      world_.checker.hears_worker(peer, key, frame);
      turn_->on_worker_frame(peer, who, frame);
    } else {
      world_.checker.hears_client(peer, key, frame);
      turn_->on_client_frame(peer, who, frame);
      world_.checker.heard_client();
    }
  }
}

void BrokerProcess::run_turn() {
  if (!turn_) return;
  if (!is_running()) return turn_alarm_.set(stopped_until_);
  turn_->begin(clock());
  world_.checker.turn_begins(turn_->now());
  hear(Side::workers);
  hear(Side::clients);
  world_.checker.lets_time_pass();
  turn_->finish();
  world_.checker.turn_ends(turn_->core());
  if (silent_) return die(death_->loss);
  if (turn_->failure()) {
    world_.trace.tell("broker: stops: " + turn_->failure()->message);
    if (!is_excused(*turn_->failure())) {
      world_.checker.fail("the store failed: " + turn_->failure()->message);
    }
    return die(random_.one_in(2) ? Loss::power : Loss::process);
  }
  if (dies(Step::turn_end)) return;
  if (store_->durable() < store_->appended())
    commit_alarm_.set(world_.schedule.now() + disk_time());
  chore_alarm_.set(world_.schedule.now() + disk_time() / 2);
  const bool more = !inbox_[0].empty() || (!inbox_[1].empty() && turn_->takes_clients());
  if (more) wake();
  const Duration sleep = std::clamp(turn_->wake_at() - clock(), Duration(0), Duration(1h));
  turn_alarm_.set(world_.schedule.now() + std::max<Micros>(micros(sleep), 50));
}

// The disk was made to fail. Damage has no excuse.
bool BrokerProcess::is_excused(const Error& error) const {
  const bool of_the_disk = error.code == Errc::io_failed || error.code == Errc::storage_full;
  return of_the_disk && (is_full() || (disk_may_fail_ && disk_.fault_happened()));
}

// --- its disk

Micros BrokerProcess::disk_time() {
  const bool slow = world_.schedule.now() < slow_until_;
  return 10 + static_cast<Micros>(random_.below(
                  static_cast<std::uint64_t>(slow ? sync_max_ : world_.options.sync_max)));
}

void BrokerProcess::commit() {
  if (!turn_) return;
  if (!is_running()) return commit_alarm_.set(stopped_until_);
  if (dies(Step::commit_step)) return;
  if (!store_->pump_commit()) return;
  world_.trace.add("disk", 0);
  commit_alarm_.set(world_.schedule.now() + disk_time());
  wake();
}

void BrokerProcess::do_chore() {
  if (!turn_) return;
  if (!is_running()) return chore_alarm_.set(stopped_until_);
  if (!store_->pump_chore()) return;
  chore_alarm_.set(world_.schedule.now() + disk_time());
  wake();
}

// --- what leaves it

void BrokerProcess::send_to_client(Peer peer, std::string_view frame) {
  if (dies(Step::release)) return;
  world_.checker.sends_client(peer, frame);
  world_.network.to_caller(Side::clients, peer, frame);
}

bool BrokerProcess::send_to_worker(Peer peer, std::string_view frame) {
  if (dies(Step::release)) return true;
  const bool delivered = world_.network.to_caller(Side::workers, peer, frame);
  world_.checker.sends_worker(peer, frame, delivered);
  return delivered;
}

void BrokerProcess::publish(std::string_view topic, std::string_view event) {
  if (dies(Step::release)) return;
  world_.checker.publishes(topic, event);
  world_.trace.add("event", 0, event);
  bus_.publish(topic, event);
}

}  // namespace drover::sim
