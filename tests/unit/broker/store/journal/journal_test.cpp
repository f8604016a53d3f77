#include "broker/store/journal/journal.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/store/journal/inline_journal_store.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::broker::journal {
namespace {

using test::DiskCall;
using test::SimDisk;

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    options.segment_bytes = 64 * 1024;
    options.retain_bytes = 16 * 1024 * 1024;
    options.seed = 1;
    options.clock_ms = [] { return std::int64_t{1'800'000'000'123}; };
  }

  void open() {
    store = std::make_unique<InlineJournalStore>(disk, options);
    const auto opened = store->open([](const Kept&) { return Result<void>(); });
    ASSERT_TRUE(opened) << opened.error().message;
    store->pump_all();
  }

  Locator append(std::string_view record) {
    return store->append(std::span(&record, 1)).where.front();
  }

  void commit() {
    while (store->durable() < store->appended()) {
      store->flush();
      store->pump_all();
    }
  }

  Fetched next_fetched() {
    store->pump_all();
    auto fetched = store->next_fetched();
    EXPECT_TRUE(fetched);
    return std::move(fetched).value_or(Fetched{});
  }

  SimDisk disk{1};
  JournalOptions options;
  std::unique_ptr<InlineJournalStore> store;
};

// --- groups and segments

TEST_F(JournalTest, AGroupIsWrittenThenSyncedThenDurable) {
  open();
  append("one");
  store->flush();
  const auto syncs = disk.calls(DiskCall::sync);
  ASSERT_TRUE(store->pump_commit());
  EXPECT_EQ(store->durable(), 0U);
  EXPECT_EQ(disk.calls(DiskCall::sync), syncs);
  ASSERT_TRUE(store->pump_commit());
  EXPECT_EQ(disk.calls(DiskCall::sync), syncs + 1);
  EXPECT_EQ(store->durable(), 1U);
}

TEST_F(JournalTest, WhileAGroupIsBeingWrittenTheNextOneGrows) {
  open();
  append("one");
  store->flush();
  for (int i = 0; i < 10; ++i) append("more"), store->flush();
  store->pump_all();
  EXPECT_EQ(store->durable(), 1U);
  store->flush();
  store->pump_all();
  EXPECT_EQ(store->durable(), 11U);
  EXPECT_EQ(store->figures().commits, 2U);
}

TEST_F(JournalTest, AnAppendOfNothingIsNothing) {
  open();
  EXPECT_EQ(store->append({}).first_seq, 1U);
  store->flush();
  EXPECT_FALSE(store->pump_commit());
}

TEST_F(JournalTest, ADecisionIsNeverSplitOverSegments) {
  open();
  const std::string part(1000, 'x');
  const std::vector<std::string_view> decision(20, part);
  for (int i = 0; i < 100; ++i) {
    const Appended added = store->append(decision);
    EXPECT_EQ(added.where.front().segment, added.where.back().segment);
    EXPECT_EQ(added.where.back().offset - added.where.front().offset, 19 * 1008U);
  }
}

TEST_F(JournalTest, ASegmentIsUsedToItsEnd) {
  open();
  const std::size_t all = 64 * 1024 - kSegmentHeaderBytes - kGroupHeaderBytes - kRecordHeaderBytes;
  EXPECT_EQ(append(std::string(all, 'x')).segment, 1U);
  EXPECT_EQ(append(std::string(all, 'y')).segment, 2U);
  EXPECT_EQ(append("z").segment, 3U);
  commit();
  EXPECT_FALSE(store->failure());
}

TEST_F(JournalTest, AnAppendThatNoSegmentHoldsIsOurMistake) {
  open();
  const std::string too_much(64 * 1024 - kSegmentHeaderBytes - kGroupHeaderBytes, 'x');
  EXPECT_DEATH(append(too_much), "assertion failed");
}

TEST_F(JournalTest, ALargeTurnBecomesSeveralGroups) {
  options.segment_bytes = 4 * 1024 * 1024;
  open();
  const std::string record(10'000, 'x');
  for (int i = 0; i < 200; ++i) append(record);
  commit();
  EXPECT_EQ(store->figures().commits, 4U);
}

Locator books_of(std::uint32_t segment) {
  return {segment, kSegmentHeaderBytes + kGroupHeaderBytes + kRecordHeaderBytes, 5};
}

TEST_F(JournalTest, TheBooksOfANewSegmentComeBeforeWhatMadeItBegin) {
  open();
  std::vector<std::uint64_t> asked_at;
  store->set_books([&] {
    asked_at.push_back(store->appended());
    return std::string("books");
  });
  for (int i = 0; i < 10; ++i) append(std::string(10'000, 'x'));
  EXPECT_EQ(asked_at, (std::vector<std::uint64_t>{0, 7}));
  EXPECT_EQ(store->appended(), 12U);
  EXPECT_EQ(store->cached(books_of(1)), "books");
  EXPECT_EQ(store->cached(books_of(2)), "books");
}

// The header is durable before the first group is written; the segments before it will be given up
// all the same.
TEST_F(JournalTest, ASegmentThatLostItsFirstGroupInAPowerCutBeginsWithTheBooksAgain) {
  open();
  for (int i = 0; i < 6; ++i) append(std::string(10'000, 'x'));
  commit();
  append(std::string(10'000, 'x'));
  disk.plan({2, test::DiskFault::Kind::power_off, false, DiskCall::write});  // after the header's
  store->flush();
  store->pump_all();
  ASSERT_TRUE(disk.has(segment_name(2)));
  ASSERT_TRUE(store->failure());
  store.reset();
  disk.power_cut();

  open();
  store->set_books([] { return std::string("books"); });
  EXPECT_EQ(append("next").segment, 2U);
  EXPECT_EQ(store->cached(books_of(2)), "books");
}

TEST_F(JournalTest, OptionsOutOfBoundsAreRefused) {
  for (const std::uint64_t bytes : {0UL, 1024UL, 5000UL, 2048UL * 1024 * 1024}) {
    options.segment_bytes = bytes;
    InlineJournalStore refused(disk, options);
    const auto opened = refused.open([](const Kept&) { return Result<void>(); });
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::bad_configuration);
    EXPECT_EQ(opened.error().field, "segment_bytes");
  }
  EXPECT_TRUE(disk.names().empty());
}

TEST_F(JournalTest, UnlessSaidATenthOfTheDiskIsRetained) {
  disk.set_capacity(10 * 1024 * 1024);
  options.retain_bytes = 0;
  open();
  for (int i = 0; i < 1000; ++i) {
    append(std::string(5'000, 'x'));
    commit();
    while (store->next_to_clean()) {
    }
  }
  EXPECT_LE(store->figures().disk_bytes, 1024U * 1024 + 3 * 64 * 1024 + kMarkBytes);
}

// --- memory

TEST_F(JournalTest, RecentRecordsAreServedFromMemoryAndTheOldestLeaveFirst) {
  options.cache_bytes = 50'000;
  open();
  std::vector<Locator> where;
  for (int i = 0; i < 100; ++i) where.push_back(append(std::string(2'000, 'x'))), commit();
  EXPECT_LE(store->figures().cached_bytes, 50'000U);
  EXPECT_FALSE(store->cached(where.front()));
  EXPECT_TRUE(store->cached(where.back()));
  EXPECT_TRUE(store->cached(where[85]));
}

TEST_F(JournalTest, WhatIsNotDurableIsInMemoryHoweverMuchItIs) {
  options.cache_bytes = 0;
  open();
  std::vector<Locator> where(100);
  for (Locator& place : where) place = append(std::string(2'000, 'x'));
  EXPECT_TRUE(store->cached(where.front()));
  EXPECT_GT(store->backlog_bytes(), 200'000U);
  commit();
  EXPECT_FALSE(store->cached(where.front()));
  EXPECT_EQ(store->figures().cached_bytes, 0U);
  EXPECT_EQ(store->backlog_bytes(), 0U);
}

TEST_F(JournalTest, AGroupOfWhichAllIsForgottenGivesItsMemoryBack) {
  open();
  const Locator one = append("one"), two = append("two");
  commit();
  const auto before = store->figures().cached_bytes;
  store->forget(one);
  EXPECT_EQ(store->figures().cached_bytes, before);
  EXPECT_EQ(store->cached(two), "two");
  store->forget(two);
  EXPECT_EQ(store->figures().cached_bytes, 0U);
  EXPECT_FALSE(store->cached(two));
}

// --- reading

TEST_F(JournalTest, DamageFoundByAReadIsToldWithItsPlace) {
  options.cache_bytes = 0;
  open();
  const Locator where = append("a payload");
  commit();
  disk.flip_bit(segment_name(1), where.offset * 8);
  store->fetch(7, where);
  const Fetched fetched = next_fetched();
  EXPECT_EQ(fetched.ticket, 7U);
  EXPECT_EQ(fetched.code, Errc::store_damaged);
  EXPECT_EQ(fetched.message, "segment-0000000001, offset 560: the record here is damaged");
  store->fetch_events(8, 0, 10, 1000);
  EXPECT_EQ(next_fetched().code, Errc::store_damaged);
  EXPECT_FALSE(store->failure()) << "what cannot be read is the asker's affair";
}

TEST_F(JournalTest, AReadThatFailsIsTold) {
  options.cache_bytes = 0;
  open();
  const Locator where = append("a payload");
  commit();
  disk.plan({1, test::DiskFault::Kind::io_error, false, DiskCall::read});
  store->fetch(7, where);
  EXPECT_EQ(next_fetched().code, Errc::io_failed);
  store->fetch(8, where);
  EXPECT_EQ(next_fetched().bytes, "a payload");
}

TEST_F(JournalTest, EventsAreFoundFromAnyNumberInALargeSegment) {
  options.segment_bytes = 4 * 1024 * 1024;
  open();
  for (int i = 1; i <= 6000; ++i) {
    append(std::to_string(i) + std::string(1000, ' '));
    if (i % 100 == 0) commit();
  }
  for (const std::uint64_t since : {0, 1, 99, 100, 101, 2999, 4095, 5000, 5999}) {
    store->fetch_events(since, since, 3, 100'000);
    const Fetched page = next_fetched();
    ASSERT_EQ(page.events.size(), std::min<std::size_t>(3, 6000 - since));
    for (std::size_t i = 0; i < page.events.size(); ++i) {
      EXPECT_EQ(page.events[i].seq, since + 1 + i);
      EXPECT_TRUE(page.events[i].bytes.starts_with(std::to_string(since + 1 + i) + " "));
    }
  }
}

TEST_F(JournalTest, APageOfEventsGoesOnOverTheEndOfASegment) {
  options.segment_bytes = 4096;
  open();
  for (int i = 1; i <= 100; ++i) append(std::string(500, 'x')), commit();
  store->fetch_events(1, 0, 100, 1 << 20);
  EXPECT_EQ(next_fetched().events.size(), 100U);
}

// --- spares

TEST_F(JournalTest, ThreeSparesAreKeptReady) {
  open();
  EXPECT_EQ(disk.names(), (std::vector<std::string>{"mark", "segment-0000000001", "spare-1",
                                                    "spare-2", "spare-3"}));
  while (store->figures().segments < 3) append(std::string(10'000, 'x')), commit();
  EXPECT_EQ(disk.names().size(), 7U);
  EXPECT_EQ(store->figures().disk_bytes, disk.used_bytes());
}

TEST_F(JournalTest, SparesOfAnEarlierStartAreUsed) {
  open();
  store.reset();
  const auto before = disk.calls(DiskCall::preallocate);
  open();
  EXPECT_EQ(disk.calls(DiskCall::preallocate), before + 1) << "of the mark only";
}

TEST_F(JournalTest, ASecondOpenerIsRefused) {
  open();
  InlineJournalStore second(disk, options);
  const auto opened = second.open([](const Kept&) { return Result<void>(); });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::store_in_use);
  store->close();
  EXPECT_TRUE(InlineJournalStore(disk, options).open([](const Kept&) { return Result<void>(); }));
}

}  // namespace
}  // namespace drover::broker::journal
