// How much of a rate is spent.
//
// The generic cell rate algorithm (ITU-T I.371, virtual scheduling): of a rate of n in a time T, n
// are there at once after a quiet T, and one more each T / n. It keeps one instant, so nothing need
// be done as time passes. Who asks more than n at once is served when all n are there, and the rate
// pays for the rest of it afterwards. Pure data.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "broker/core/settings.hpp"
#include "common/base/time.hpp"

namespace drover::broker {

class Meter {
 public:
  Meter() = default;
  // All is spent at `now`: what was used before is not known.
  Meter(const SettingValue& rate, Instant now)
      : rate_(rate), spent_until_(nanos(now) + nanos(rate.per)) {}

  bool is_limited() const { return rate_.amount > 0; }
  const SettingValue& rate() const { return rate_; }

  // What is spent stays spent: as many are lacking, and come in at the new pace.
  void set_rate(const SettingValue& rate, Instant now) {
    if (rate == rate_) return;
    if (!is_limited() || rate.amount == 0) {
      *this = Meter(rate, now);
      return;
    }
    const double lacking =
        static_cast<double>(std::max<std::int64_t>(spent_until_ - nanos(now), 0)) / worth_of_one();
    rate_ = rate;
    const double ns = std::min(lacking * worth_of_one(), static_cast<double>(nanos(rate.per)));
    spent_until_ = nanos(now) + static_cast<std::int64_t>(ns);
  }

  // The instant at which `cost` is there, after others that cost `ahead`; an earlier one if
  // it is there already.
  Instant opens_at(std::uint64_t cost, std::uint64_t ahead = 0) const {
    if (!is_limited()) return Instant{};
    const std::int64_t all = worth(static_cast<double>(std::min(cost, rate_.amount))) +
                             worth(static_cast<double>(ahead));
    return ceil_ms(spent_until_ - nanos(rate_.per) + all);
  }

  void spend_all(Instant now) { *this = Meter(rate_, now); }

  void take(std::uint64_t cost, Instant now) {
    spend(std::max(spent_until_, nanos(now)), static_cast<double>(cost), now);
  }

  // It was said to cost `told` and came to `real`.
  void correct(std::uint64_t told, std::uint64_t real, Instant now) {
    if (!is_limited()) return;
    spend(spent_until_, static_cast<double>(real) - static_cast<double>(told), now);
  }

 private:
  static std::int64_t nanos(Duration d) { return std::chrono::nanoseconds(d).count(); }
  static std::int64_t nanos(Instant at) { return nanos(at.time_since_epoch()); }
  static Instant ceil_ms(std::int64_t ns) {
    return Instant(std::chrono::ceil<Duration>(std::chrono::nanoseconds(ns)));
  }

  // Nanoseconds that one takes to come in.
  double worth_of_one() const {
    return static_cast<double>(nanos(rate_.per)) / static_cast<double>(rate_.amount);
  }
  // And so much; at most the 366 days of the longest delay.
  std::int64_t worth(double cost) const {
    return static_cast<std::int64_t>(std::clamp(cost * worth_of_one(), -kMost, kMost));
  }
  void spend(std::int64_t from, double cost, Instant now) {
    const std::int64_t most = nanos(now) + static_cast<std::int64_t>(kMost);
    spent_until_ = std::min(from + worth(cost), most);
  }

  static constexpr double kMost = 366.0 * 24 * 3600 * 1e9;

  SettingValue rate_;
  std::int64_t spent_until_ = 0;
};

}  // namespace drover::broker
