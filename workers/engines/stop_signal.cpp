#include "workers/engines/stop_signal.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "common/base/assert.hpp"

namespace drover::workers {

using std::chrono::steady_clock;

StopSignal::StopSignal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { DROVER_ASSERT(fd_ >= 0); }

StopSignal::~StopSignal() { close(fd_); }

bool StopSignal::requested() const { return force_at().has_value(); }

std::stop_token StopSignal::token() const {
  const std::lock_guard lock(mutex_);
  return source_.get_token();
}

std::optional<SteadyTime> StopSignal::force_at() const {
  const std::lock_guard lock(mutex_);
  return force_at_;
}

void StopSignal::heard() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto bytes = read(fd_, &count, sizeof count);
}

bool StopSignal::wait_for(Duration duration) const {
  const auto until = steady_clock::now() + duration;
  while (!requested()) {
    const auto left = std::chrono::ceil<Duration>(until - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd wait{fd_, POLLIN, 0};
    poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
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
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto bytes = write(fd_, &one, sizeof one);
}

void StopSignal::reset() {
  heard();
  const std::lock_guard lock(mutex_);
  force_at_.reset();
  if (source_.stop_requested()) source_ = std::stop_source();
}

}  // namespace drover::workers
