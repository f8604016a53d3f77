// The process's clock: near the system's, and never going back.

#include "common/transport/clock.hpp"

#include <gtest/gtest.h>

namespace drover::transport {
namespace {

TEST(ProcessClock, ItBeginsAtTheSystemsTime) {
  const auto system =
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
  const ProcessClock clock;
  EXPECT_LT(std::chrono::abs(clock.now().time_since_epoch() - system), 5s);
  EXPECT_LT(std::chrono::abs(clock.drift()), 5s);
}

TEST(ProcessClock, ItNeverGoesBack) {
  const ProcessClock clock;
  auto last = clock.now();
  for (int i = 0; i < 10'000; ++i) {
    const auto now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace drover::transport
