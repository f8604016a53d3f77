// A subscriber: follows the status bus through the real follower, over a connection that drops.
// What it is told must be every event, or every one of its tenant's, once and in order.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "drover/client_core.hpp"
#include "drover/follow_core.hpp"
#include "tests/simulation/broker_process.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/world.hpp"

namespace drover::sim {

class Subscriber final : public Caller {
 public:
  Subscriber(World& world, KeyNumber key, std::uint64_t seed);

  // The bus has something for it, if it is of its tenant, which may get lost on the way.
  void hear(std::string_view topic, std::string_view event);
  bool is_subscribed() const { return world_.schedule.now() >= away_until_; }

  // Loses so many per mille until then; or stands still, hears nothing and asks nothing.
  void lose(Share share, Micros until);
  void stand_still(Micros until);
  void heal();

  LinkId link() const { return link_; }
  KeyNumber key() const { return key_; }
  std::uint64_t reached() const { return reached_; }

  // --- Caller
  void receive(std::string frame) override;
  void reconnected() override;

 private:
  void run();
  void ask();
  Instant clock() const { return clock_at(kEpoch, world_.schedule.now()); }

  World& world_;
  Random random_;
  KeyNumber key_;
  std::string prefix_;  // of what it may subscribe to
  ClientCore client_;
  std::optional<FollowCore> follow_;  // once the broker has named its store
  LinkId link_;
  Alarm alarm_;
  std::optional<std::uint64_t> asked_;
  std::uint64_t reached_ = 0;
  Share loss_ = 0;
  Micros loss_until_ = 0, away_until_ = 0, last_ = 0;
};

}  // namespace drover::sim
