// Randomness that can be repeated: a simulation that fails is run again from its seed.

#include "common/base/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <set>

namespace drover {
namespace {

TEST(RandomTest, TheSameSeedGivesTheSameNumbersForEver) {
  // xoshiro256** seeded by splitmix64(0), as other implementations of it print them.
  Random zero(0);
  EXPECT_EQ(zero.next(), 11091344671253066420u);
  EXPECT_EQ(zero.next(), 13793997310169335082u);
  EXPECT_EQ(zero.next(), 1900383378846508768u);
  EXPECT_EQ(zero.next(), 7684712102626143532u);
  Random forty_two(42);
  EXPECT_EQ(forty_two.next(), 1546998764402558742u);
  EXPECT_EQ(forty_two.next(), 6990951692964543102u);
}

TEST(RandomTest, ACopyGoesOnWithTheSameNumbers) {
  Random first(7);
  first.next();
  Random second = first;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(first.next(), second.next());
}

TEST(RandomTest, ANumberIsBelowItsBound) {
  Random random(1);
  for (const std::uint64_t bound :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{1000},
        (std::uint64_t{1} << 63) + 1, std::numeric_limits<std::uint64_t>::max()}) {
    for (int i = 0; i < 1000; ++i) ASSERT_LT(random.below(bound), bound);
  }
}

TEST(RandomTest, BothEndsOfARangeAreDrawn) {
  Random random(2);
  std::set<std::int64_t> drawn;
  for (int i = 0; i < 1000; ++i) drawn.insert(random.between(-2, 2));
  EXPECT_EQ(drawn, (std::set<std::int64_t>{-2, -1, 0, 1, 2}));
  EXPECT_EQ(random.between(5, 5), 5);
}

// Pearson's chi-square: with k boxes it stays around k - 1, and above k - 1 + 5 * sqrt(2 * (k - 1))
// about once in a million seeds.
template <std::size_t kBoxes, class Draw>
double surprise(Draw draw) {
  constexpr int kDraws = 100'000;
  std::array<int, kBoxes> boxes{};
  for (int i = 0; i < kDraws; ++i) ++boxes.at(draw());
  const double expected = static_cast<double>(kDraws) / kBoxes;
  double sum = 0;
  for (const int count : boxes) sum += (count - expected) * (count - expected) / expected;
  return (sum - (kBoxes - 1)) / std::sqrt(2.0 * (kBoxes - 1));
}

TEST(RandomTest, NumbersAreDrawnEvenly) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    Random random(seed);
    EXPECT_LT(std::abs(surprise<10>([&] { return random.below(10); })), 5) << seed;
    EXPECT_LT(std::abs(surprise<256>([&] { return random.next() >> 56; })), 5) << seed;
    EXPECT_LT(std::abs(surprise<256>([&] { return random.next() & 0xff; })), 5) << seed;
    // At this bound every third number would come twice as often if none were drawn again.
    const std::uint64_t bound = 3 * (std::uint64_t{1} << 62);
    EXPECT_LT(std::abs(surprise<3>([&] { return random.below(bound) % 3; })), 5) << seed;
  }
}

TEST(RandomTest, OneInNComesAboutThatOften) {
  Random random(3);
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) hits += random.one_in(10) ? 1 : 0;
  EXPECT_NEAR(hits, 10'000, 500);
  EXPECT_TRUE(random.one_in(1));
}

}  // namespace
}  // namespace drover
