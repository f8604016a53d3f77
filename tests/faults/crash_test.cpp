// Every crash of a script, and after each of them every crash of the recovery.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "tests/faults/rig.hpp"
#include "tests/faults/scale.hpp"

namespace drover::test {
namespace {

constexpr std::uint64_t kScript =
    4;  // a seed whose script has all that matters: see the first test
constexpr int kSteps = 500;
constexpr int kEndings = 3;

// How a crash can end: the process alone is gone, or the power too, with different luck.
void crash(SimDisk& disk, int ending) {
  disk.heal();
  disk.reseed(static_cast<std::uint64_t>(ending));
  if (ending > 0) disk.power_cut();
}

void run_script(Rig& rig) {
  if (!rig.start()) return;
  for (int i = 0; i < kSteps && !rig.failed() && !rig.wrong(); ++i) rig.step();
  if (!rig.failed()) rig.close();
}

// A disk as a crash left it, and what is known of it.
struct Wreck {
  SimDisk disk{kScript};
  Ledger ledger;
  bool crashed = false;
};

Wreck crash_script_at(std::uint64_t call, int ending) {
  Wreck wreck;
  Rig rig(wreck.disk, kScript);
  wreck.disk.plan({call, DiskFault::Kind::power_off, false, DiskCall::any});
  run_script(rig);
  wreck.crashed = wreck.disk.fault_happened();
  rig.kill();
  EXPECT_FALSE(rig.wrong()) << "call " << call << ": " << *rig.wrong();
  wreck.ledger = rig.ledger();
  crash(wreck.disk, ending);
  return wreck;
}

// A start that crashes at this call, and the next one, which must be good. True if it did crash.
bool crash_recovery_at(const Wreck& before, std::uint64_t call, int ending,
                       const std::string& story) {
  Wreck wreck = before;
  Rig rig(wreck.disk, call);
  rig.ledger() = wreck.ledger;
  wreck.disk.plan({call, DiskFault::Kind::power_off, false, DiskCall::any});
  if (rig.start()) rig.kill();
  const bool crashed = wreck.disk.fault_happened();
  crash(wreck.disk, ending);
  if (!rig.start()) rig.note("refused: " + rig.refusal().message);
  EXPECT_FALSE(rig.wrong()) << story << ", then at call " << call << " of the recovery, ending "
                            << ending << ": " << *rig.wrong();
  return crashed;
}

TEST(Crash, TheScriptHasAllThatMatters) {
  SimDisk disk(kScript);
  Rig rig(disk, kScript);
  run_script(rig);
  ASSERT_FALSE(rig.wrong()) << *rig.wrong();
  EXPECT_GT(disk.calls(DiskCall::rename), 40U) << "segments begin and are recycled";
  EXPECT_GT(disk.calls(DiskCall::remove), 0U) << "and some files are given back";
  EXPECT_FALSE(disk.has("segment-0000000010")) << "cleaning has gone far";
}

TEST(Crash, AtAnyCallAndAgainAtAnyCallOfTheRecovery) {
  std::uint64_t starts = 0;
  bool in_script = true;
  for (std::uint64_t call = 1; in_script && !HasFailure(); call += stride()) {
    for (int ending = 0; ending < kEndings; ++ending) {
      const Wreck wreck = crash_script_at(call, ending);
      const std::string story =
          "crash at call " + std::to_string(call) + ", ending " + std::to_string(ending);
      bool in_recovery = true;
      for (std::uint64_t again = 1; in_recovery && !HasFailure(); ++again) {
        for (int end = 0; end < kEndings; ++end, ++starts) {
          in_recovery = crash_recovery_at(wreck, again, end, story);
        }
      }
      in_script = wreck.crashed;
    }
  }
  std::printf("%lu starts after two crashes\n", starts);
}

}  // namespace
}  // namespace drover::test
