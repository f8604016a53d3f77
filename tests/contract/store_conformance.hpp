// What every store promises (broker/store/store.hpp), as tests that each adapter passes.
//
// An adapter says how it is made and driven in a medium:
//
//   struct MyMedium {
//     std::unique_ptr<Store> make();  // on what earlier ones left behind; not opened
//     void wait(Store& store);        // lets the store's own work go on for a moment
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(My, StoreConformance, MyMedium);
//   INSTANTIATE_TYPED_TEST_SUITE_P(My, StoreSurvival, MyMedium);  // if records outlive the process
//
// The store that it makes holds 64 KiB to 1 MiB before it begins to clean.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/store/store.hpp"

namespace drover::broker {

template <class Medium>
class StoreFixture : public testing::Test {
 protected:
  struct Seen {
    std::uint64_t seq;
    Locator where;
    std::string bytes;
    bool operator==(const Seen&) const = default;
  };

  void SetUp() override { start(); }

  // --- the vocabulary

  void start() {
    store = medium.make();
    seen.clear();
    const auto opened = store->open([this](const Kept& kept) -> Result<void> {
      seen.push_back({kept.seq, kept.where, std::string(kept.bytes)});
      return {};
    });
    ASSERT_TRUE(opened) << opened.error().message;
  }

  void restart() {
    store->close();
    store.reset();
    start();
  }

  std::uint64_t add(const std::vector<std::string>& records) {
    const std::vector<std::string_view> views(records.begin(), records.end());
    const Appended added = store->append(views);
    places.assign(added.where.begin(), added.where.end());
    return added.first_seq;
  }

  Locator add_one(const std::string& record) {
    add({record});
    return places.front();
  }

  template <class Condition>
  void wait_until(Condition condition) {
    for (int i = 0; i < 10'000 && !condition(); ++i) {
      store->acknowledge_wake();
      if (!condition()) medium.wait(*store);
    }
    ASSERT_TRUE(condition()) << "nothing came";
  }

  void commit() {
    store->flush();
    wait_until([&] {
      store->flush();
      return store->durable() == store->appended();
    });
  }

  Fetched next_fetched() {
    std::optional<Fetched> fetched;
    wait_until([&] { return fetched || (fetched = store->next_fetched()).has_value(); });
    return std::move(fetched).value_or(Fetched{});
  }

  std::string fetch(const Locator& where) {
    store->fetch(++ticket, where);
    const Fetched fetched = next_fetched();
    EXPECT_EQ(fetched.ticket, ticket);
    EXPECT_EQ(fetched.code, Errc::ok) << fetched.message;
    return fetched.bytes;
  }

  Fetched events(std::uint64_t since, std::size_t count = 1000, std::size_t bytes = 1 << 20) {
    store->fetch_events(++ticket, since, count, bytes);
    Fetched fetched = next_fetched();
    EXPECT_EQ(fetched.ticket, ticket);
    return fetched;
  }

  static std::string body(int number, std::size_t size = 200) {
    std::string text = "record " + std::to_string(number) + " ";
    while (text.size() < size)
      text += static_cast<char>('a' + (text.size() + static_cast<std::size_t>(number)) % 26);
    return text;
  }

  // Cleans as much as the store wants, and keeps the records at these places by carrying them.
  void clean(const std::vector<Locator*>& keep = {}) {
    for (int idle = 0; idle < 20; ++idle) {
      while (const auto kept = store->next_to_clean()) {
        idle = 0;
        cleaned.push_back({kept->seq, kept->where, std::string(kept->bytes)});
        for (Locator* where : keep) {
          if (*where == kept->where) *where = store->carry(kept->bytes);
        }
      }
      medium.wait(*store);
    }
  }

  Medium medium;
  std::unique_ptr<Store> store;
  std::vector<Seen> seen;       // at the newest start
  std::vector<Seen> cleaned;    // handed out
  std::vector<Locator> places;  // of the newest add
  std::uint64_t ticket = 0;
};

template <class Medium>
class StoreConformance : public StoreFixture<Medium> {};
TYPED_TEST_SUITE_P(StoreConformance);

template <class Medium>
class StoreSurvival : public StoreFixture<Medium> {};
TYPED_TEST_SUITE_P(StoreSurvival);

TYPED_TEST_P(StoreConformance, ANewStoreIsEmpty) {
  EXPECT_TRUE(this->seen.empty());
  EXPECT_EQ(this->store->appended(), 0U);
  EXPECT_EQ(this->store->newest_seq(), 0U);
  EXPECT_EQ(this->store->oldest_seq(), 1U);
  EXPECT_EQ(this->store->backlog_bytes(), 0U);
  EXPECT_TRUE(this->store->takes_submissions());
  EXPECT_FALSE(this->store->id().is_nil());
}

TYPED_TEST_P(StoreConformance, EventsAreNumberedFromOneWithoutAGap) {
  EXPECT_EQ(this->add({"a", "b"}), 1U);
  EXPECT_EQ(this->add({"c"}), 3U);
  this->store->carry("not an event");
  EXPECT_EQ(this->add({"d"}), 4U);
  EXPECT_EQ(this->store->newest_seq(), 4U);
}

TYPED_TEST_P(StoreConformance, PositionsCountRecordsOfBothKinds) {
  this->add({"a", "b"});
  this->store->carry("c");
  EXPECT_EQ(this->store->appended(), 3U);
}

TYPED_TEST_P(StoreConformance, NothingIsDurableBeforeItIsFlushed) {
  this->add({"a"});
  for (int i = 0; i < 5; ++i) this->medium.wait(*this->store);
  EXPECT_EQ(this->store->durable(), 0U);
  EXPECT_EQ(this->store->durable_seq(), 0U);
  EXPECT_GT(this->store->backlog_bytes(), 0U);
}

TYPED_TEST_P(StoreConformance, WhatIsFlushedBecomesDurable) {
  this->add({"a", "b"});
  this->store->carry("c");
  this->commit();
  EXPECT_EQ(this->store->durable(), 3U);
  EXPECT_EQ(this->store->durable_seq(), 2U);
  EXPECT_EQ(this->store->backlog_bytes(), 0U);
  EXPECT_GE(this->store->figures().commits, 1U);
  EXPECT_FALSE(this->store->failure());
}

TYPED_TEST_P(StoreConformance, WhatIsAppendedDuringACommitBecomesDurableLater) {
  for (int i = 0; i < 100; ++i) {
    this->add({this->body(i)});
    this->store->flush();
  }
  this->commit();
  EXPECT_EQ(this->store->durable_seq(), 100U);
}

TYPED_TEST_P(StoreConformance, ARecordCanBeReadAtOnceWhileItIsNotDurable) {
  const Locator first = this->add_one("first");
  this->add({"second", "third"});
  EXPECT_EQ(this->store->cached(first), "first");
  EXPECT_EQ(this->store->cached(this->places[1]), "third");
  EXPECT_EQ(this->fetch(this->places[0]), "second");
}

TYPED_TEST_P(StoreConformance, PlacesTellTheLengthAndAreAllDifferent) {
  this->add({"", "x", "xy"});
  const Locator carried = this->store->carry("xyz");
  EXPECT_EQ(this->places[0].length, 0U);
  EXPECT_EQ(this->places[2].length, 2U);
  EXPECT_EQ(carried.length, 3U);
  EXPECT_NE(this->places[0], this->places[1]);
  EXPECT_NE(this->places[2], carried);
  EXPECT_TRUE(this->places[0]);
}

TYPED_TEST_P(StoreConformance, ARecordIsFetchedByItsPlaceWithTheSameBytes) {
  std::vector<Locator> where;
  std::vector<std::string> bodies;
  for (int i = 0; i < 50; ++i) {
    bodies.push_back(i % 10 == 0 ? std::string(3, '\0')
                                 : this->body(i, static_cast<std::size_t>(i) * 37));
    where.push_back(this->add_one(bodies.back()));
    if (i % 7 == 0) this->commit();
  }
  this->commit();
  for (std::size_t i = 0; i < where.size(); ++i) EXPECT_EQ(this->fetch(where[i]), bodies[i]);
}

TYPED_TEST_P(StoreConformance, FetchesComeBackUnderTheirTickets) {
  std::vector<Locator> where(20);
  for (int i = 0; Locator & place : where) place = this->add_one(this->body(i++));
  this->commit();
  for (std::uint64_t asked = 100; const Locator& place : where) this->store->fetch(asked++, place);
  for (int i = 0; i < 20; ++i) {
    const Fetched fetched = this->next_fetched();
    EXPECT_EQ(fetched.bytes, this->body(static_cast<int>(fetched.ticket) - 100));
  }
  EXPECT_FALSE(this->store->next_fetched());
}

TYPED_TEST_P(StoreConformance, AForgottenRecordCanStillBeFetched) {
  const Locator where = this->add_one("payload");
  this->commit();
  this->store->forget(where);
  EXPECT_EQ(this->fetch(where), "payload");
}

TYPED_TEST_P(StoreConformance, EventsAreReplayedInOrderWithoutCarriedRecords) {
  for (int i = 1; i <= 30; ++i) {
    this->add({this->body(i)});
    this->store->carry("carried");
    if (i % 4 == 0) this->commit();
  }
  this->commit();
  for (std::uint64_t since : {0U, 1U, 13U, 29U}) {
    const Fetched page = this->events(since);
    ASSERT_EQ(page.events.size(), 30 - since);
    for (std::size_t i = 0; i < page.events.size(); ++i) {
      EXPECT_EQ(page.events[i].seq, since + 1 + i);
      EXPECT_EQ(page.events[i].bytes, this->body(static_cast<int>(since + 1 + i)));
    }
  }
}

TYPED_TEST_P(StoreConformance, APageOfEventsEndsAtItsCountAndBytesButHasOneAtLeast) {
  for (int i = 1; i <= 10; ++i) this->add({this->body(i, 100)});
  this->commit();
  EXPECT_EQ(this->events(0, 3).events.size(), 3U);
  EXPECT_EQ(this->events(0, 100, 250).events.size(), 2U);
  EXPECT_EQ(this->events(4, 100, 1).events.size(), 1U);
  EXPECT_EQ(this->events(4, 0).events.size(), 0U);
}

TYPED_TEST_P(StoreConformance, OnlyDurableEventsAreReplayed) {
  this->add({"durable"});
  this->commit();
  this->add({"not yet"});
  EXPECT_EQ(this->events(0).events.size(), 1U);
  EXPECT_TRUE(this->events(1).events.empty());
  EXPECT_TRUE(this->events(700).events.empty());
}

TYPED_TEST_P(StoreConformance, BelowItsBoundAStoreCleansNothing) {
  for (int i = 0; i < 20; ++i) this->add({this->body(i)});
  this->commit();
  this->clean();
  EXPECT_TRUE(this->cleaned.empty());
  EXPECT_EQ(this->store->oldest_seq(), 1U);
}

TYPED_TEST_P(StoreConformance, CleaningHandsOutTheOldestRecordsInTheirOrder) {
  for (int i = 1; i <= 8000; ++i) {
    this->add({this->body(i, 300)});
    if (i % 50 == 0) this->commit();
    if (i % 50 == 0) this->clean();
  }
  ASSERT_GT(this->cleaned.size(), 1000U);
  std::uint64_t expected = 1;
  for (const auto& record : this->cleaned) {
    if (record.seq == 0) continue;
    ASSERT_EQ(record.seq, expected);
    ASSERT_EQ(record.bytes, this->body(static_cast<int>(expected), 300));
    ++expected;
  }
}

TYPED_TEST_P(StoreConformance, WhatIsCarriedSurvivesCleaning) {
  Locator kept = this->add_one("the one that matters");
  for (int i = 1; i <= 8000; ++i) {
    this->add({this->body(i, 300)});
    if (i % 50 == 0) this->commit();
    if (i % 50 == 0) this->clean({&kept});
  }
  this->commit();
  EXPECT_GT(this->store->figures().carried_bytes, 0U);
  EXPECT_EQ(this->fetch(kept), "the one that matters");
}

TYPED_TEST_P(StoreConformance, AReplayOfEventsThatWereCleanedAwayIsRefused) {
  for (int i = 1; i <= 8000; ++i) {
    this->add({this->body(i, 300)});
    if (i % 50 == 0) this->commit();
    if (i % 50 == 0) this->clean();
  }
  this->commit();
  const auto oldest = this->store->oldest_seq();
  ASSERT_GT(oldest, 1U);
  EXPECT_EQ(this->events(0).code, Errc::events_trimmed);
  EXPECT_EQ(this->events(oldest - 2).code, Errc::events_trimmed);
  const Fetched page = this->events(oldest - 1);
  ASSERT_EQ(page.code, Errc::ok);
  ASSERT_FALSE(page.events.empty());
  EXPECT_EQ(page.events.front().seq, oldest);
  EXPECT_EQ(page.events.front().bytes, this->body(static_cast<int>(oldest), 300));
}

TYPED_TEST_P(StoreConformance, ClosingMakesEverythingDurableAndMayBeRepeated) {
  this->add({"a", "b"});
  this->store->close();
  EXPECT_EQ(this->store->durable(), 2U);
  EXPECT_FALSE(this->store->failure());
  this->store->close();
}

TYPED_TEST_P(StoreSurvival, AReopenedStoreReplaysEveryRecordInOrder) {
  std::vector<typename StoreFixture<TypeParam>::Seen> expected;
  for (int i = 1; i <= 100; ++i) {
    const Locator where = this->add_one(this->body(i, static_cast<std::size_t>(i) * 11 % 700));
    expected.push_back({static_cast<std::uint64_t>(i), where,
                        this->body(i, static_cast<std::size_t>(i) * 11 % 700)});
    if (i % 10 == 0) expected.push_back({0, this->store->carry("carried"), "carried"});
    if (i % 9 == 0) this->commit();
  }
  this->restart();
  EXPECT_EQ(this->seen, expected);
}

TYPED_TEST_P(StoreSurvival, AReopenedStoreKeepsItsIdAndGoesOnCounting) {
  const StoreId id = this->store->id();
  const Locator old = this->add_one("one");
  this->restart();
  EXPECT_EQ(this->store->id(), id);
  EXPECT_EQ(this->store->newest_seq(), 1U);
  EXPECT_EQ(this->store->durable_seq(), 1U);
  EXPECT_EQ(this->store->durable(), this->store->appended());
  EXPECT_EQ(this->add({"two"}), 2U);
  EXPECT_EQ(this->fetch(old), "one");
  this->restart();
  ASSERT_EQ(this->seen.size(), 2U);
  EXPECT_EQ(this->seen[1].bytes, "two");
}

TYPED_TEST_P(StoreSurvival, ARecordRefusedAtTheStartStopsIt) {
  this->add({"fine", "strange"});
  this->store->close();
  this->store = this->medium.make();
  const auto opened = this->store->open([](const Kept& kept) -> Result<void> {
    if (kept.bytes == "strange") return Error{Errc::store_damaged, "what is this?"};
    return {};
  });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "what is this?");
}

TYPED_TEST_P(StoreSurvival, AStoreThatEndsWithoutClosingKeepsWhatWasDurable) {
  this->add({"durable"});
  this->commit();
  this->add({"never flushed"});
  this->store.reset();
  this->start();
  ASSERT_EQ(this->seen.size(), 1U);
  EXPECT_EQ(this->seen[0].bytes, "durable");
}

TYPED_TEST_P(StoreSurvival, ANewSegmentBeginsWithTheBooks) {
  int asked = 0;
  this->store->set_books([&] { return "books of " + std::to_string(++asked); });
  for (int i = 1; i <= 8000; ++i) {
    this->add({this->body(i, 300)});
    if (i % 50 == 0) this->commit();
    if (i % 50 == 0) this->clean();
  }
  ASSERT_GT(asked, 0);
  this->restart();
  ASSERT_FALSE(this->seen.empty());
  EXPECT_EQ(this->seen[0].seq, 0U);
  EXPECT_EQ(this->seen[0].bytes.substr(0, 9), "books of ");
}

REGISTER_TYPED_TEST_SUITE_P(
    StoreConformance, ANewStoreIsEmpty, EventsAreNumberedFromOneWithoutAGap,
    PositionsCountRecordsOfBothKinds, NothingIsDurableBeforeItIsFlushed,
    WhatIsFlushedBecomesDurable, WhatIsAppendedDuringACommitBecomesDurableLater,
    ARecordCanBeReadAtOnceWhileItIsNotDurable, PlacesTellTheLengthAndAreAllDifferent,
    ARecordIsFetchedByItsPlaceWithTheSameBytes, FetchesComeBackUnderTheirTickets,
    AForgottenRecordCanStillBeFetched, EventsAreReplayedInOrderWithoutCarriedRecords,
    APageOfEventsEndsAtItsCountAndBytesButHasOneAtLeast, OnlyDurableEventsAreReplayed,
    BelowItsBoundAStoreCleansNothing, CleaningHandsOutTheOldestRecordsInTheirOrder,
    WhatIsCarriedSurvivesCleaning, AReplayOfEventsThatWereCleanedAwayIsRefused,
    ClosingMakesEverythingDurableAndMayBeRepeated);
REGISTER_TYPED_TEST_SUITE_P(StoreSurvival, AReopenedStoreReplaysEveryRecordInOrder,
                            AReopenedStoreKeepsItsIdAndGoesOnCounting,
                            ARecordRefusedAtTheStartStopsIt,
                            AStoreThatEndsWithoutClosingKeepsWhatWasDurable,
                            ANewSegmentBeginsWithTheBooks);

}  // namespace drover::broker
