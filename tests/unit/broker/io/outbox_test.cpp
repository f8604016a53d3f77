// The outbox: what was decided is told when it is true on disk, in the order in which it was said.

#include "broker/io/outbox.hpp"

#include <gtest/gtest.h>

#include "broker/core/core.hpp"
#include "broker/store/record_codec.hpp"
#include "tests/unit/broker/io/io_session.hpp"

namespace drover::broker::testing {
namespace {

using Lines = std::vector<std::string>;

constexpr Peer kAnn{1}, kBob{2};     // clients
constexpr Peer kHorse{5}, kMule{6};  // workers
constexpr SessionId kSession{9};

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() {
    core.set_store(store.id());
    outbox.set_core(&core);
  }

  // Something happens to a task: a record is appended. Its payload is the task's name, doubled.
  Locator happens(char task, RecordKind kind = RecordKind::started) {
    Record record = record_of(task, kind);
    return outbox.append(std::span(&record, 1)).where;
  }

  Record record_of(char task, RecordKind kind) {
    TaskSpec spec;
    spec.id = task_named(task);
    spec.type = "work";
    const std::string payload(2, task);
    spec.payload = payload;
    wire::encode_task(spec, blobs.emplace_back());
    Record record;
    record.kind = kind;
    record.at = kThen;
    record.task = task_named(task);
    record.tenant = "default";
    record.queue = "default";
    record.type = "work";
    record.blob = blobs.back();
    return record;
  }

  void accepted(Peer peer, std::uint64_t request, char task) {
    wire::SubmitOutcome outcome;
    outcome.id = task_named(task);
    outbox.accepted(peer, {request, {outcome}});
  }
  void confirm(Peer peer, char task, SessionId session = kSession) {
    outbox.confirm(peer, session, {task_named(task), 1, Errc::ok});
  }
  void cancel(Peer peer, char task) { outbox.cancel(peer, kSession, {task_named(task), 1, 5s}); }
  void assign(Peer peer, const Locator& where, std::uint32_t attempt = 1) {
    wire::Assign::Item item;
    item.attempt = attempt;
    item.tenant = item.queue = "default";
    outbox.assign(peer, kSession, item, where);
  }
  void ping(Peer peer, std::uint64_t request) { outbox.answer(peer, request, "\x80"); }

  // What leaves now.
  Lines told() {
    outbox.release();
    return std::exchange(outlet.lines, {});
  }
  // What leaves when everything is durable.
  Lines told_after_commit() {
    store.commit();
    return told();
  }
  void nobody_listens() { outlet.listened_to = false; }

  HeldStore store;
  NotebookOutlet outlet;
  Outbox outbox{store, outlet, 64 * 1024};
  Core core{CoreOptions{}, Random(1)};
  std::deque<std::string> blobs;
};

// --- durable first

TEST_F(OutboxTest, NothingLeavesBeforeWhatItTellsOfIsDurable) {
  const auto where = happens('a', RecordKind::created);
  accepted(kAnn, 7, 'a');
  assign(kHorse, where);
  EXPECT_EQ(told(), Lines{});
  EXPECT_FALSE(outbox.empty());

  EXPECT_EQ(told_after_commit(), (Lines{"event task.created", "client 1: accepted 7 [a ready]",
                                        "worker 5: assign a1(aa) in 9"}));
  EXPECT_TRUE(outbox.empty());
}

TEST_F(OutboxTest, WhatWasSaidBeforeALaterDecisionNeedNotWaitForIt) {
  nobody_listens();
  happens('a');
  confirm(kHorse, 'a');
  happens('b');
  confirm(kHorse, 'b');

  store.commit(1);
  EXPECT_EQ(told(), Lines{"worker 5: confirm a1 in 9"});
  EXPECT_EQ(told(), Lines{}) << "it is said once";
  store.commit(2);
  EXPECT_EQ(told(), Lines{"worker 5: confirm b1 in 9"});
}

TEST_F(OutboxTest, AnAnswerThatChangesNothingWaitsForWhatItMayHaveSeen) {
  nobody_listens();
  ping(kAnn, 1);
  EXPECT_EQ(told(), Lines{"client 1: answer 1 {}"}) << "nothing was undecided on disk";
  happens('a');
  ping(kAnn, 2);
  EXPECT_EQ(told(), Lines{});
  EXPECT_EQ(told_after_commit(), Lines{"client 1: answer 2 {}"});
}

TEST_F(OutboxTest, ACopyMadeByCleaningHoldsBackLikeARecord) {
  const Record record = record_of('a', RecordKind::whole);
  const Locator where = outbox.carry(record);
  EXPECT_TRUE(where);
  confirm(kHorse, 'a');
  EXPECT_EQ(told(), Lines{});
  EXPECT_EQ(told_after_commit(), Lines{"worker 5: confirm a1 in 9"}) << "and is no event";
}

TEST_F(OutboxTest, TheHeartbeatAndTheAnswerToAStrangerPassBy) {
  happens('a');
  confirm(kHorse, 'a');
  outbox.alive(kHorse, kSession);
  outbox.who(kMule, SessionId{0}, {Errc::session_unknown, "say hello"});
  EXPECT_EQ(std::exchange(outlet.lines, {}),
            (Lines{"worker 5: alive in 9", "worker 6: who SESSION_UNKNOWN in 0"}));
  EXPECT_EQ(told(), Lines{});
}

// --- order

TEST_F(OutboxTest, EverythingForOnePeerLeavesInTheOrderInWhichItWasSaid) {
  nobody_listens();
  const auto where = happens('a', RecordKind::created);
  outbox.welcome(kHorse, {kSession, 1, store.id(), 5s, 15s, 0, 0, {}});
  assign(kHorse, where);
  confirm(kHorse, 'b');
  cancel(kHorse, 'a');
  confirm(kHorse, 'c');
  outbox.drain(kHorse, kSession);
  EXPECT_EQ(told_after_commit(), (Lines{"worker 5: welcome in 9", "worker 5: assign a1(aa) in 9",
                                        "worker 5: confirm b1 in 9", "worker 5: cancel a1 in 9",
                                        "worker 5: confirm c1 in 9", "worker 5: drain in 9"}));
}

TEST_F(OutboxTest, AClientsAnswersKeepTheirOrder) {
  nobody_listens();
  accepted(kAnn, 1, 'a');
  ping(kAnn, 2);
  accepted(kAnn, 3, 'b');
  outbox.refuse(kAnn, 4, {Errc::not_found, "no such task", "id"});
  EXPECT_EQ(told(), (Lines{"client 1: accepted 1 [a ready]", "client 1: answer 2 {}",
                           "client 1: accepted 3 [b ready]", "client 1: refused 4 NOT_FOUND id"}));
}

TEST_F(OutboxTest, EventsLeaveInTheOrderOfTheirNumbers) {
  happens('a', RecordKind::created);
  happens('a', RecordKind::started);
  const Record both[] = {record_of('a', RecordKind::failed), record_of('a', RecordKind::dead)};
  outbox.append(both);
  EXPECT_EQ(store.appends, (std::vector<std::size_t>{1, 1, 2})) << "a death is one append";
  EXPECT_EQ(told_after_commit(), (Lines{"event task.created", "event task.started",
                                        "event task.failed", "event task.dead"}));
  for (std::size_t i = 0; i < outlet.events.size(); ++i) {
    const auto text = drover::testing::spell_msgpack(outlet.events[i].second);
    EXPECT_NE(text.find("\"seq\": " + std::to_string(i + 1) + ","), std::string::npos) << text;
  }
  EXPECT_EQ(outbox.published(), 4u);
}

// --- gathering

TEST_F(OutboxTest, WhatOneTurnHasForOnePeerIsOneFrame) {
  nobody_listens();
  for (const char task : {'a', 'b', 'c'}) {
    happens(task);
    confirm(kHorse, task);
    accepted(kAnn, static_cast<std::uint64_t>(task - 'a'), task);
    confirm(kMule, task);
  }
  EXPECT_EQ(told_after_commit(), (Lines{"worker 5: confirm a1 b1 c1 in 9",
                                        "client 1: accepted 0 [a ready] 1 [b ready] 2 [c ready]",
                                        "worker 6: confirm a1 b1 c1 in 9"}));
}

TEST_F(OutboxTest, AWorkersOldAndNewSessionAreNotMixed) {
  confirm(kHorse, 'a', SessionId{9});
  confirm(kHorse, 'b', SessionId{10});
  confirm(kHorse, 'c', SessionId{10});
  EXPECT_EQ(told(), (Lines{"worker 5: confirm a1 in 9", "worker 5: confirm b1 c1 in 10"}));
}

TEST_F(OutboxTest, AClientAndAWorkerOfTheSameNumberAreTwoPeers) {
  accepted(Peer{5}, 1, 'a');
  confirm(Peer{5}, 'a');
  accepted(Peer{5}, 2, 'b');
  confirm(Peer{5}, 'b');
  EXPECT_EQ(told(),
            (Lines{"client 5: accepted 1 [a ready] 2 [b ready]", "worker 5: confirm a1 b1 in 9"}));
}

TEST_F(OutboxTest, AFrameGrowsNoLongerThanItMay) {
  nobody_listens();
  Outbox narrow(store, outlet, 400);
  for (int i = 0; i < 100; ++i) {
    narrow.confirm(kHorse, kSession, {task_named('a'), 1, Errc::ok});
  }
  narrow.release();
  EXPECT_GT(outlet.lines.size(), 3u);
  EXPECT_LE(outlet.largest_frame, 400u);
  std::size_t confirmed = 0;
  for (const auto& line : outlet.lines) {
    confirmed += static_cast<std::size_t>(std::count(line.begin(), line.end(), 'a'));
  }
  EXPECT_EQ(confirmed, 100u) << "none is lost at a seam";
}

TEST_F(OutboxTest, AThingTooLongForAFrameWithOthersLeavesByItself) {
  nobody_listens();
  Outbox narrow(store, outlet, 100);
  narrow.refuse(kAnn, 1, {Errc::internal, std::string(500, 'x')});
  wire::SubmitOutcome outcome;
  outcome.id = task_named('a');
  const std::string warning(200, 'w');
  outcome.warning = warning;
  narrow.accepted(kAnn, {2, {outcome}});
  narrow.accepted(kAnn, {3, {outcome}});
  narrow.release();
  EXPECT_EQ(outlet.lines, (Lines{"client 1: refused 1 INTERNAL", "client 1: accepted 2 [a ready]",
                                 "client 1: accepted 3 [a ready]"}));
}

// --- payloads that must be read

TEST_F(OutboxTest, APayloadThatIsNotInMemoryIsReadAndWhatWasSaidLaterWaitsBehindIt) {
  nobody_listens();
  const auto a = happens('a', RecordKind::created);
  store.cool();
  confirm(kHorse, 'x');
  assign(kHorse, a);
  confirm(kHorse, 'y');
  accepted(kAnn, 1, 'z');
  EXPECT_EQ(store.asked().size(), 1u) << "the read begins at once";
  EXPECT_EQ(told_after_commit(), Lines{"worker 5: confirm x1 in 9"});
  store.bring_all();
  EXPECT_EQ(told(), (Lines{"worker 5: assign a1(aa) in 9", "worker 5: confirm y1 in 9",
                           "client 1: accepted 1 [z ready]"}));
}

TEST_F(OutboxTest, AReadPayloadStillWaitsForTheCommit) {
  nobody_listens();
  const auto a = happens('a', RecordKind::created);
  store.cool();
  assign(kHorse, a);
  store.bring_all();
  EXPECT_EQ(told(), Lines{});
  EXPECT_EQ(told_after_commit(), Lines{"worker 5: assign a1(aa) in 9"});
}

TEST_F(OutboxTest, PayloadsThatArriveInAnotherOrderLeaveInTheOrderInWhichTheyWereSaid) {
  nobody_listens();
  const auto a = happens('a', RecordKind::created), b = happens('b', RecordKind::created);
  const auto c = happens('c', RecordKind::created);
  store.cool();
  for (const auto& where : {a, b, c}) assign(kHorse, where);
  store.commit();
  const auto tickets = store.asked();
  ASSERT_EQ(tickets.size(), 3u);
  store.bring(tickets[2]);
  EXPECT_EQ(told(), Lines{});
  store.bring(tickets[0]);
  EXPECT_EQ(told(), Lines{"worker 5: assign a1(aa) in 9"});
  store.bring(tickets[1]);
  EXPECT_EQ(told(), Lines{"worker 5: assign b1(bb) c1(cc) in 9"});
}

TEST_F(OutboxTest, TicketsStayTrueWhileEarlierThingsLeave) {
  nobody_listens();
  const auto a = happens('a', RecordKind::created), b = happens('b', RecordKind::created);
  store.cool();
  store.commit();
  for (int round = 0; round < 50; ++round) {
    ping(kAnn, 1);
    assign(kHorse, round % 2 == 0 ? a : b);
    ping(kAnn, 2);
    store.bring_all();
    const std::string expected = round % 2 == 0 ? "assign a1(aa)" : "assign b1(bb)";
    // Each peer's frames keep their order; between peers there is none.
    EXPECT_EQ(told(), (Lines{"client 1: answer 1 {}", "client 1: answer 2 {}",
                             "worker 5: " + expected + " in 9"}));
  }
}

TEST_F(OutboxTest, AReadThatFailsStopsTheBrokerAndNothingMoreIsTold) {
  nobody_listens();
  const auto a = happens('a', RecordKind::created);
  store.cool();
  store.commit();
  assign(kHorse, a);
  confirm(kHorse, 'x');
  store.bring(store.asked().front(), [](Fetched& fetched) {
    fetched.code = Errc::io_failed;
    fetched.message = "read of segment-1 failed";
  });
  EXPECT_EQ(told(), Lines{});
  ASSERT_TRUE(outbox.failure());
  EXPECT_EQ(outbox.failure()->code, Errc::io_failed);
  EXPECT_EQ(outbox.failure()->message, "read of segment-1 failed");
  EXPECT_EQ(told(), Lines{}) << "for good";
}

TEST_F(OutboxTest, ARecordThatCannotBeReadBackStopsTheBroker) {
  const auto a = happens('a', RecordKind::created);
  store.cool();
  assign(kHorse, a);
  store.bring(store.asked().front(), [](Fetched& fetched) { fetched.bytes = "\xc1"; });
  told_after_commit();
  ASSERT_TRUE(outbox.failure());
  EXPECT_EQ(outbox.failure()->code, Errc::store_damaged);
}

// --- workers that are not there

TEST_F(OutboxTest, WorkersThatAreNotThereAreReportedOnce) {
  outlet.gone = {5};
  confirm(kHorse, 'a');
  confirm(kMule, 'b');
  EXPECT_EQ(told(), Lines{"worker 6: confirm b1 in 9"});
  EXPECT_EQ(outbox.take_unreachable(), std::vector<Peer>{kHorse});
  EXPECT_TRUE(outbox.take_unreachable().empty());
  outbox.alive(kHorse, kSession);
  EXPECT_EQ(outbox.take_unreachable(), std::vector<Peer>{kHorse}) << "a heartbeat finds it too";
}

TEST_F(OutboxTest, AStrangerOrAClientThatHasGoneDoesNotMatter) {
  outlet.gone = {5};
  outbox.who(kHorse, SessionId{0}, {Errc::session_unknown, "say hello"});
  EXPECT_TRUE(outbox.take_unreachable().empty());
}

// --- events

TEST_F(OutboxTest, WhileNobodyListensNoEventIsMade) {
  nobody_listens();
  happens('a');
  outbox.progress(record_of('a', RecordKind::started), {task_named('a'), 1, 50, "half"});
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(told_after_commit(), Lines{});
  EXPECT_EQ(outbox.published(), 0u);
}

TEST_F(OutboxTest, ProgressIsToldInItsPlaceAmongTheEvents) {
  happens('a', RecordKind::started);
  outbox.progress(record_of('a', RecordKind::started), {task_named('a'), 1, 50, "half"});
  happens('a', RecordKind::completed);
  EXPECT_EQ(told(), Lines{}) << "not before the start it belongs to is durable";
  EXPECT_EQ(told_after_commit(),
            (Lines{"event task.started", "event task.progress", "event task.completed"}));
}

// --- questions that read

TEST_F(OutboxTest, EventsOfAnotherStoreAreRefused) {
  wire::Events question{7, store_named('X'), 0, "", 10};
  outbox.events(kAnn, question, everybody());
  EXPECT_EQ(told(), Lines{"client 1: refused 7 EVENTS_FOREIGN store"});
  question.store = store.id();
  outbox.events(kAnn, question, everybody());
  store.bring_all();
  EXPECT_EQ(told().size(), 1u);
}

TEST_F(OutboxTest, APageOfEventsSaysHowFarItReachedThoughNoneMatched) {
  nobody_listens();
  happens('a', RecordKind::created);
  happens('a', RecordKind::started);
  happens('a', RecordKind::completed);
  store.commit();
  outbox.events(kAnn, {7, std::nullopt, 1, "acme/", 10}, everybody());
  store.bring_all();
  EXPECT_EQ(told(), Lines{"client 1: answer 7 {\"events\": [], \"reached\": 3, \"reached_at\": "
                          "1769846709007, \"store\": "
                          "\"53535353-5353-5353-5353-535353535353\", \"newest\": 3}"});
}

TEST_F(OutboxTest, APageOfEventsHoldsThoseWhoseTopicBeginsWithThePrefix) {
  nobody_listens();
  happens('a', RecordKind::created);
  happens('a', RecordKind::started);
  happens('a', RecordKind::completed);
  store.commit();
  outbox.events(kAnn, {7, std::nullopt, 0, "default/task.started/", 10}, everybody());
  store.bring_all();
  const auto lines = told();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("\"seq\": 2"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("\"task.started\""), std::string::npos);
  EXPECT_EQ(lines[0].find("\"task.created\""), std::string::npos);
  EXPECT_NE(lines[0].find("\"reached\": 3"), std::string::npos);
}

TEST_F(OutboxTest, AnEmptyPageReachesNothing) {
  outbox.events(kAnn, {7, std::nullopt, 0, "", 10}, everybody());
  store.bring_all();
  EXPECT_EQ(told(), Lines{"client 1: answer 7 {\"events\": [], \"reached\": null, \"store\": "
                          "\"53535353-5353-5353-5353-535353535353\", \"newest\": 0}"});
}

TEST_F(OutboxTest, APageHasOneToAThousandEvents) {
  for (const auto& [asked, given] : {std::pair{0u, 1u}, {1u, 1u}, {1000u, 1000u}, {5000u, 1000u}}) {
    outbox.events(kAnn, {7, std::nullopt, 0, "", asked}, everybody());
    EXPECT_EQ(store.events_asked, given);
  }
}

TEST_F(OutboxTest, EventsThatAreNoLongerKeptAreRefusedAndTheBrokerGoesOn) {
  store.oldest = 100;
  outbox.events(kAnn, {7, std::nullopt, 5, "", 10}, everybody());
  store.bring_all();
  EXPECT_EQ(told(), Lines{"client 1: refused 7 EVENTS_TRIMMED since"});
  EXPECT_FALSE(outbox.failure());
}

TEST_F(OutboxTest, AnEventThatCannotBeReadStopsTheBroker) {
  nobody_listens();
  happens('a', RecordKind::created);
  store.commit();
  outbox.events(kAnn, {7, std::nullopt, 0, "", 10}, everybody());
  store.bring(store.asked().front(), [](Fetched& fetched) { fetched.events.at(0).bytes = "\x90"; });
  EXPECT_EQ(told(), Lines{});
  ASSERT_TRUE(outbox.failure());
  EXPECT_EQ(outbox.failure()->code, Errc::store_damaged);
  EXPECT_NE(outbox.failure()->message.find("event 1"), std::string::npos) << "says which";
}

TEST_F(OutboxTest, AWaitThatIsOverWithoutAnEndIsRefusedAndOneThatEndedIsAnsweredWithTheTask) {
  nobody_listens();
  outbox.wait_over(kAnn, 7, task_named('a'), false);
  EXPECT_EQ(told(), Lines{"client 1: refused 7 WAIT_TIMED_OUT"});

  const TaskSpec spec = [] {
    TaskSpec s;
    Random random(1);
    s.id = make_task_id(kThen, "default", random);
    s.type = "work";
    s.payload = "{\"x\":1}";
    return s;
  }();
  std::string bytes;
  wire::encode_task(spec, bytes);
  ASSERT_TRUE(core.submit({spec, bytes, {}}, kThen, outbox));
  store.cool();
  ASSERT_TRUE(core.wait(kBob, 8, spec.id, 10s, kThen, outbox));
  ASSERT_TRUE(core.cancel(spec.id, kThen, outbox));
  EXPECT_EQ(told_after_commit(), Lines{}) << "the payload is being read";
  store.bring_all();
  const auto lines = told();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("client 2: answer 8 {\"id\": ")) << lines[0];
  EXPECT_NE(lines[0].find("\"state\": \"cancelled\""), std::string::npos);
  EXPECT_NE(lines[0].find("\"payload\": b\"{\\\"x\\\":1}\""), std::string::npos) << lines[0];
}

TEST_F(OutboxTest, WhatTheCoreForgetsTheStoreMayForget) {
  const auto where = happens('a', RecordKind::created);
  outbox.forget(where);
  EXPECT_EQ(store.forgotten, std::vector<Locator>{where});
}

}  // namespace
}  // namespace drover::broker::testing
