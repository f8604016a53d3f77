#include "cli/checks.hpp"

#include <gtest/gtest.h>
#include <linux/magic.h>

namespace drover::cli {
namespace {

using broker::upkeep::DiskTrial;
using broker::upkeep::Verified;
using config::kGiB;
using config::kMiB;
using std::chrono::microseconds;

DiskTrial trial(microseconds p50, microseconds p99) { return {100, p50, p99, p99, p50}; }

TEST(Checks, WhatIsSyncedBeforeItIsAcknowledgedIsWell) {
  const auto f = check_durability(true, 4096);
  EXPECT_EQ(f.level, Level::ok);
  EXPECT_EQ(f.figures["unsynced_bytes"], 4096);
  EXPECT_NE(f.says.find("none acknowledged yet"), std::string::npos);
}

TEST(Checks, AStoreInMemoryIsAProblem) {
  EXPECT_EQ(check_durability(false, 0).level, Level::problem);
}

TEST(Checks, ADiskIsWellUnlessItIsSlowOrUnbelievable) {
  EXPECT_EQ(check_disk_sync(trial(200us, 2ms)).level, Level::ok);
  EXPECT_EQ(check_disk_sync(trial(200us, 80ms)).level, Level::warning);
  EXPECT_EQ(check_disk_sync(trial(3us, 9us)).level, Level::warning);
  EXPECT_EQ(check_disk_sync(Error{Errc::io_failed, "no"}).level, Level::problem);
  EXPECT_EQ(check_disk_sync(trial(200us, 2ms)).figures["commits_per_s"], 5000);
}

TEST(Checks, FilesystemsThatForgetOrDependOnOthersAreNamed) {
  EXPECT_EQ(check_filesystem(EXT4_SUPER_MAGIC).level, Level::ok);
  EXPECT_EQ(check_filesystem(TMPFS_MAGIC).level, Level::problem);
  EXPECT_EQ(check_filesystem(OVERLAYFS_SUPER_MAGIC).level, Level::warning);
  EXPECT_EQ(check_filesystem(NFS_SUPER_MAGIC).level, Level::warning);
  EXPECT_EQ(check_filesystem(12345).level, Level::ok);
}

TEST(Checks, TheStoreMustHaveRoomToGrowToItsBound) {
  const Space s{.store_bytes = kGiB, .retain_bytes = 4 * kGiB, .segment_bytes = 64 * kMiB};
  auto with_free = [&](std::uint64_t bytes) {
    auto space = s;
    space.free_bytes = bytes;
    return check_space(space);
  };
  EXPECT_EQ(with_free(4 * kGiB).level, Level::ok);
  EXPECT_EQ(with_free(kGiB).level, Level::warning);
  EXPECT_EQ(with_free(kMiB).level, Level::problem);
  EXPECT_EQ(with_free(kMiB).figures["bound_bytes"], 4 * kGiB + 192 * kMiB);
}

TEST(Checks, LiveTasksRaiseTheBoundToTwiceTheirSize) {
  const Space s{.live_bytes = 8 * kGiB, .retain_bytes = 4 * kGiB, .segment_bytes = 64 * kMiB};
  EXPECT_EQ(check_space(s).figures["bound_bytes"], 16 * kGiB + 192 * kMiB);
}

TEST(Checks, RefusedSubmissionsAreAProblem) {
  EXPECT_EQ(check_spares(3, true).level, Level::ok);
  EXPECT_EQ(check_spares(0, false).level, Level::problem);
}

TEST(Checks, ClocksMayDifferByASecond) {
  EXPECT_EQ(check_clock(1s).level, Level::ok);
  EXPECT_EQ(check_clock(-1001ms).level, Level::warning);
  EXPECT_NE(check_clock(-2s).says.find("behind"), std::string::npos);
  EXPECT_NE(check_clock(2s).says.find("ahead of"), std::string::npos);
}

TEST(Checks, FourFifthsOfTheOpenFilesIsTheMost) {
  EXPECT_EQ(check_files({800, 1000}).level, Level::ok);
  EXPECT_EQ(check_files({801, 1000}).level, Level::problem);
  EXPECT_EQ(check_files({100'000, 0}).level, Level::ok);
}

TEST(Checks, LittleMemoryIsAProblem) {
  EXPECT_EQ(check_memory({kGiB, 16 * kGiB, 0}).level, Level::ok);
  EXPECT_EQ(check_memory({100 * kMiB, 16 * kGiB, kMiB}).level, Level::problem);
  EXPECT_EQ(check_memory({100 * kMiB, 500 * kMiB, kMiB}).level, Level::ok);
}

TEST(Checks, OldReleasesOfLibzmqAreAProblem) {
  EXPECT_EQ(check_zeromq("4.3.2").level, Level::problem);
  EXPECT_EQ(check_zeromq("4.3.3").level, Level::ok);
  EXPECT_EQ(check_zeromq("4.3.10").level, Level::ok);
  EXPECT_EQ(check_zeromq("5.0").level, Level::ok);
}

TEST(Checks, ABrokerOfAnotherReleaseIsTold) {
  EXPECT_EQ(check_versions("0.1.0", "", "6.1").level, Level::ok);
  EXPECT_EQ(check_versions("0.1.0", "drover-broker 0.1.0", "6.1").level, Level::ok);
  EXPECT_EQ(check_versions("0.1.0", "drover-broker 10.1.0", "6.1").level, Level::warning);
}

TEST(Checks, AnOpenAddressWithoutProtectionIsAProblem) {
  config::Settings s;
  EXPECT_EQ(check_exposure(s).level, Level::ok);
  s.security.insecure = true;
  EXPECT_EQ(check_exposure(s).level, Level::warning);
  s.broker.workers.bind = "tcp://*:7701";
  const auto f = check_exposure(s);
  EXPECT_EQ(f.level, Level::problem);
  EXPECT_NE(f.says.find("tcp://*:7701"), std::string::npos);
}

TEST(Checks, WhatOthersCanReadIsAProblem) {
  EXPECT_EQ(check_private("c", "/x", 0100600).level, Level::ok);
  EXPECT_EQ(check_private("c", "/x", 0100640).advice, "chmod 600 /x");
  EXPECT_EQ(check_private("c", "/x", 040755).advice, "chmod 700 /x");
}

TEST(Checks, EachFateOfAStoreHasItsAdvice) {
  Verified v;
  v.tasks = 3;
  EXPECT_EQ(check_integrity(v).level, Level::ok);
  EXPECT_EQ(check_integrity(Error{Errc::not_found, "none"}).level, Level::ok);
  for (const auto code : {Errc::store_damaged, Errc::store_too_new, Errc::io_failed}) {
    const auto f = check_integrity(Error{code, "x"});
    EXPECT_EQ(f.level, Level::problem);
    EXPECT_FALSE(f.advice.empty());
  }
  EXPECT_EQ(check_integrity(Error{Errc::store_in_use, "x"}).level, Level::warning);
}

TEST(Checks, TasksThatWaitForNobodyAreTold) {
  EXPECT_EQ(check_fleet(0, 0).level, Level::ok);
  EXPECT_EQ(check_fleet(2, 9).level, Level::ok);
  EXPECT_EQ(check_fleet(0, 9).level, Level::warning);
}

TEST(Findings, AreWellWhenAllAreOk) {
  const Finding good{"a", Level::ok, "fine", ""}, bad{"b", Level::warning, "hm", "do this"};
  EXPECT_TRUE(is_well({good}));
  EXPECT_FALSE(is_well({good, bad}));
  EXPECT_EQ(findings_text({good, bad}, {}),
            "ok       a  fine\nwarning  b  hm\n            -> do this\n");
  EXPECT_EQ(findings_json({good, bad}).dump(),
            R"([{"check":"a","figures":{},"level":"ok","says":"fine"},)"
            R"({"advice":"do this","check":"b","figures":{},"level":"warning","says":"hm"}])");
}

}  // namespace
}  // namespace drover::cli
