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

  // What is spent stays spent; a rate that is slower pays it back more slowly.
  void set_rate(const SettingValue& rate, Instant now) {
    if (!is_limited()) *this = Meter(rate, now);
    rate_ = rate;
  }

  // The instant at which `cost` is there, after `ahead` others that cost as much; an earlier one if
  // it is there already.
  Instant opens_at(std::uint64_t cost, std::uint64_t ahead = 0) const {
    if (!is_limited()) return Instant{};
    const std::int64_t all =
        worth(std::min(cost, rate_.amount)) + static_cast<std::int64_t>(ahead) * worth(cost);
    return ceil_ms(spent_until_ - nanos(rate_.per) + all);
  }

  void spend_all(Instant now) { *this = Meter(rate_, now); }

  void take(std::uint64_t cost, Instant now) {
    spent_until_ = std::max(spent_until_, nanos(now)) + worth(cost);
  }

  // It was said to cost `told` and came to `real`.
  void correct(std::uint64_t told, std::uint64_t real) {
    spent_until_ += worth(real) - worth(told);
  }

 private:
  static std::int64_t nanos(Duration d) { return std::chrono::nanoseconds(d).count(); }
  static std::int64_t nanos(Instant at) { return nanos(at.time_since_epoch()); }
  static Instant ceil_ms(std::int64_t ns) {
    return Instant(std::chrono::ceil<Duration>(std::chrono::nanoseconds(ns)));
  }

  // Nanoseconds that a cost takes to come in; at most the 366 days of the longest delay.
  std::int64_t worth(std::uint64_t cost) const {
    constexpr double kMost = 366.0 * 24 * 3600 * 1e9;
    const double ns = static_cast<double>(cost) * static_cast<double>(nanos(rate_.per)) /
                      static_cast<double>(rate_.amount);
    return rate_.amount == 0 ? 0 : static_cast<std::int64_t>(std::min(ns, kMost));
  }

  SettingValue rate_;
  std::int64_t spent_until_ = 0;
};

}  // namespace drover::broker
