#include "broker/store/journal/recovery.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/store/journal/group_reader.hpp"
#include "broker/store/journal/inline_journal_store.hpp"
#include "common/base/crc32c.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::broker::journal {
namespace {

using test::DiskCall;
using test::DiskFault;
using test::SimDisk;

// A journal that is written, killed, damaged and recovered.
class RecoveryTest : public testing::Test {
 protected:
  Result<void> open() {
    JournalOptions options;
    options.segment_bytes = segment_bytes;
    options.retain_bytes = retain_bytes;
    options.seed = 1;
    options.clock_ms = [] { return std::int64_t{0}; };
    store = std::make_unique<InlineJournalStore>(disk, options);
    replayed.clear();
    return store->open([this](const Kept& kept) -> Result<void> {
      replayed.emplace_back(kept.bytes);
      return {};
    });
  }

  void reopen() {
    store.reset();
    const auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
  }

  Error refusal() {
    store.reset();
    const auto opened = open();
    EXPECT_FALSE(opened);
    return opened.error();
  }

  void append(const std::string& record) {
    const std::string_view only[] = {record};
    store->append(only);
  }

  void commit(const std::string& record) {
    append(record);
    store->flush();
    store->pump_all();
    ASSERT_EQ(store->durable(), store->appended());
  }

  // Written, but the process ends before it is synced.
  void write_without_sync(const std::string& record) {
    append(record);
    store->flush();
    ASSERT_TRUE(store->pump_commit());
  }

  void fill_segments(std::size_t count) {
    for (int i = 0; store->figures().segments < count; ++i) commit(body(i));
  }

  static std::string body(int number) {
    return "record " + std::to_string(number) + std::string(100, '.');
  }

  std::map<std::string, std::string> all_files() const {
    std::map<std::string, std::string> files;
    for (const auto& name : disk.names()) files[name] = disk.contents(name);
    return files;
  }

  // Where the newest group of a segment begins, as far as it has whole ones.
  std::uint64_t newest_group(std::uint32_t number) {
    const auto file = *disk.open(segment_name(number), OpenMode::existing);
    const auto header = *decode_segment_header(disk.contents(segment_name(number)));
    GroupReader reader(*file, number, header.salt, kSegmentHeaderBytes, header.bytes);
    std::uint64_t offset = 0;
    while (const auto group = *reader.next()) offset = group->offset;
    return offset;
  }

  void flip(std::uint32_t segment, std::uint64_t byte) {
    disk.flip_bit(segment_name(segment), byte * 8);
  }

  SimDisk disk{1};
  std::unique_ptr<InlineJournalStore> store;
  std::vector<std::string> replayed;
  std::uint64_t segment_bytes = 4096, retain_bytes = 1024 * 1024;
};

TEST_F(RecoveryTest, ADirectoryWithoutAJournalGetsOne) {
  ASSERT_TRUE(open());
  EXPECT_TRUE(replayed.empty());
  EXPECT_TRUE(disk.has(segment_name(1)));
  EXPECT_TRUE(disk.has("mark"));
}

TEST_F(RecoveryTest, TheStoreKeepsItsIdForLife) {
  ASSERT_TRUE(open());
  const StoreId id = store->id();
  fill_segments(3);
  reopen();
  EXPECT_EQ(store->id(), id);
}

TEST_F(RecoveryTest, WhatWasWrittenButNotSyncedIsTakenWhenItIsWhole) {
  ASSERT_TRUE(open());
  commit("durable");
  write_without_sync("in the system's cache");
  reopen();
  EXPECT_EQ(replayed, (std::vector<std::string>{"durable", "in the system's cache"}));
}

// Or a power cut after the restart would take back what the restart has told.
TEST_F(RecoveryTest, WhatARecoveryTakesItMakesDurable) {
  ASSERT_TRUE(open());
  write_without_sync("in the system's cache");
  reopen();
  store.reset();
  for (std::uint64_t luck = 0; luck < 20; ++luck) {
    SimDisk cut = disk;
    cut.reseed(luck);
    cut.power_cut();
    std::vector<std::string> left;
    ASSERT_TRUE(recover(cut, [&](const Kept& kept) {
      left.emplace_back(kept.bytes);
      return Result<void>();
    }));
    ASSERT_EQ(left.size(), 1U);
  }
}

TEST_F(RecoveryTest, ATornTailIsLeftOutAndCounted) {
  ASSERT_TRUE(open());
  commit("durable");
  write_without_sync(std::string(1000, 'x'));
  const auto torn_at = newest_group(1);
  flip(1, torn_at + 700);
  reopen();
  EXPECT_EQ(replayed, std::vector<std::string>{"durable"});
  EXPECT_EQ(store->figures().torn_tail_bytes, kGroupHeaderBytes + kRecordHeaderBytes + 1000U);
}

TEST_F(RecoveryTest, WhatIsLeftOfATornTailIsNeverTakenForAGroup) {
  ASSERT_TRUE(open());
  commit("durable");
  write_without_sync(std::string(1000, 'x'));
  flip(1, newest_group(1) + 700);
  reopen();
  for (int i = 0; i < 10; ++i) commit("after " + std::to_string(i));
  reopen();
  ASSERT_EQ(replayed.size(), 11U);
  EXPECT_EQ(replayed.back(), "after 9");
  EXPECT_EQ(store->figures().torn_tail_bytes, 0U);
  EXPECT_EQ(store->newest_seq(), 11U);
}

TEST_F(RecoveryTest, ABrokenGroupBeforeAnotherIsDamage) {
  ASSERT_TRUE(open());
  commit("one");
  const auto broken = newest_group(1);
  commit("two");
  disk.erase("mark");
  flip(1, broken + kGroupHeaderBytes);
  const Error error = refusal();
  EXPECT_EQ(error.code, Errc::store_damaged);
  EXPECT_EQ(error.message,
            "segment-0000000001, offset 512: the group here is damaged; another follows at 568");
}

TEST_F(RecoveryTest, ABrokenGroupBeforeABrokenOneIsDamageToo) {
  ASSERT_TRUE(open());
  commit("one");
  commit("two");
  disk.erase("mark");
  flip(1, 512 + kGroupHeaderBytes);
  flip(1, newest_group(1) + kGroupHeaderBytes);
  EXPECT_EQ(refusal().code, Errc::store_damaged);
}

TEST_F(RecoveryTest, ABrokenGroupInAClosedSegmentIsDamage) {
  ASSERT_TRUE(open());
  fill_segments(2);
  disk.erase("mark");
  const auto last = newest_group(1);
  flip(1, last + kGroupHeaderBytes);
  const Error error = refusal();
  EXPECT_EQ(error.code, Errc::store_damaged);
  EXPECT_NE(error.message.find("segment-0000000001, offset " + std::to_string(last)),
            std::string::npos)
      << error.message;
}

TEST_F(RecoveryTest, AJournalThatEndsBeforeItsMarkIsRefused) {
  ASSERT_TRUE(open());
  commit("one");
  commit("two");
  flip(1, newest_group(1) + kGroupHeaderBytes);
  const Error error = refusal();
  EXPECT_EQ(error.code, Errc::store_damaged);
  EXPECT_NE(error.message.find("acknowledged records are gone"), std::string::npos)
      << error.message;
  EXPECT_NE(error.message.find("offset 568"), std::string::npos) << error.message;
}

TEST_F(RecoveryTest, AMarkThatIsAbsentOrTornIsIgnored) {
  ASSERT_TRUE(open());
  commit("one");
  store.reset();
  for (const std::string& mark :
       {std::string(), std::string(kMarkBytes, '\0'), std::string(20, 'x')}) {
    disk.set_contents("mark", mark);
    reopen();
    EXPECT_EQ(replayed.size(), 1U);
    store.reset();
  }
  disk.erase("mark");
  reopen();
  EXPECT_EQ(replayed.size(), 1U);
}

TEST_F(RecoveryTest, AnOlderMarkIsNoReasonToRefuse) {
  ASSERT_TRUE(open());
  commit("one");
  const std::string older = disk.contents("mark");
  commit("two");
  disk.set_contents("mark", older);
  reopen();
  EXPECT_EQ(replayed.size(), 2U);
  fill_segments(3);
  disk.set_contents("mark", older);
  reopen();
}

TEST_F(RecoveryTest, AMarkOfAnotherLifeIsRefused) {
  ASSERT_TRUE(open());
  commit("one");
  Mark mark = *decode_mark(disk.contents("mark"));
  ++mark.salt;
  disk.set_contents("mark", encode(mark));
  EXPECT_NE(refusal().message.find("is not what the mark says"), std::string::npos);
}

TEST_F(RecoveryTest, AMarkWithoutAnySegmentIsRefused) {
  ASSERT_TRUE(open());
  commit("one");
  store.reset();
  disk.erase(segment_name(1));
  EXPECT_EQ(refusal().message, "mark, offset 0: there is no segment beside it");
}

TEST_F(RecoveryTest, AMissingSegmentIsRefused) {
  ASSERT_TRUE(open());
  fill_segments(4);
  disk.erase(segment_name(2));
  EXPECT_EQ(refusal().message, "segment-0000000002, offset 0: the segment is missing");
}

TEST_F(RecoveryTest, TheNewestSegmentMissingIsRefused) {
  ASSERT_TRUE(open());
  fill_segments(4);
  disk.erase(segment_name(4));
  EXPECT_EQ(refusal().message, "segment-0000000004, offset 0: the segment is missing");
}

TEST_F(RecoveryTest, ASegmentOfAnotherSizeIsRefused) {
  ASSERT_TRUE(open());
  commit("one");
  const std::string whole = disk.contents(segment_name(1));
  disk.set_contents(segment_name(1), whole + "more");
  EXPECT_EQ(refusal().message,
            "segment-0000000001, offset 4100: the file has 4100 bytes, not 4096");
  disk.set_contents(segment_name(1), whole.substr(0, 3000));
  EXPECT_EQ(refusal().code, Errc::store_damaged);
  disk.set_contents(segment_name(1), whole.substr(0, 100));
  EXPECT_EQ(refusal().message, "segment-0000000001, offset 100: the file ends within its header");
}

TEST_F(RecoveryTest, AStoreOfALaterFormatIsRefusedAndNotTouched) {
  ASSERT_TRUE(open());
  fill_segments(3);
  store.reset();
  std::string header = disk.contents(segment_name(3));
  header[8] = 2;
  const auto crc = crc32c({header.data(), kSegmentHeaderBytes - 4});
  std::memcpy(header.data() + kSegmentHeaderBytes - 4, &crc, 4);
  disk.set_contents(segment_name(3), header);
  disk.set_contents("spare-77", "odd");
  const auto before = all_files();
  EXPECT_EQ(refusal().code, Errc::store_too_new);
  EXPECT_EQ(all_files(), before);
}

TEST_F(RecoveryTest, ADamagedStoreIsRefusedAndNotTouched) {
  ASSERT_TRUE(open());
  fill_segments(3);
  store.reset();
  flip(2, 600);
  disk.set_contents("spare-77", "odd");
  const auto before = all_files();
  EXPECT_EQ(refusal().code, Errc::store_damaged);
  EXPECT_EQ(all_files(), before);
}

TEST_F(RecoveryTest, LeftoversAndOddSparesAreRemoved) {
  retain_bytes = 16 * 1024;
  ASSERT_TRUE(open());
  const std::string first = disk.contents(segment_name(1));
  for (int i = 0; disk.has(segment_name(1)); ++i) {
    commit(body(i));
    while (store->next_to_clean()) {
    }
  }
  store.reset();
  disk.set_contents(segment_name(1), first);  // its removal was lost with the power
  disk.set_contents("spare-77", "odd");
  disk.set_contents("notes.txt", "not ours");
  reopen();
  EXPECT_FALSE(disk.has(segment_name(1)));
  EXPECT_FALSE(disk.has("spare-77"));
  EXPECT_TRUE(disk.has("notes.txt"));
}

TEST_F(RecoveryTest, GroupsOfAnEarlierLifeOfAFileAreNotSeen) {
  retain_bytes = 16 * 1024;
  ASSERT_TRUE(open());
  for (int i = 0; i < 300; ++i) {
    commit(body(i));
    while (store->next_to_clean()) {
    }
  }
  commit("the last one");
  ASSERT_GT(store->oldest_seq(), 100U);
  disk.erase("mark");
  reopen();
  EXPECT_EQ(replayed.back(), "the last one");
}

TEST_F(RecoveryTest, APayloadThatLooksLikeAGroupIsNotTakenForOne) {
  ASSERT_TRUE(open());
  commit("one");
  const std::string group = disk.contents(segment_name(1)).substr(512, 56);
  std::string forged = group;
  forged.replace(0, 8, "notsalt!");
  forged += forged;
  for (std::size_t shift = 0; shift < 8; ++shift) commit(std::string(shift, ' ').append(forged));
  write_without_sync(forged + forged);
  flip(1, newest_group(1) + 50);
  reopen();
  EXPECT_EQ(replayed.size(), 9U);
}

// A group that is whole, but was written by somebody who cannot count.
TEST_F(RecoveryTest, AGroupWhoseRecordsDoNotAddUpIsDamage) {
  ASSERT_TRUE(open());
  commit("one");
  store.reset();
  const std::string whole = disk.contents(segment_name(1));
  const auto rewrite = [&](std::size_t at, char byte) {
    std::string bytes = whole;
    bytes[512 + at] = byte;
    const auto crc = crc_of_group(std::string_view(bytes).substr(512, 56), 1);
    std::memcpy(bytes.data() + 512 + 8, &crc, 4);
    disk.set_contents(segment_name(1), bytes);
    disk.erase("mark");
  };
  for (const auto& [at, byte] :
       {std::pair{32, 2}, {32, 0}, {36, 0}, {36, 2}, {40, 100}, {43, -1}}) {
    rewrite(static_cast<std::size_t>(at), static_cast<char>(byte));
    EXPECT_EQ(refusal().message,
              "segment-0000000001, offset 512: the group's records do not add up");
  }
  rewrite(16, 5);
  EXPECT_EQ(refusal().message, "segment-0000000001, offset 512: begins with event 5, expected 1");
}

TEST_F(RecoveryTest, TheSizeOfSegmentsMayChange) {
  ASSERT_TRUE(open());
  fill_segments(3);
  const auto before = store->appended();
  segment_bytes = 8192;
  reopen();
  for (int i = 0; i < 200; ++i) commit(body(i));
  segment_bytes = 4096;
  reopen();
  EXPECT_EQ(replayed.size(), before + 200);
  for (int i = 0; i < 100; ++i) commit(body(i));
  reopen();
  EXPECT_EQ(replayed.size(), before + 300);
}

TEST_F(RecoveryTest, AMarkIsWrittenAtTheStartAndSyncedAtTheEnd) {
  ASSERT_TRUE(open());
  commit("one");
  store->close();
  store.reset();
  for (std::uint64_t luck = 0; luck < 10; ++luck) {
    SimDisk cut = disk;
    cut.reseed(luck);
    cut.power_cut();
    const auto mark = decode_mark(cut.contents("mark"));
    ASSERT_TRUE(mark);
    EXPECT_EQ(mark->end, 568U);
    EXPECT_EQ(mark->next_seq, 2U);
  }
}

TEST_F(RecoveryTest, ACrashInTheFirstStartLeavesNoTrace) {
  for (std::uint64_t call = 1; call < 40; ++call) {
    SimDisk fresh(call);
    disk = fresh;
    disk.plan({call, DiskFault::Kind::power_off, false, DiskCall::any});
    const bool started = open().has_value();
    const StoreId id = started ? store->id() : StoreId{};
    store.reset();
    disk.power_cut();
    reopen();
    if (started) {
      EXPECT_EQ(store->id(), id);
    }
    commit("one");
  }
}

}  // namespace
}  // namespace drover::broker::journal
