// A disk that fails: the Nth call, for every N of a script that opens, appends, rolls, cleans,
// reads, closes and opens again.
//
// Afterwards the disk is well, with or without a power cut in between, and the journal must start
// with everything that it ever acknowledged.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "tests/faults/rig.hpp"
#include "tests/faults/scale.hpp"

namespace drover::test {
namespace {

constexpr std::uint64_t kScript = 4;

void run_script(Rig& rig) {
  for (const int steps : {300, 100}) {
    if (!rig.start()) return;
    for (int i = 0; i < steps && !rig.wrong(); ++i) rig.step();
    rig.close();
  }
}

struct Outcome {
  std::uint64_t runs = 0, failed = 0;
};

// One run with one failing call; false once the script is over before it fails.
bool run_with(const DiskFault& fault, bool power_cut, Outcome& outcome) {
  SimDisk disk(fault.at_call);
  Rig rig(disk, kScript);
  disk.plan(fault);
  run_script(rig);
  const bool happened = disk.fault_happened();
  const bool survivable =
      disk.fault_call() == DiskCall::read || disk.fault_call() == DiskCall::write;
  if (fault.kind == DiskFault::Kind::short_io && survivable && !fault.sticky) {
    EXPECT_FALSE(rig.saw_failure()) << "a short read or write is no failure";
  }
  outcome.failed += rig.saw_failure();
  ++outcome.runs;
  disk.heal();
  if (power_cut) disk.power_cut();
  if (!rig.start()) rig.note("refused: " + rig.refusal().message);
  EXPECT_FALSE(rig.wrong()) << "call " << fault.at_call << ", kind " << static_cast<int>(fault.kind)
                            << (fault.sticky ? ", sticky" : "")
                            << (power_cut ? ", power cut: " : ": ") << *rig.wrong();
  return happened;
}

void fail_every_call(DiskFault::Kind kind) {
  Outcome outcome;
  for (const bool sticky : {false, true}) {
    for (const bool power_cut : {false, true}) {
      std::uint64_t call = 1;
      while (run_with({call, kind, sticky, {}}, power_cut, outcome) && !testing::Test::HasFailure())
        call += stride();
    }
  }
  std::printf("%lu runs, %lu with a failure\n", outcome.runs, outcome.failed);
}

TEST(Failure, NoSpaceAtAnyCallLosesNothing) { fail_every_call(DiskFault::Kind::no_space); }
TEST(Failure, AnErrorAtAnyCallLosesNothing) { fail_every_call(DiskFault::Kind::io_error); }
TEST(Failure, AShortReadOrWriteAtAnyCallLosesNothing) {
  fail_every_call(DiskFault::Kind::short_io);
}

TEST(Failure, AfterASyncThatFailedNothingIsAcknowledged) {
  for (std::uint64_t call = 4; call < 40; ++call) {
    SimDisk disk(call);
    Rig rig(disk, kScript);
    disk.plan({call, DiskFault::Kind::io_error, false, DiskCall::sync});
    ASSERT_TRUE(rig.start());
    for (int i = 0; i < 300 && !rig.failed(); ++i) rig.step();
    ASSERT_TRUE(rig.failed());
    const auto durable = rig.store().durable();
    for (int i = 0; i < 50; ++i) rig.step();
    rig.store().pump_all();
    EXPECT_EQ(rig.store().durable(), durable);
    EXPECT_EQ(rig.store().failure()->code, Errc::io_failed);
  }
}

class FullDisk : public testing::Test {
 protected:
  FullDisk() : disk(1), rig(disk, 1) {}

  void fill_until_refused() {
    for (int i = 0; i < 10'000 && rig.store().takes_submissions(); ++i) {
      rig.append();
      rig.settle();
    }
    ASSERT_FALSE(rig.store().takes_submissions());
  }

  SimDisk disk;
  Rig rig;
};

TEST_F(FullDisk, SubmissionsStopWhileResultsStillFit) {
  ASSERT_TRUE(rig.start());
  disk.set_capacity(8 * 4096);
  fill_until_refused();
  const auto before = rig.store().figures().segments;
  while (rig.store().figures().segments < before + 2) {
    rig.append();
    rig.settle();
    ASSERT_FALSE(rig.failed()) << rig.store().failure()->message;
  }
}

TEST_F(FullDisk, SubmissionsGoOnWhenSpaceComesBack) {
  ASSERT_TRUE(rig.start());
  disk.set_capacity(8 * 4096);
  fill_until_refused();
  disk.set_capacity(UINT64_MAX);
  EXPECT_FALSE(rig.store().takes_submissions());
  for (int i = 0; i < 10 && !rig.store().takes_submissions(); ++i) {
    rig.now_ms += 1000;
    rig.store().pump_all();
  }
  EXPECT_TRUE(rig.store().takes_submissions());
  rig.append();
  rig.settle();
  EXPECT_FALSE(rig.failed());
}

TEST_F(FullDisk, WithNoSegmentLeftTheStoreFailsAndKeepsWhatItHad) {
  ASSERT_TRUE(rig.start());
  disk.set_capacity(8 * 4096);
  for (int i = 0; i < 10'000 && !rig.failed(); ++i) {
    rig.append();
    rig.settle();
  }
  ASSERT_TRUE(rig.failed());
  EXPECT_EQ(rig.store().failure()->code, Errc::io_failed);
  rig.kill();
  disk.set_capacity(UINT64_MAX);
  ASSERT_TRUE(rig.start()) << rig.refusal().message;
  EXPECT_FALSE(rig.wrong()) << *rig.wrong();
}

TEST_F(FullDisk, CleaningMakesRoomWithoutNewSpace) {
  ASSERT_TRUE(rig.start());
  disk.set_capacity(8 * 4096);
  for (int i = 0; i < 2'000; ++i) {
    if (rig.store().takes_submissions()) rig.append();
    rig.settle();
    rig.clean();
    rig.now_ms += 100;
    ASSERT_FALSE(rig.failed()) << rig.store().failure()->message;
  }
  EXPECT_GT(rig.store().oldest_seq(), 100U);
}

}  // namespace
}  // namespace drover::test
