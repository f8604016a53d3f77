// Virtual time: what happens next, and nothing in between.
//
// Whoever has something to do says when; `step` goes to the earliest such moment and does it. Equal
// moments go in the order in which they were asked for, so a run repeats itself exactly.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "common/base/time.hpp"

namespace drover::sim {

using Micros = std::int64_t;  // of virtual time, from the beginning of the run

inline constexpr Micros kMillisecond = 1000;
inline constexpr Micros kSecond = 1000 * kMillisecond;
inline constexpr Micros kMinute = 60 * kSecond;

// What a clock shows that was set to `base` when the run began.
inline Instant clock_at(Instant base, Micros now) { return base + Duration(now / kMillisecond); }
inline Micros micros(Duration duration) { return duration.count() * kMillisecond; }

class Schedule {
 public:
  Micros now() const { return now_; }

  // Does `what` at `when`, or now if that is past.
  void at(Micros when, std::function<void()> what) {
    events_.push_back({std::max(when, now_), order_++, std::move(what)});
    std::push_heap(events_.begin(), events_.end(), later);
  }
  void after(Micros delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  // Does what comes next. False if nothing does.
  bool step() {
    if (events_.empty()) return false;
    std::pop_heap(events_.begin(), events_.end(), later);
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.at;
    event.what();
    return true;
  }

 private:
  struct Event {
    Micros at;
    std::uint64_t order;
    std::function<void()> what;
  };
  static bool later(const Event& a, const Event& b) {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }

  std::vector<Event> events_;
  Micros now_ = 0;
  std::uint64_t order_ = 0;
};

// One thing that somebody wants to be woken for, at the earliest of the times asked for since it
// rang last. The owner outlives the schedule's run.
class Alarm {
 public:
  Alarm(Schedule& schedule, std::function<void()> ring)
      : schedule_(schedule), ring_(std::move(ring)) {}

  void set(Micros at) {
    if (at >= at_) return;
    at_ = at;
    schedule_.at(at, [this, version = ++version_] {
      if (version == version_) clear(), ring_();
    });
  }
  void clear() { at_ = INT64_MAX, ++version_; }
  bool is_set() const { return at_ != INT64_MAX; }

 private:
  Schedule& schedule_;
  std::function<void()> ring_;
  Micros at_ = INT64_MAX;
  std::uint64_t version_ = 0;
};

}  // namespace drover::sim
