#include "workers/engines/stop_signal.hpp"

#include <algorithm>
#include <cstdint>

namespace drover::workers {

using std::chrono::steady_clock;

bool StopSignal::requested() const { return force_at().has_value(); }

std::stop_token StopSignal::token() const {
  const std::lock_guard lock(mutex_);
  return source_.get_token();
}

std::optional<SteadyTime> StopSignal::force_at() const {
  const std::lock_guard lock(mutex_);
  return force_at_;
}

bool StopSignal::wait_for(Duration duration) const {
  const auto until = steady_clock::now() + duration;
  while (!requested()) {
    const auto left = std::chrono::ceil<Duration>(until - steady_clock::now()).count();
    if (left <= 0) return false;
    waker_.wait(static_cast<int>(std::min<std::int64_t>(left, 60'000)));
  }
  return true;
}

void StopSignal::request(Duration grace) {
  std::stop_source source(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    const auto at = steady_clock::now() + grace;
    force_at_ = force_at_ ? std::min(*force_at_, at) : at;
    source = source_;
  }
  source.request_stop();  // runs callbacks: not under the lock
  waker_.wake();
}

void StopSignal::reset() {
  heard();
  const std::lock_guard lock(mutex_);
  force_at_.reset();
  if (source_.stop_requested()) source_ = std::stop_source();
}

}  // namespace drover::workers
