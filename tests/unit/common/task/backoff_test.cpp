// Backoff: after the n-th failure a delay drawn from 0 to min(max, base * factor^(n-1)).

#include "common/task/backoff.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "common/task/task_spec.hpp"

namespace drover {
namespace {

std::vector<std::int64_t> ceilings(const Backoff& backoff, std::uint32_t failures) {
  std::vector<std::int64_t> all;
  for (std::uint32_t n = 1; n <= failures; ++n) all.push_back(backoff_ceiling(backoff, n).count());
  return all;
}

TEST(BackoffTest, DoublesFromASecondToTenMinutesUnlessToldOtherwise) {
  EXPECT_EQ(ceilings({}, 12),
            (std::vector<std::int64_t>{1000, 2000, 4000, 8000, 16'000, 32'000, 64'000, 128'000,
                                       256'000, 512'000, 600'000, 600'000}));
}

TEST(BackoffTest, GrowsByAnyFactorFromOneMillisecondOn) {
  const Backoff slow{.base = 1ms, .factor_permille = 1500, .max = 1h};
  EXPECT_EQ(ceilings(slow, 8), (std::vector<std::int64_t>{1, 1, 2, 3, 5, 7, 11, 17}));
  const Backoff tenfold{.base = 10ms, .factor_permille = 10'000, .max = 1h};
  EXPECT_EQ(ceilings(tenfold, 4), (std::vector<std::int64_t>{10, 100, 1000, 10'000}));
}

TEST(BackoffTest, AFixedDelayNeverGrows) {
  const Backoff fixed{.kind = BackoffKind::fixed, .base = 3s, .jitter = false};
  EXPECT_EQ(ceilings(fixed, 3), (std::vector<std::int64_t>{3000, 3000, 3000}));
  EXPECT_EQ(backoff_ceiling(fixed, UINT32_MAX), 3s);
}

TEST(BackoffTest, AFactorOfOneNeverGrowsHoweverOftenItFails) {
  const Backoff level{.base = 3s, .factor_permille = 1000};
  EXPECT_EQ(backoff_ceiling(level, 1), 3s);
  EXPECT_EQ(backoff_ceiling(level, UINT32_MAX), 3s);
}

TEST(BackoffTest, NoDelayStaysNoDelay) {
  const Backoff none{.base = 0ms, .factor_permille = 100'000};
  EXPECT_EQ(backoff_ceiling(none, 1), 0ms);
  EXPECT_EQ(backoff_ceiling(none, UINT32_MAX), 0ms);
  Random random(1);
  EXPECT_EQ(draw_delay(none, 5, random), 0ms);
}

TEST(BackoffTest, TheGreatestBaseFactorAndCountDoNotOverflow) {
  for (const Duration base : {Duration(1), Duration(kDelayMax - 1ms), kDelayMax}) {
    const Backoff greatest{.base = base, .factor_permille = 100'000, .max = kDelayMax};
    EXPECT_EQ(backoff_ceiling(greatest, 1), base);
    EXPECT_EQ(backoff_ceiling(greatest, 100), kDelayMax);
    EXPECT_EQ(backoff_ceiling(greatest, UINT32_MAX), kDelayMax);
  }
}

TEST(BackoffTest, TheCeilingNeverFallsFromOneFailureToTheNext) {
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    Backoff any;
    any.base = Duration(random.between(0, kDelayMax.count()) >> random.below(35));
    any.max = Duration(random.between(any.base.count(), kDelayMax.count()));
    any.factor_permille = static_cast<std::uint32_t>(random.between(1000, 100'000));
    Duration last{0};
    for (std::uint32_t n = 1; n <= 100; ++n) {
      const auto ceiling = backoff_ceiling(any, n);
      ASSERT_GE(ceiling, last);
      ASSERT_LE(ceiling, any.max);
      last = ceiling;
    }
  }
}

TEST(BackoffTest, JitterDrawsFromNothingToTheWholeCeiling) {
  const Backoff small{.base = 3ms, .max = 3ms};
  Random random(1);
  std::vector<int> drawn(4);
  for (int i = 0; i < 10'000; ++i)
    ++drawn.at(static_cast<std::size_t>(draw_delay(small, 1, random).count()));
  for (const int count : drawn) EXPECT_NEAR(count, 2500, 250);
}

TEST(BackoffTest, WithoutJitterTheDelayIsTheCeilingAndNothingIsDrawn) {
  const Backoff exact{.jitter = false};
  Random random(1), untouched(1);
  EXPECT_EQ(draw_delay(exact, 3, random), 4s);
  EXPECT_EQ(random.next(), untouched.next());
}

TEST(BackoffTest, TheSameSeedDrawsTheSameDelays) {
  Random first(9), second(9), other(10);
  std::vector<Duration> a, b, c;
  for (std::uint32_t n = 1; n <= 20; ++n) {
    a.push_back(draw_delay({}, n, first));
    b.push_back(draw_delay({}, n, second));
    c.push_back(draw_delay({}, n, other));
  }
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

}  // namespace
}  // namespace drover
