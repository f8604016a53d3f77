// Kills and power cuts at random moments of random uses, and of the recoveries between them.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/faults/life.hpp"
#include "tests/faults/scale.hpp"

namespace drover::test {
namespace {

constexpr std::uint64_t kSeeds = 150'000;

TEST(PowerCut, NoAcknowledgedRecordIsLostAndNoStartIsRefused) {
  Life sum;
  const auto seeds = share_of(kSeeds);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Life life = live(seed);
    ASSERT_FALSE(life.wrong) << "seed " << seed << ": " << *life.wrong;
    sum.acknowledged += life.acknowledged;
    sum.cuts += life.cuts;
    sum.kills += life.kills;
    sum.torn_tails += life.torn_tails;
    sum.carried_bytes += life.carried_bytes;
  }
  std::printf(
      "%lu seeds: %lu records acknowledged, %lu power cuts, %lu kills, %lu torn tails, %lu MB "
      "carried\n",
      seeds, sum.acknowledged, sum.cuts, sum.kills, sum.torn_tails, sum.carried_bytes >> 20);
  if (percent() < 100) return;
  // Or the figure above would say nothing.
  EXPECT_GT(sum.torn_tails, 1'000U);
  EXPECT_GT(sum.carried_bytes, 100'000'000U);
}

TEST(PowerCut, TheSameSeedTellsTheSameStory) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Life one = live(seed), two = live(seed);
    EXPECT_EQ(one.acknowledged, two.acknowledged);
    EXPECT_EQ(one.carried_bytes, two.carried_bytes);
  }
}

}  // namespace
}  // namespace drover::test
