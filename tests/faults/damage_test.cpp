// Damage: every bit flipped, every length cut to, sectors zeroed and swapped, files exchanged.
//
// Whatever is done to a journal that was not cut off by a power failure, it is refused with file
// and offset, or it replays exactly as before.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "broker/store/journal/inline_journal_store.hpp"
#include "tests/faults/scale.hpp"
#include "tests/faults/victim.hpp"

namespace drover::test {
namespace {

using broker::Kept;
using broker::journal::InlineJournalStore;
using broker::journal::JournalOptions;

constexpr std::uint64_t kSegment = 8 * 1024;
constexpr std::uint64_t kStore = 64 * 1024;

class Damage : public testing::Test, protected Victim {
 protected:
  Damage() : Victim({.seed = 3, .segment_bytes = kSegment, .segments = kStore / kSegment}) {
    EXPECT_EQ(segments.size(), kStore / kSegment);
  }

  void expect_refused_or_same(const std::string& what) {
    const Verdict now = verdict();
    ++(now == Verdict::refused ? refused : same);
    ASSERT_TRUE(now == Verdict::refused || now == Verdict::same) << what << ": " << said;
  }

  void print(const char* what) const {
    std::printf("%s: %lu refused, %lu without effect\n", what, refused, same);
  }

  std::string sector_of(const std::string& name, std::size_t sector) const {
    return disk.contents(name).substr(sector * 512, 512);
  }
  void put_sector(const std::string& name, std::size_t sector, const std::string& bytes) {
    disk.set_contents(name, disk.contents(name).replace(sector * 512, 512, bytes));
  }

  std::uint64_t refused = 0, same = 0;
};

TEST_F(Damage, AnyFlippedBitIsFoundOrHasNoEffect) {
  for (const auto& name : segments) {
    for (std::uint64_t bit = 0; bit < kSegment * 8; bit += stride()) {
      disk.flip_bit(name, bit);
      expect_refused_or_same(name + " bit " + std::to_string(bit));
      disk.flip_bit(name, bit);
    }
  }
  print("flipped bits");
}

TEST_F(Damage, AnyFlippedBitOfAGroupIsFound) {
  for (const auto& name : segments) {
    const auto to = name == segments.back() ? end : std::uint64_t{1024};
    for (std::uint64_t byte = 0; byte < to; ++byte) {
      disk.flip_bit(name, byte * 8 + byte % 8);
      ASSERT_EQ(verdict(), Verdict::refused) << name << " byte " << byte;
      disk.flip_bit(name, byte * 8 + byte % 8);
    }
  }
}

TEST_F(Damage, AFlippedBitInTheMarkHasNoEffect) {
  for (std::uint64_t bit = 0; bit < 64 * 8; ++bit) {
    disk.flip_bit("mark", bit);
    ASSERT_EQ(verdict(), Verdict::same) << "bit " << bit;
    disk.flip_bit("mark", bit);
  }
}

TEST_F(Damage, ASegmentCutAtAnyByteIsRefused) {
  for (const auto& name : segments) {
    const std::string whole = disk.contents(name);
    for (std::size_t bytes = 0; bytes < whole.size(); bytes += stride()) {
      disk.set_contents(name, whole.substr(0, bytes));
      ASSERT_EQ(verdict(), Verdict::refused) << name << " cut at " << bytes;
    }
    disk.set_contents(name, whole);
  }
}

// What a cut in a preallocated file looks like: zeros from some byte on.
TEST_F(Damage, ZerosFromAnyByteOnAreRefusedWhereRecordsWereAcknowledged) {
  const std::string& name = segments.back();
  const std::string whole = disk.contents(name);
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    disk.set_contents(name, whole.substr(0, bytes) + std::string(whole.size() - bytes, '\0'));
    const Verdict now = verdict();
    const bool harmless = whole.find_first_not_of('\0', bytes) == std::string::npos;
    ASSERT_EQ(now, harmless ? Verdict::same : Verdict::refused) << "from " << bytes << ": " << said;
  }
}

// Without the mark the same looks like a torn tail: whole groups from the start, and no others.
TEST_F(Damage, WithoutItsMarkAJournalThatEndsEarlyIsTakenAsFarAsItIsWhole) {
  disk.erase("mark");
  const std::string& name = segments.back();
  const std::string whole = disk.contents(name);
  std::uint64_t shorter = 0;
  for (std::size_t bytes = 512; bytes < whole.size(); ++bytes) {
    disk.set_contents(name, whole.substr(0, bytes) + std::string(whole.size() - bytes, '\0'));
    const Verdict now = verdict();
    shorter += now == Verdict::shorter;
    ASSERT_TRUE(now == Verdict::same || now == Verdict::shorter)
        << "from " << bytes << ": " << said;
  }
  EXPECT_GT(shorter, 100U);
}

TEST_F(Damage, RandomDamageIsFoundOrHasNoEffect) {
  Random random(1);
  for (auto left = share_of(100'000); left > 0; --left) {
    const std::string& name = segments[random.below(segments.size())];
    const std::string whole = disk.contents(name);
    std::string damaged = whole;
    for (auto bytes = 1 + random.below(40), at = random.below(kSegment - 40); bytes > 0; --bytes) {
      damaged[at++] = static_cast<char>(random.next());
    }
    disk.set_contents(name, damaged);
    expect_refused_or_same(name);
    disk.set_contents(name, whole);
  }
  print("random damage");
}

TEST_F(Damage, AnyZeroedSectorIsFoundOrHasNoEffect) {
  for (const auto& name : segments) {
    for (std::size_t sector = 0; sector < kSegment / 512; ++sector) {
      const std::string old = sector_of(name, sector);
      put_sector(name, sector, std::string(512, '\0'));
      expect_refused_or_same(name + " sector " + std::to_string(sector));
      put_sector(name, sector, old);
    }
  }
  print("zeroed sectors");
}

TEST_F(Damage, AnyTwoSwappedSectorsAreFoundOrHaveNoEffect) {
  for (const auto& name : {segments.front(), segments.back()}) {
    for (std::size_t one = 0; one < kSegment / 512; ++one) {
      for (std::size_t two = 0; two < one; ++two) {
        const std::string first = sector_of(name, one), second = sector_of(name, two);
        put_sector(name, one, second), put_sector(name, two, first);
        expect_refused_or_same(name + " sectors");
        put_sector(name, one, first), put_sector(name, two, second);
      }
    }
  }
  print("swapped sectors");
}

TEST_F(Damage, ASectorOfAnotherSegmentIsFoundOrHasNoEffect) {
  for (const auto& name : segments) {
    for (const auto& other : segments) {
      if (name == other) continue;
      for (std::size_t sector = 0; sector < kSegment / 512; ++sector) {
        const std::string old = sector_of(name, sector);
        put_sector(name, sector, sector_of(other, sector));
        expect_refused_or_same(name);
        put_sector(name, sector, old);
      }
    }
  }
  print("foreign sectors");
}

TEST_F(Damage, TwoExchangedSegmentsAreRefused) {
  for (const auto& one : segments) {
    for (const auto& two : segments) {
      if (one >= two) continue;
      const std::string first = disk.contents(one), second = disk.contents(two);
      disk.set_contents(one, second), disk.set_contents(two, first);
      ASSERT_EQ(verdict(), Verdict::refused) << one << " and " << two;
      disk.set_contents(one, first), disk.set_contents(two, second);
    }
  }
}

TEST_F(Damage, AnySegmentThatIsMissingIsNoticed) {
  for (const auto& name : segments) {
    const std::string whole = disk.contents(name);
    disk.erase(name);
    ASSERT_EQ(verdict(), Verdict::refused) << name;
    disk.set_contents(name, whole);
  }
}

TEST_F(Damage, AnOlderCopyOfTheNewestSegmentIsRefused) {
  const SimDisk older = disk;
  {
    InlineJournalStore store(disk, options);
    ASSERT_TRUE(store.open([](const Kept&) { return Result<void>(); }));
    const std::string_view one[] = {"one more"};
    store.append(one);
    store.flush();
    store.pump_all();
    ASSERT_EQ(store.durable(), store.appended());
  }
  disk.set_contents(segments.back(), older.contents(segments.back()));
  EXPECT_EQ(verdict(), Verdict::refused);
  EXPECT_NE(said.find("acknowledged records are gone"), std::string::npos) << said;
}

TEST_F(Damage, ASegmentOfAnotherStoreIsRefused) {
  SimDisk other(9);
  JournalOptions foreign = options;
  foreign.seed = 99;
  InlineJournalStore store(other, foreign);
  ASSERT_TRUE(store.open([](const Kept&) { return Result<void>(); }));
  disk.set_contents(segments.front(), other.contents(segments.front()));
  EXPECT_EQ(verdict(), Verdict::refused);
  EXPECT_NE(said.find("belongs to another store"), std::string::npos) << said;
}

}  // namespace
}  // namespace drover::test
