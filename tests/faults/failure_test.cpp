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

// Whatever the reason it gives, and whichever file it was: what a kernel could not write it tells
// once, and then forgets. A sync of a spare that lacks space tells of more than the spare.
void fail_sync(DiskFault::Kind kind, std::uint64_t call) {
  SimDisk disk(call);
  Rig rig(disk, kScript);
  disk.plan({call, kind, false, DiskCall::sync});
  ASSERT_TRUE(rig.start());
  for (int i = 0; i < 300 && !disk.fault_happened(); ++i) rig.step();
  ASSERT_TRUE(disk.fault_happened());
  ASSERT_TRUE(rig.failed()) << "sync " << call;
  const auto durable = rig.store().durable();
  for (int i = 0; i < 50; ++i) rig.step();
  rig.store().pump_all();
  EXPECT_EQ(rig.store().durable(), durable);
}

TEST(Failure, AfterASyncThatFailedNothingIsAcknowledged) {
  for (std::uint64_t call = 4; call < 40 && !HasFailure(); ++call) {
    fail_sync(DiskFault::Kind::io_error, call);
    fail_sync(DiskFault::Kind::no_space, call);
  }
}

}  // namespace
}  // namespace drover::test
