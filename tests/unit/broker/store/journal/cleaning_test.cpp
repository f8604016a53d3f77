#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "broker/store/journal/inline_journal_store.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::broker::journal {
namespace {

constexpr std::uint64_t kSegment = 8 * 1024;

// A journal on a simulated disk, and a caller that keeps some of what it appends.
class Cleaning : public testing::Test {
 protected:
  void open(std::uint64_t retain) {
    JournalOptions options;
    options.segment_bytes = kSegment;
    options.retain_bytes = retain_bytes = retain;
    options.cache_bytes = 0;
    options.seed = 1;
    options.clock_ms = [] { return std::int64_t{0}; };
    store.reset();
    store = std::make_unique<InlineJournalStore>(disk, options);
    ASSERT_TRUE(store->open([](const Kept&) { return Result<void>(); }));
  }

  // Appends a record and says whether it counts from now on.
  void append(std::size_t size, bool keep) {
    const std::string bytes = std::to_string(next) + std::string(size, 'x');
    const std::string_view only[] = {bytes};
    const Locator where = store->append(only).where.front();
    appended_bytes += bytes.size();
    if (!keep) return;
    live.emplace(key(where), next++);
    live_bytes += bytes.size();
    store->set_live_bytes(live_bytes);
  }

  void drop(std::size_t nth) {
    const auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(nth));
    live_bytes -= victim->first.second;
    live.erase(victim);
    store->set_live_bytes(live_bytes);
  }

  // What the broker does at the end of a turn.
  void turn() {
    store->flush();
    store->pump_all();
    while (const auto kept = store->next_to_clean()) {
      ++handed_out;
      const auto known = live.find(key(kept->where));
      if (known == live.end()) continue;
      const int number = known->second;
      live.erase(known);
      live.emplace(key(store->carry(kept->bytes)), number);
    }
    most_over = std::max(most_over, static_cast<std::int64_t>(disk.used_bytes()) -
                                        static_cast<std::int64_t>(bound()));
  }

  std::uint64_t bound() const { return std::max(retain_bytes, 2 * live_bytes); }

  // Where, and how long: enough to know a record again and to count its bytes.
  static std::pair<std::uint64_t, std::uint64_t> key(const Locator& where) {
    return {(std::uint64_t{where.segment} << 32) | where.offset, where.length};
  }

  void expect_all_live_there() {
    store->flush();
    store->pump_all();
    std::uint64_t ticket = 0;
    for (const auto& [place, number] : live) {
      const Locator where{static_cast<std::uint32_t>(place.first >> 32),
                          static_cast<std::uint32_t>(place.first),
                          static_cast<std::uint32_t>(place.second)};
      store->fetch(++ticket, where);
      store->pump_all();
      const auto fetched = store->next_fetched();
      ASSERT_TRUE(fetched);
      ASSERT_EQ(fetched->code, Errc::ok) << fetched->message;
      ASSERT_TRUE(fetched->bytes.starts_with(std::to_string(number))) << fetched->bytes;
    }
  }

  test::SimDisk disk;
  std::unique_ptr<InlineJournalStore> store;
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> live;
  std::uint64_t live_bytes = 0, retain_bytes = 0, appended_bytes = 0, handed_out = 0;
  std::int64_t most_over = INT64_MIN;
  int next = 1;
};

constexpr std::int64_t kSpareBytes = 3 * kSegment + kMarkBytes;

TEST_F(Cleaning, ALogOfWhichNothingCountsStaysWithinWhatIsRetained) {
  open(16 * kSegment);
  for (int i = 0; i < 5000; ++i) {
    append(300, false);
    if (i % 5 == 0) turn();
  }
  EXPECT_LE(most_over, kSpareBytes);
  EXPECT_GT(disk.used_bytes(), 12 * kSegment) << "and is not cleaned much below it";
  EXPECT_EQ(store->figures().carried_bytes, 0U);
}

// A quarter of the log's room must do when everything counts for a while.
TEST_F(Cleaning, TheDiskStaysWithinTheBoundWhateverCounts) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    Random random(seed);
    disk = test::SimDisk(seed);
    live.clear(), live_bytes = 0, most_over = INT64_MIN;
    open((8 + random.below(40)) * kSegment);
    const std::uint64_t most_live = (1 + random.below(60)) * kSegment;
    for (int i = 0; i < 20'000; ++i) {
      append(random.below(600), live_bytes < most_live && !random.one_in(3));
      while (live_bytes > most_live || (!live.empty() && random.one_in(3)))
        drop(random.below(live.size()));
      if (random.one_in(4)) turn();
    }
    turn();
    EXPECT_LE(most_over, kSpareBytes)
        << "seed " << seed << ", retained " << retain_bytes << ", live " << live_bytes;
    expect_all_live_there();
  }
}

// All that counts lies in one stretch, and the rest of the log is dead.
TEST_F(Cleaning, AStretchInWhichEverythingCountsIsPassedWithinTheBound) {
  open(16 * kSegment);
  for (int i = 0; i < 1000; ++i) append(500, true), turn();
  for (int i = 0; i < 20'000; ++i) {
    append(500, false);
    if (i % 3 == 0) turn();
  }
  EXPECT_LE(most_over, kSpareBytes);
  expect_all_live_there();
}

TEST_F(Cleaning, EachStepHandsOutNoMoreThanItsShare) {
  open(16 * kSegment);
  for (int i = 0; i < 3000; ++i) append(500, i % 2 == 0 && live_bytes < 8 * kSegment), turn();
  for (int i = 0; i < 1000; ++i) {
    const auto before = handed_out;
    append(500, false), turn();
    ASSERT_LE(handed_out - before, 40U);
  }
}

TEST_F(Cleaning, TheLogShrinksAgainWhenLessCounts) {
  open(16 * kSegment);
  for (int i = 0; i < 3000; ++i) append(500, true), turn();
  const auto large = disk.used_bytes();
  ASSERT_GT(large, 100 * kSegment);
  while (!live.empty()) drop(0);
  for (int i = 0; i < 5000; ++i) append(500, false), turn();
  EXPECT_LE(disk.used_bytes(), 16 * kSegment + kSpareBytes);
}

TEST_F(Cleaning, ASegmentIsNotRecycledWhileItsReadIsPending) {
  open(4 * kSegment);
  append(500, false);
  const Locator old{1, kSegmentHeaderBytes + kGroupHeaderBytes + kRecordHeaderBytes, 501};
  store->flush();
  store->pump_all();
  store->fetch(1, old);
  for (int i = 0; i < 500; ++i) {
    append(500, false);
    store->flush();
    while (store->pump_commit()) store->failure();
    while (store->next_to_clean()) {
    }
  }
  store->pump_all();
  std::optional<Fetched> fetched;
  while (!(fetched = store->next_fetched())) store->pump_all();
  EXPECT_EQ(fetched->code, Errc::ok) << fetched->message;
  EXPECT_EQ(fetched->bytes, "1" + std::string(500, 'x'));
}

TEST_F(Cleaning, ASegmentThatAReaderHoldsIsNotUsedAgain) {
  open(4 * kSegment);
  append(500, false);
  turn();
  const auto file = *disk.open(segment_name(1), OpenMode::existing);
  ASSERT_TRUE(file->hold());
  const auto read_all = [&] {
    std::string bytes(kSegment, '\0');
    EXPECT_TRUE(read_exactly(*file, 0, bytes));
    return bytes;
  };
  while (!disk.has(segment_name(2))) append(500, false), turn();
  const auto before = read_all();
  for (int i = 0; i < 500; ++i) append(500, false), turn();
  EXPECT_FALSE(disk.has(segment_name(1)));
  EXPECT_EQ(read_all(), before);
  EXPECT_LE(disk.used_bytes(), 4 * kSegment + kSpareBytes);
}

TEST_F(Cleaning, ARestartGoesOnWhereCleaningWas) {
  open(16 * kSegment);
  for (int i = 0; i < 4000; ++i) {
    append(500, live_bytes < 4 * kSegment);
    turn();
    if (i % 500 == 0) store->close(), open(16 * kSegment), store->set_live_bytes(live_bytes);
  }
  EXPECT_LE(most_over, kSpareBytes);
  expect_all_live_there();
}

TEST_F(Cleaning, DamageFoundWhileCleaningStopsTheStore) {
  open(4 * kSegment);
  append(500, true);
  turn();
  disk.flip_bit(segment_name(1), (kSegmentHeaderBytes + 100) * 8);
  for (int i = 0; i < 1000 && !store->failure(); ++i) append(500, false), turn();
  ASSERT_TRUE(store->failure());
  EXPECT_EQ(store->failure()->code, Errc::store_damaged);
  EXPECT_NE(store->failure()->message.find("segment-0000000001, offset 512"), std::string::npos);
}

}  // namespace
}  // namespace drover::broker::journal
