#include "common/transport/clock.hpp"

#include <time.h>

namespace drover::transport {
namespace {

Duration read(clockid_t clock) {
  timespec at{};
  clock_gettime(clock, &at);
  return Duration(static_cast<std::int64_t>(at.tv_sec) * 1000 + at.tv_nsec / 1'000'000);
}

}  // namespace

ProcessClock::ProcessClock() : offset_(read(CLOCK_REALTIME) - read(CLOCK_BOOTTIME)) {}

Instant ProcessClock::now() const { return Instant(read(CLOCK_BOOTTIME) + offset_); }

Duration ProcessClock::drift() const { return read(CLOCK_REALTIME) - now().time_since_epoch(); }

}  // namespace drover::transport
