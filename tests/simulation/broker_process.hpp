// The broker's process: the real turn over the real journal, on a simulated disk and clock.
//
// It is started and killed from outside. A kill can be planned for a step of its work: before or
// after a write or a sync, in the middle of sending, at the end of a turn, while it recovers. What
// a process has in memory is gone then; the disk keeps what SimDisk says.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/io/turn.hpp"
#include "broker/store/journal/inline_journal_store.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/watched_store.hpp"
#include "tests/simulation/world.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::sim {

class Bus {
 public:
  virtual ~Bus() = default;
  virtual void publish(std::string_view topic, std::string_view event) = 0;
  virtual bool has_subscribers() const = 0;
};

class BrokerProcess final : public Inbox, public broker::Outlet {
 public:
  BrokerProcess(World& world, Bus& bus, std::uint64_t seed);

  enum class Step : std::uint8_t { any, commit_step, release, turn_end };
  enum class Loss : std::uint8_t { process, power };

  void start_after(Micros delay);
  // Dies when it has taken `count` more such steps, and is started again a while later.
  void kill_at(Step step, std::uint32_t count, Loss loss);
  void kill(Loss loss);
  void stop();  // cleanly
  void stand_still(Micros duration);
  void step_clock(Duration by);  // the next start reads it
  void crash_in_next_recovery() { crash_in_recovery_ = true; }
  void start_twice();
  void slow_disk(Micros sync_max, Micros until);
  void fill_disk(Micros until);
  void fail_disk(std::uint32_t calls);
  void heal();

  bool is_up() const { return turn_ != nullptr; }
  bool is_quiet() { return is_up() && turn_->is_quiet(); }
  broker::Turn& turn() { return *turn_; }

  // --- Inbox
  void arrived(Side side, Peer peer, KeyNumber key, std::string frame) override;

  // --- Outlet
  void send_to_client(Peer peer, std::string_view frame) override;
  bool send_to_worker(Peer peer, std::string_view frame) override;
  void publish(std::string_view topic, std::string_view event) override;
  bool has_subscribers() const override { return bus_.has_subscribers(); }

 private:
  using Store = broker::journal::InlineJournalStore;
  struct Death {
    Step step;
    std::uint32_t count;
    Loss loss;
  };

  void start();
  void began(Instant now);
  void could_not_start(const Error& error);
  bool is_excused(const Error& error) const;
  void compare_with_second_recovery(test::SimDisk disk, Instant now);
  void run_turn();
  void hear(Side side);
  void commit();
  void do_chore();
  bool dies(Step step);
  void die(Loss loss);
  bool is_running() const { return turn_ && world_.schedule.now() >= stopped_until_; }
  // A little longer than it lasts: what failed in time is noticed late.
  bool is_full() const { return world_.schedule.now() < full_until_ + kSecond; }
  void wake() { turn_alarm_.set(world_.schedule.now() + 20); }
  Micros disk_time();
  Instant clock() const {
    return started_at_ + Duration((world_.schedule.now() - started_) / kMillisecond);
  }
  broker::journal::JournalOptions journal_options() const;

  World& world_;
  Bus& bus_;
  Random random_;
  test::SimDisk disk_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<WatchedStore> watched_;
  std::unique_ptr<broker::Turn> turn_;
  struct Arrived {
    Peer peer;
    KeyNumber key;
    std::string frame;
  };
  std::deque<Arrived> inbox_[2];

  Alarm start_alarm_, turn_alarm_, commit_alarm_, chore_alarm_;
  Micros started_ = 0;
  Instant started_at_;
  Micros stopped_since_ = 0, stopped_until_ = 0;
  std::uint64_t starts_ = 0;
  std::optional<Death> death_;
  bool silent_ = false;  // died in the middle of sending: nothing leaves any more
  bool crash_in_recovery_ = false;
  bool disk_may_fail_ = false;
  Micros sync_max_, slow_until_ = 0, full_until_ = -kMinute;
};

}  // namespace drover::sim
