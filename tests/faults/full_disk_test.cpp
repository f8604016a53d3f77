// A disk that fills up: new tasks wait, everything else still lands, and by itself it goes on when
// there is room again, be it new space or what cleaning makes of old segments.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "tests/faults/rig.hpp"
#include "tests/faults/scale.hpp"

namespace drover::test {
namespace {

// Large beside the records, as real ones are: what is left over at a segment's end is little.
constexpr std::uint64_t kSegment = 16 * 1024;
constexpr RigOptions kRetainAll{.segment_bytes = kSegment, .retain_bytes = 1024 * kSegment};

class FullDisk : public testing::Test {
 protected:
  FullDisk() : disk(1), rig(disk, 1, kRetainAll) {}

  void fill_until_refused() {
    int refused = 0;  // in a row: a refusal may pass, for cleaning goes on
    for (int i = 0; i < 10'000 && refused < 20; ++i) {
      const bool takes = rig.store().takes_submissions();
      refused = takes ? 0 : refused + 1;
      if (takes) rig.submit();
      rig.settle();
      rig.clean();
    }
    ASSERT_EQ(refused, 20);
  }

  // A second of a broker that has nothing to do but to clean.
  void idle() {
    rig.now_ms += 1000;
    (void)rig.store().takes_submissions();
    rig.clean();
    rig.settle();
  }

  bool takes_submissions_soon() {
    for (int i = 0; i < 200 && !rig.store().takes_submissions(); ++i) idle();
    return rig.store().takes_submissions();
  }

  void expect_all_there_after_a_restart() {
    rig.kill();
    ASSERT_TRUE(rig.start()) << rig.refusal().message;
    EXPECT_FALSE(rig.wrong()) << *rig.wrong();
  }

  SimDisk disk;
  Rig rig;
};

TEST_F(FullDisk, TasksAreRefusedWhileTheEndsOfAllTasksStillFit) {
  ASSERT_TRUE(rig.start());
  disk.set_capacity(10 * kSegment);
  fill_until_refused();
  EXPECT_TRUE(rig.store().takes_leases());
  while (rig.ledger().live_keys() > 0) {
    rig.finish();
    rig.settle();
    rig.clean();
    ASSERT_FALSE(rig.failed()) << rig.store().failure()->message;
  }
  expect_all_there_after_a_restart();
}

// The log is large and mostly dead, and journal.retain would keep all of it.
TEST_F(FullDisk, OldSegmentsMakeRoomForNewTasksWhateverIsToBeRetained) {
  ASSERT_TRUE(rig.start());
  disk.set_capacity(12 * kSegment);
  for (int i = 0; i < 3'000; ++i) {
    rig.now_ms += 100;
    if (rig.store().takes_submissions()) rig.submit();
    if (i % 3 != 0 || rig.ledger().live_bytes() > 4 * kSegment) rig.finish();
    rig.settle();
    rig.clean();
    ASSERT_FALSE(rig.failed()) << rig.store().failure()->message;
  }
  EXPECT_GT(rig.store().oldest_seq(), 1'000U);
  EXPECT_TRUE(rig.store().takes_submissions());
  EXPECT_GT(rig.store().figures().trimmed_early, 0U) << "and it says so";
  expect_all_there_after_a_restart();
}

// Somebody else fills the disk, and nothing is running whose end would move the cleaning on.
TEST_F(FullDisk, OldSegmentsMakeRoomThoughNothingIsAdded) {
  ASSERT_TRUE(rig.start());
  for (int i = 0; i < 1'000; ++i) {
    rig.submit();
    if (i >= 4) rig.finish();
    rig.settle();
  }
  disk.set_capacity(disk.used_bytes());
  for (int i = 0; i < 10'000 && rig.store().takes_submissions(); ++i) rig.submit(), rig.settle();
  EXPECT_FALSE(rig.store().takes_submissions());
  EXPECT_TRUE(takes_submissions_soon());
  EXPECT_FALSE(rig.failed());
  expect_all_there_after_a_restart();
}

TEST_F(FullDisk, TasksAreTakenAgainWhenSpaceComesBack) {
  ASSERT_TRUE(rig.start());
  disk.set_capacity(8 * kSegment);
  fill_until_refused();
  for (int i = 0; i < 50; ++i) idle();
  EXPECT_FALSE(rig.store().takes_submissions()) << "all that is there still counts";
  disk.set_capacity(UINT64_MAX);
  EXPECT_TRUE(takes_submissions_soon());
  for (int i = 0; i < 300; ++i) rig.submit(), rig.settle(), rig.clean();
  EXPECT_FALSE(rig.failed());
  EXPECT_TRUE(rig.store().takes_submissions()) << "the log grows with the disk";
  expect_all_there_after_a_restart();
}

TEST_F(FullDisk, NothingIsLeasedOnceTheLastSpareIsInUse) {
  ASSERT_TRUE(rig.start());
  disk.set_capacity(8 * kSegment);
  for (int i = 0; i < 10'000 && rig.store().takes_leases(); ++i) {
    rig.submit();
    rig.settle();
  }
  ASSERT_FALSE(rig.store().takes_leases());
  ASSERT_FALSE(rig.failed());
  for (std::uint64_t bytes = 0; bytes < kSegment; bytes += 100) {  // what is running still ends
    rig.finish();
    rig.settle();
    ASSERT_FALSE(rig.failed()) << rig.store().failure()->message;
  }
}

TEST_F(FullDisk, WithNoSegmentLeftTheStoreFailsAndKeepsWhatItHad) {
  ASSERT_TRUE(rig.start());
  disk.set_capacity(8 * kSegment);
  for (int i = 0; i < 10'000 && !rig.failed(); ++i) {
    rig.submit();
    rig.settle();
  }
  ASSERT_TRUE(rig.failed());
  EXPECT_EQ(rig.store().failure()->code, Errc::io_failed);
  disk.set_capacity(UINT64_MAX);
  expect_all_there_after_a_restart();
}

// --- stories: producers and workers come and go, others fill the disk and make room again

struct Story {
  std::uint64_t submitted = 0, refused = 0, finished = 0;
  std::uint64_t resumed = 0;  // tasks were taken again, without new space
};

void work(Rig& rig, Random& random, int producers, int workers, Story& story) {
  bool refused = false;
  for (int i = 0; i < 600 && !rig.failed(); ++i) {
    rig.now_ms += 100;
    const bool takes = rig.store().takes_submissions();
    for (int n = 0; n < producers; ++n) takes ? ++story.submitted : ++story.refused;
    for (int n = 0; takes && n < producers; ++n) rig.submit();
    const auto ends = rig.store().takes_leases() ? workers : 0;
    for (int n = 0; n < ends; ++n) rig.finish(), ++story.finished;
    random.one_in(4) ? rig.settle() : rig.pump();
    rig.flush();
    rig.clean();
    if (producers > 0) story.resumed += refused && takes;
    refused = !takes;
  }
}

void live_with_a_full_disk(std::uint64_t seed, Story& story) {
  Random random(seed);
  SimDisk disk(random.next());
  Rig rig(disk, random.next(), kRetainAll);
  ASSERT_TRUE(rig.start());
  for (int phase = 0; phase < 8; ++phase) {
    // Not below what is used: others cannot take what is reserved.
    disk.set_capacity(std::max(disk.used_bytes(), (8 + random.below(12)) * kSegment));
    const auto producers = static_cast<int>(random.below(4));
    work(rig, random, producers, static_cast<int>(random.below(4)), story);
    ASSERT_FALSE(rig.failed()) << "seed " << seed << ": " << rig.store().failure()->message;
    ASSERT_FALSE(rig.wrong()) << "seed " << seed << ": " << *rig.wrong();
    if (!random.one_in(3)) continue;
    rig.kill();
    if (random.one_in(2)) disk.power_cut();
    ASSERT_TRUE(rig.start()) << "seed " << seed << ": " << rig.refusal().message;
    ASSERT_FALSE(rig.wrong()) << "seed " << seed << ": " << *rig.wrong();
  }
}

TEST(FullDiskStories, NothingAcknowledgedIsLostNoEndIsRefusedAndTasksAreTakenAgain) {
  Story sum;
  const auto seeds = share_of(500);
  for (std::uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) {
    live_with_a_full_disk(seed, sum);
  }
  std::printf("%lu stories: %lu tasks taken, %lu refused, %lu ended; taken again %lu times\n",
              seeds, sum.submitted, sum.refused, sum.finished, sum.resumed);
  EXPECT_GT(sum.refused, 0U);
  EXPECT_GT(sum.resumed, 0U);
}

}  // namespace
}  // namespace drover::test
