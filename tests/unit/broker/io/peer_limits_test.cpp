// What one peer may ask: how often it may be wrong, and how fast it may come.

#include "broker/io/peer_limits.hpp"

#include <gtest/gtest.h>

namespace drover::broker {
namespace {

using What = PeerLimits::What;

constexpr Instant kThen = instant_from_ms(1'769'846'709'007);
constexpr Peer kBad{7}, kGood{8};

PeerLimitOptions only(std::uint64_t requests, std::uint64_t tasks = 0) {
  PeerLimitOptions options;
  options.requests = requests;
  options.tasks = tasks;
  return options;
}

TEST(PeerLimits, TwentyUnreadableFramesInTenSecondsCostAMinuteAndThenTenMinutes) {
  PeerLimits limits{PeerLimitOptions{}};
  for (int i = 0; i < 19; ++i) EXPECT_EQ(limits.malformed(kBad, kThen), 0ms);
  EXPECT_FALSE(limits.ignores(kBad, kThen));
  EXPECT_EQ(limits.malformed(kBad, kThen + 9s), 60s);
  EXPECT_TRUE(limits.ignores(kBad, kThen + 9s));
  EXPECT_FALSE(limits.ignores(kGood, kThen + 9s));

  const Instant again = kThen + 69s;
  EXPECT_TRUE(limits.ignores(kBad, again - 1ms));
  EXPECT_FALSE(limits.ignores(kBad, again));
  for (int i = 0; i < 19; ++i) EXPECT_EQ(limits.malformed(kBad, again), 0ms);
  EXPECT_EQ(limits.malformed(kBad, again), 10min);
  EXPECT_TRUE(limits.ignores(kBad, again + 10min - 1ms));
  EXPECT_EQ(limits.ignored(), 2u);
}

TEST(PeerLimits, AnUnreadableFrameNowAndThenIsBorne) {
  PeerLimits limits{PeerLimitOptions{}};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limits.malformed(kBad, kThen + i * 600ms), 0ms);
}

TEST(PeerLimits, ZeroMeansAnyNumber) {
  PeerLimitOptions options;
  options.malformed = 0;
  PeerLimits limits{options};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limits.malformed(kBad, kThen), 0ms);
  limits.take(kBad, What::request, 1'000'000, kThen);
  EXPECT_EQ(limits.pause(kBad, What::request, kThen), 0ms);
}

TEST(PeerLimits, ASecondsWorthMayComeAtOnceAndThenAtTheRate) {
  PeerLimits limits{only(100)};
  int passed = 0;
  for (; limits.pause(kBad, What::request, kThen) == 0ms; ++passed) {
    limits.take(kBad, What::request, 1, kThen);
  }
  EXPECT_EQ(passed, 100);
  EXPECT_EQ(limits.pause(kGood, What::request, kThen), 0ms);
  const auto pause = limits.pause(kBad, What::request, kThen);
  EXPECT_GT(pause, 0ms);
  EXPECT_EQ(limits.pause(kBad, What::request, kThen + pause), 0ms);

  passed = 0;
  for (Instant now = kThen; now < kThen + 10s; now += 1ms) {
    if (limits.pause(kBad, What::request, now) > 0ms) continue;
    limits.take(kBad, What::request, 1, now);
    ++passed;
  }
  EXPECT_NEAR(passed, 1000, 2);
}

TEST(PeerLimits, ABatchLargerThanTheRatePassesWholeAndIsPaidForAfterwards) {
  PeerLimits limits{only(0, 100)};
  EXPECT_EQ(limits.pause(kBad, What::task, kThen), 0ms);
  limits.take(kBad, What::task, 1000, kThen);
  EXPECT_NEAR(static_cast<double>(limits.pause(kBad, What::task, kThen).count()), 9000, 1);
  EXPECT_EQ(limits.pause(kBad, What::request, kThen), 0ms);
  EXPECT_EQ(limits.pause(kBad, What::task, kThen + 9001ms), 0ms);
}

TEST(PeerLimits, ManyTasksASecondAreCountedExactly) {
  PeerLimits limits{only(0, 3'000'000)};
  std::uint64_t passed = 0;
  for (Instant now = kThen; now < kThen + 10s; now += 1ms) {
    for (int i = 0; i < 10 && limits.pause(kBad, What::task, now) == 0ms; ++i) {
      limits.take(kBad, What::task, 1000, now);
      passed += 1000;
    }
  }
  EXPECT_NEAR(static_cast<double>(passed), 33'000'000, 10'000);
}

TEST(PeerLimits, WhoWasSilentLongestIsForgottenWhenTheTableIsFull) {
  PeerLimitOptions options;
  options.peers = 3;
  options.malformed = 1;
  PeerLimits limits{options};
  for (std::uint64_t peer = 1; peer <= 3; ++peer) limits.malformed(Peer{peer}, kThen);
  EXPECT_TRUE(limits.ignores(Peer{1}, kThen));  // heard again: 2 is the oldest now
  limits.malformed(Peer{4}, kThen);
  EXPECT_EQ(limits.size(), 3u);
  EXPECT_TRUE(limits.ignores(Peer{1}, kThen));
  EXPECT_TRUE(limits.ignores(Peer{3}, kThen));
  EXPECT_TRUE(limits.ignores(Peer{4}, kThen));
  EXPECT_FALSE(limits.ignores(Peer{2}, kThen));  // begins again, in the place of 1
  EXPECT_FALSE(limits.ignores(Peer{1}, kThen));
  EXPECT_EQ(limits.size(), 3u);
}

TEST(PeerLimits, AFloodOfPeersKeepsTheTableAtItsSize) {
  PeerLimitOptions options;
  options.peers = 100;
  PeerLimits limits{options};
  for (std::uint64_t peer = 1; peer <= 10'000; ++peer) limits.ignores(Peer{peer}, kThen);
  EXPECT_EQ(limits.size(), 100u);
}

}  // namespace
}  // namespace drover::broker
