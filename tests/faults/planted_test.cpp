// Planted bugs: what a journal, or a disk, could do wrong, and that the tests here would find it.
#include <gtest/gtest.h>

#include <string>

#include "broker/store/journal/layout.hpp"
#include "tests/faults/life.hpp"

namespace drover::test {
namespace {

namespace journal = broker::journal;

// How many seeds it takes until something is found wrong; 0 if it never is.
std::uint64_t seeds_until_found(const Plant& plant) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    if (live(seed, plant).wrong) return seed;
  }
  return 0;
}

void expect_found(const char* what, const Plant& plant) {
  const auto seeds = seeds_until_found(plant);
  EXPECT_GT(seeds, 0U) << what << " was not found";
  std::printf("%s: found by seed %lu\n", what, seeds);
}

TEST(Planted, WithoutAnyNothingIsFound) { EXPECT_EQ(seeds_until_found({}), 0U); }

TEST(Planted, AJournalThatDoesNotSyncIsFound) {
  Plant plant;
  plant.lies.sync_does_nothing = true;
  expect_found("no fdatasync", plant);
}

TEST(Planted, AJournalThatDoesNotSyncTheDirectoryIsFound) {
  Plant plant;
  plant.lies.sync_directory_does_nothing = true;
  expect_found("no fsync of the directory", plant);
}

// Acknowledges, and marks, each group before it is durable.
TEST(Planted, AMarkAheadOfTheSyncIsFound) {
  Plant plant;
  plant.lies.sync_comes_late = true;
  expect_found("the mark ahead of the sync", plant);
}

// A new segment's header leaves a segment behind whose records have not been carried yet.
TEST(Planted, RecyclingBeforeTheCarriesAreDurableIsFound) {
  Plant plant;
  plant.rewrite = [](std::string& bytes) {
    auto header = journal::decode_segment_header(bytes);
    if (!header || header->oldest == header->number) return;
    ++header->oldest;
    bytes = journal::encode(*header);
  };
  expect_found("a segment recycled too early", plant);
}

// Seals the group with a checksum of the wrong place, as if offsets were mixed up.
TEST(Planted, AWriteThatLosesABitIsFound) {
  Plant plant;
  plant.rewrite = [](std::string& bytes) {
    if (bytes.size() > 1000) bytes[900] = static_cast<char>(bytes[900] ^ 4);
  };
  expect_found("a write that loses a bit", plant);
}

// A recovery that believes a killed process's last writes without syncing them.
TEST(Planted, ARecoveryThatDoesNotSyncIsFound) {
  Plant plant;
  plant.lies.first_sync_does_nothing = true;
  expect_found("a recovery that does not sync", plant);
}

// A recovery that cuts at the first bad group in the middle of the log instead of refusing: the
// disk is made to look as such a cut would leave it.
TEST(Planted, ACutInTheMiddleOfTheLogIsFound) {
  SimDisk disk(1);
  Rig rig(disk, 1);
  ASSERT_TRUE(rig.start());
  for (int i = 0; i < 100; ++i) rig.append(), rig.settle();
  rig.kill();
  const std::string name = disk.names()[2];
  ASSERT_TRUE(name.starts_with("segment-")) << name;
  SimDisk damaged = disk;
  damaged.flip_bit(name, 2000 * 8);
  Rig honest(damaged, 1);
  honest.ledger() = rig.ledger();
  ASSERT_FALSE(honest.start());
  EXPECT_EQ(honest.refusal().code, Errc::store_damaged);

  disk.erase("mark");
  disk.set_contents(name, disk.contents(name).substr(0, 2000) + std::string(4096 - 2000, '\0'));
  for (const auto& other : disk.names()) {
    if (other.starts_with("segment-") && other > name) disk.erase(other);
  }
  ASSERT_TRUE(rig.start()) << rig.refusal().message;
  ASSERT_TRUE(rig.wrong());
  EXPECT_NE(rig.wrong()->find("acknowledged records are missing"), std::string::npos);
}

}  // namespace
}  // namespace drover::test
