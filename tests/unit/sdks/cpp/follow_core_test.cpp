// Following without a gap: what the bus lost is asked for, what the log lost is told.

#include "drover/follow_core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/random.hpp"
#include "common/wire/map_writer.hpp"

namespace drover {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

StoreId store(char c) { return StoreId::from_bytes(std::string(16, c)); }

std::string event(std::uint64_t seq, char s = 'a', std::string_view type = "task.created") {
  std::string out;
  wire::MapWriter m(out);
  m.bin("store", store(s).view());
  if (seq > 0) m.uint("seq", seq);
  m.instant("ts", instant_from_ms(1000)).str("type", type).str("tenant", "default");
  m.str("subject", std::to_string(seq)).finish();
  return out;
}

std::string tick(std::uint64_t seq, char s = 'a') {
  std::string data, out;
  wire::MapWriter(data).uint("seq", seq).finish();
  wire::MapWriter m(out);
  m.bin("store", store(s).view()).instant("ts", instant_from_ms(1000)).str("type", "bus.tick");
  m.str("tenant", "_system").str("subject", "tick").raw("data", data).finish();
  return out;
}

// An answer to `events` with first..last, reaching `reached`.
std::string page(std::uint64_t first, std::uint64_t last, std::uint64_t reached, char s = 'a') {
  std::string list, out;
  for (auto seq = first; seq <= last; ++seq) list += event(seq, s);
  std::string events;
  wire::Writer(events).array(last + 1 - first).raw(list);
  wire::MapWriter m(out);
  m.raw("events", events);
  if (reached > 0) {
    m.uint("reached", reached);
  } else {
    m.nil("reached");
  }
  m.finish();
  return out;
}

std::string books(std::uint64_t seq, char s = 'a') {
  std::string out;
  wire::MapWriter m(out);
  m.uint("seq", seq).str("store", to_string(store(s))).finish();
  return out;
}

class FollowCoreTest : public testing::Test {
 protected:
  // Starts behind 10 and has asked once that there is nothing more.
  FollowCoreTest() : core({store('a'), 10}, at(0s), {3s, 1s, 100}) {
    EXPECT_EQ(asked(0s), "events 10 1000");
    answer(page(1, 0, 0));
  }

  static Instant at(Duration time) { return instant_from_ms(1'000'000) + time; }

  void hear(const std::string& bytes, Duration time = 0s) { core.heard(bytes, at(time)); }

  // "events 10 1000", "books" or "".
  std::string asked(Duration time) {
    const auto question = core.next_question(at(time));
    if (!question) return "";
    if (question->kind == FollowCore::Question::Kind::books) return "books";
    return "events " + std::to_string(question->since.seq) + " " + std::to_string(question->limit);
  }

  void answer(const std::string& body, Duration time = 0s) { core.answered(body, at(time)); }
  void refuse(Errc code, Duration time = 0s) { core.answered(Error{code, "no"}, at(time)); }

  // "11", "11b" of another store, "-" without a number, "gap 10 to 20 because"
  std::vector<std::string> told() {
    std::vector<std::string> all;
    while (const auto next = core.next()) {
      if (next->kind == Followed::Kind::gap) {
        all.push_back("gap " + std::to_string(next->from->seq) + " to " +
                      std::to_string(next->to->seq) + " " + next->reason);
      } else if (next->event.seq == 0) {
        all.push_back("-");
      } else {
        all.push_back(std::to_string(next->event.seq) +
                      (next->event.store == store('b') ? "b" : ""));
      }
    }
    return all;
  }

  FollowCore core;
};

TEST_F(FollowCoreTest, EventsInOrderAreToldAtOnce) {
  hear(event(11));
  hear(event(12));
  EXPECT_THAT(told(), ElementsAre("11", "12"));
  EXPECT_EQ(core.cursor().seq, 12u);
  EXPECT_EQ(asked(0s), "");
}

TEST_F(FollowCoreTest, AMissingEventIsAskedForAndToldInItsPlace) {
  hear(event(11));
  hear(event(13));
  hear(event(14));
  EXPECT_THAT(told(), ElementsAre("11"));
  EXPECT_EQ(asked(0s), "events 11 1");
  EXPECT_EQ(asked(0s), "");  // one question at a time
  answer(page(12, 12, 12));
  EXPECT_THAT(told(), ElementsAre("12", "13", "14"));
  EXPECT_EQ(asked(0s), "");
}

TEST_F(FollowCoreTest, ATickShowsALostLastEvent) {
  hear(tick(12));
  EXPECT_EQ(asked(0s), "events 10 1000");
  answer(page(11, 12, 12));
  EXPECT_THAT(told(), ElementsAre("11", "12"));
  hear(tick(12));
  EXPECT_EQ(asked(0s), "");
}

TEST_F(FollowCoreTest, AnEventIsToldOnceHoweverOftenItIsHeard) {
  hear(event(11));
  hear(event(11));
  hear(event(10));
  hear(event(13));
  hear(event(13));
  asked(0s);
  answer(page(11, 13, 13));
  EXPECT_THAT(told(), ElementsAre("11", "12", "13"));
}

TEST_F(FollowCoreTest, NumbersThatAreNoEventsArePassedOver) {
  hear(event(14));
  EXPECT_EQ(asked(0s), "events 10 3");
  answer(page(12, 12, 13));  // 11 and 13 are not for anyone
  EXPECT_THAT(told(), ElementsAre("12", "14"));
}

TEST_F(FollowCoreTest, SilenceMakesTheBrokerBeAskedAllTheSame) {
  EXPECT_EQ(asked(2999ms), "");
  EXPECT_EQ(core.wake_at(), at(3s));
  EXPECT_EQ(asked(3s), "events 10 1000");
  answer(page(11, 11, 11), 3s);
  EXPECT_THAT(told(), ElementsAre("11"));
  EXPECT_EQ(asked(3s), "");
  EXPECT_EQ(asked(6s), "events 11 1000");
}

TEST_F(FollowCoreTest, EventsWithoutANumberArePassedOnAsTheyCome) {
  hear(event(0, 'a', "task.progress"));
  hear(event(12));
  hear(event(0, 'a', "task.progress"));
  EXPECT_THAT(told(), ElementsAre("-", "-"));
  EXPECT_EQ(core.cursor().seq, 10u);
}

TEST_F(FollowCoreTest, LongGapsArePagedThrough) {
  hear(tick(3000));
  EXPECT_EQ(asked(0s), "events 10 1000");
  answer(page(11, 1010, 1010));
  EXPECT_EQ(told().size(), 1000u);
  EXPECT_EQ(asked(0s), "events 1010 1000");
}

TEST_F(FollowCoreTest, ATrimmedLogIsToldAsAGapAndFollowingGoesOnFromTheBooks) {
  hear(tick(500));
  asked(0s);
  refuse(Errc::events_trimmed);
  EXPECT_EQ(asked(0s), "books");
  answer(books(400));
  EXPECT_THAT(told(), ElementsAre("gap 10 to 400 EVENTS_TRIMMED"));
  EXPECT_EQ(core.cursor().seq, 400u);
  hear(tick(402));
  EXPECT_EQ(asked(0s), "events 400 1000");
  answer(page(401, 402, 402));
  EXPECT_THAT(told(), ElementsAre("401", "402"));
}

TEST_F(FollowCoreTest, AnotherStoreIsToldAsAGapAndItsEventsFollow) {
  hear(event(11));
  hear(event(3, 'b'));
  hear(event(4, 'b'));
  EXPECT_EQ(asked(0s), "books");
  answer(books(3, 'b'));
  EXPECT_THAT(told(), ElementsAre("11", "gap 11 to 3 EVENTS_FOREIGN", "4b"));
  EXPECT_EQ(core.cursor(), (Cursor{store('b'), 4}));
}

TEST_F(FollowCoreTest, ATickOfAnotherStoreIsEnoughToNotice) {
  hear(tick(1, 'b'));
  EXPECT_EQ(asked(0s), "books");
}

TEST_F(FollowCoreTest, ACursorOfAnotherStoreIsRefusedByTheBroker) {
  FollowCore foreign({store('z'), 5}, at(0s), {3s, 1s, 100});
  EXPECT_EQ(foreign.next_question(at(0s))->since, (Cursor{store('z'), 5}));
  foreign.answered(Error{Errc::events_foreign, "no"}, at(0s));
  EXPECT_EQ(foreign.next_question(at(0s))->kind, FollowCore::Question::Kind::books);
  foreign.answered(books(9), at(0s));
  const auto gap = foreign.next();
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->reason, "EVENTS_FOREIGN");
  EXPECT_EQ(foreign.cursor(), (Cursor{store('a'), 9}));
}

TEST_F(FollowCoreTest, AQuestionThatFailsIsAskedAgainAWhileLater) {
  hear(tick(12));
  asked(0s);
  refuse(Errc::broker_unavailable, 10s);
  EXPECT_EQ(core.trouble()->code, Errc::broker_unavailable);
  EXPECT_EQ(asked(10s), "");
  EXPECT_EQ(core.wake_at(), at(11s));
  EXPECT_EQ(asked(11s), "events 10 1000");
  answer(page(11, 12, 12), 11s);
  EXPECT_FALSE(core.trouble());
  EXPECT_THAT(told(), ElementsAre("11", "12"));
}

TEST_F(FollowCoreTest, BooksThatFailAreAskedForAgainAWhileLater) {
  hear(tick(1, 'b'));
  EXPECT_EQ(asked(0s), "books");
  refuse(Errc::broker_unavailable, 10s);
  EXPECT_EQ(asked(10s), "");
  EXPECT_EQ(asked(11s), "books");
}

TEST_F(FollowCoreTest, AnAnswerWithoutProgressIsNotAskedForAtOnce) {
  hear(tick(20));
  asked(0s);
  answer("\xc1 no msgpack", 0s);
  EXPECT_EQ(core.trouble()->code, Errc::malformed);
  EXPECT_EQ(asked(0s), "");
  EXPECT_EQ(asked(1s), "events 10 1000");
}

TEST_F(FollowCoreTest, AFollowerThatIsNotReadStopsAskingAndKeepsLittle) {
  for (std::uint64_t seq = 11; seq < 1000; ++seq) hear(event(seq));
  EXPECT_EQ(asked(100s), "");
  EXPECT_EQ(core.wake_at(), kNever);
  const auto first = told();
  EXPECT_EQ(first.size(), 200u);  // a hundred ready, a hundred aside
  EXPECT_EQ(asked(100s), "events 210 1000");
  answer(page(211, 999, 999), 100s);
  EXPECT_EQ(told().back(), "999");
}

TEST_F(FollowCoreTest, WhatIsNoEventIsCounted) {
  hear("");
  hear("\x81");
  hear("nonsense");
  hear(event(11, 'a', ""));
  EXPECT_EQ(core.unreadable(), 4u);
  EXPECT_THAT(told(), IsEmpty());
}

// A bus that drops, repeats and swaps: whatever it does, all are told once and in order.
TEST_F(FollowCoreTest, WhateverTheBusLosesNothingIsMissed) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    FollowCore follower({store('a'), 0}, at(0s), {3s, 1s, 16});
    std::uint64_t newest = 0, expected = 1;
    std::optional<FollowCore::Question> open;
    auto now = at(0s);
    const auto drain = [&] {
      while (const auto next = follower.next()) {
        if (next->event.seq != 0) {
          ASSERT_EQ(next->event.seq, expected++) << "seed " << seed;
        }
      }
    };
    for (int step = 0; step < 400 || expected <= newest; ++step) {
      ASSERT_LT(step, 4000) << "seed " << seed;
      now += Duration(random.below(500));
      if (step < 400 && random.one_in(2)) {
        ++newest;
        if (!random.one_in(3)) follower.heard(event(newest), now);
      }
      if (newest > 0 && random.one_in(5)) follower.heard(event(1 + random.below(newest)), now);
      if (random.one_in(4)) follower.heard(tick(newest), now);
      if (open && random.one_in(2)) {
        if (random.one_in(4)) {
          follower.answered(Error{Errc::broker_unavailable, "no"}, now);
        } else {
          const auto last = std::min(newest, open->since.seq + std::min(open->limit, 7u));
          follower.answered(
              last > open->since.seq ? page(open->since.seq + 1, last, last) : page(1, 0, 0), now);
        }
        open.reset();
      }
      if (!open) open = follower.next_question(now);
      if (random.one_in(3)) drain();
    }
    drain();
    EXPECT_EQ(expected, newest + 1) << "seed " << seed;
  }
}

TEST(Cursor, ItReadsBackAsItWasWritten) {
  const Cursor cursor{store('x'), 42};
  EXPECT_EQ(*parse_cursor(to_string(cursor)), cursor);
  for (const auto* text : {"", ":", "42", "x:42", "78787878-7878-7878-7878-787878787878:",
                           "78787878-7878-7878-7878-787878787878:-1",
                           "78787878-7878-7878-7878-787878787878:99999999999999999999",
                           "78787878-7878-7878-7878-787878787878:4 "}) {
    const auto parsed = parse_cursor(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::bad_cursor);
  }
}

// --- one tenant's events, whose numbers have others' between them

// An answer to `events` with these, reaching `reached`.
std::string page_of(const std::vector<std::uint64_t>& ours, std::uint64_t reached) {
  std::string list, out, events;
  for (const auto seq : ours) list += event(seq);
  wire::Writer(events).array(ours.size()).raw(list);
  wire::MapWriter(out).raw("events", events).uint("reached", reached).finish();
  return out;
}

class FollowOneTenantTest : public FollowCoreTest {
 protected:
  FollowOneTenantTest() {
    core = FollowCore({store('a'), 10}, at(0s), {3s, 1s, 100, "acme/"});
    EXPECT_EQ(asked(0s), "events 10 1000");
    answer(page(1, 0, 0));
  }
};

TEST_F(FollowOneTenantTest, TheQuestionNamesTheTenant) {
  hear(event(14));
  EXPECT_EQ(core.next_question(at(0s))->prefix, "acme/");
}

TEST_F(FollowOneTenantTest, WhatIsMissingBetweenOursMayBeOthersAndIsNoGap) {
  hear(event(14));
  EXPECT_THAT(told(), IsEmpty()) << "one of ours might be missing";
  EXPECT_EQ(asked(0s), "events 10 1000");
  answer(page_of({14}, 15));
  EXPECT_THAT(told(), ElementsAre("14"));
  EXPECT_EQ(asked(0s), "") << "all up to 15 is known";
}

TEST_F(FollowOneTenantTest, OneOfOursThatTheBusLostIsToldInItsPlace) {
  hear(event(12));
  hear(event(17));
  EXPECT_EQ(asked(0s), "events 10 1000");
  answer(page_of({12, 14, 17}, 17));
  EXPECT_THAT(told(), ElementsAre("12", "14", "17"));
}

TEST_F(FollowOneTenantTest, WhatComesWhileAskingIsAskedForInTurn) {
  hear(event(12));
  EXPECT_EQ(asked(0s), "events 10 1000");
  hear(event(15));
  answer(page_of({12}, 13));
  EXPECT_THAT(told(), ElementsAre("12"));
  EXPECT_EQ(asked(0s), "events 13 1000");
  answer(page_of({15}, 20));
  EXPECT_THAT(told(), ElementsAre("15"));
}

TEST_F(FollowOneTenantTest, ATickMakesItGoOnOverOthersEvents) {
  hear(tick(2500));
  EXPECT_EQ(asked(0s), "events 10 1000");
  answer(page_of({}, 1010));
  EXPECT_EQ(asked(0s), "events 1010 1000");
  answer(page_of({1500}, 2010));
  EXPECT_EQ(asked(0s), "events 2010 1000");
  answer(page_of({}, 2500));
  EXPECT_THAT(told(), ElementsAre("1500"));
  EXPECT_EQ(asked(0s), "");
  hear(event(2501));
  EXPECT_THAT(told(), ElementsAre("2501")) << "the next number needs no question";
}

}  // namespace
}  // namespace drover
