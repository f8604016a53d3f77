#include "tests/unit/workers/core/worker_session.hpp"

namespace drover::workers::testing {
namespace {

AttemptEnd failure(std::string code, bool retryable = true) {
  AttemptEnd end;
  end.outcome = Outcome::failed;
  end.error = {std::move(code), "it went wrong", retryable};
  return end;
}

// --- hello and welcome

TEST_F(WorkerSession, AWorkerSaysHelloAgainAndAgainMoreSlowlyUntilItIsWelcome) {
  open(1, 0, /*welcomed=*/false);
  pass(2s);
  const auto early = count("hello");
  EXPECT_GE(early, 3U);
  pass(60s);
  const auto later = count("hello") - early;
  EXPECT_GE(later, 12U);  // 2.5 to 5 s apart
  EXPECT_LE(later, 26U);

  welcome(7);
  said();
  pass(20s);
  EXPECT_EQ(count("hello"), 0U);
}

TEST_F(WorkerSession, TwoWorkersDoNotSayHelloInStep) {
  NotebookSink other_sink;
  WorkerCore other({}, {}, Random(2), other_sink);
  open(1, 0, /*welcomed=*/false);
  other.advance(now);
  EXPECT_NE(core->next_deadline(), other.next_deadline());
}

TEST_F(WorkerSession, AnAttemptGoesFromAssignToConfirm) {
  open(2);
  assign("a");
  EXPECT_EQ(said(), Lines{"start a1"});
  finish(hold('a'));
  EXPECT_EQ(said(), Lines{"done a1 session 7"});
  EXPECT_EQ(core->held(), 1U);
  confirm(hold('a'));
  EXPECT_EQ(core->held(), 0U);
  pass(4s);
  EXPECT_EQ(said(), Lines{});
}

TEST_F(WorkerSession, AQuietWorkerListsAllItHoldsEveryHeartbeat) {
  open(2, 1);
  assign("abc");
  finish(hold('a'));  // ended without a confirm; b runs, c has its slot
  said();
  pass(5s);
  EXPECT_EQ(said(), (Lines{"done a1 session 7"}));  // repeated; and any message is a heartbeat
  pass(5s);
  EXPECT_EQ(said(), (Lines{"done a1 session 7", "heartbeat [a1 b1 c1] session 7"}));
}

TEST_F(WorkerSession, AWorkerThatIsNeverQuietStillListsItsHoldsNowAndThen) {
  open(1);
  assign("a");
  for (int second = 0; second < 20; ++second) {
    core->progress(hold('a'), 1, "", now);
    pass(1s);
  }
  EXPECT_EQ(count("heartbeat [a1]"), 2U);
}

// --- results

TEST_F(WorkerSession, AResultIsRepeatedEveryHeartbeatUntilItIsConfirmed) {
  open(1);
  assign("a");
  finish(hold('a'));
  said();
  pass(15s);
  EXPECT_EQ(count("done a1"), 3U);
  confirm(hold('a'));
  said();
  pass(15s);
  EXPECT_EQ(count("done a1"), 0U);
}

TEST_F(WorkerSession, WhateverTheConfirmSaysTheResultIsForgotten) {
  open(5);
  assign("abcde");
  const std::pair<char, Errc> verdicts[] = {{'a', Errc::ok},
                                            {'b', Errc::stale_lease},
                                            {'c', Errc::cancelled},
                                            {'d', Errc::not_found},
                                            {'e', Errc::result_too_large}};
  for (const auto& [task, code] : verdicts) {
    finish(hold(task));
    confirm(hold(task), code);
  }
  EXPECT_EQ(core->held(), 0U);
}

TEST_F(WorkerSession, AFailureTellsItsCodeAndWhetherToRetry) {
  open(2);
  assign("ab");
  said();
  finish(hold('a'), failure("RATE_LIMITED"));
  finish(hold('b'), failure("BAD_PAYLOAD", false));
  EXPECT_EQ(said(), (Lines{"failed a1 failed RATE_LIMITED session 7",
                           "failed b1 failed BAD_PAYLOAD fatal session 7"}));
}

TEST_F(WorkerSession, AResultAboveTheLimitIsAFatalFailureThatKeepsItsBeginning) {
  result_max = 1000;
  open(1);
  assign("a");
  AttemptEnd end;
  end.result = std::string(1001, 'x');
  said();
  finish(hold('a'), end);
  EXPECT_EQ(said(), Lines{"failed a1 failed RESULT_TOO_LARGE fatal session 7"});
  EXPECT_TRUE(sink.messages["RESULT_TOO_LARGE"].starts_with("the result has 1001 bytes"));
  EXPECT_TRUE(sink.messages["RESULT_TOO_LARGE"].ends_with("xxx"));
}

TEST_F(WorkerSession, ResultsThatDoNotShareAFrameGoInSeveral) {
  result_max = 2 * 1024 * 1024;  // above message_max: the smaller bound counts
  open(10);
  assign("abcdefghij");
  AttemptEnd end;
  end.result = std::string(400 * 1024, 'x');
  for (const char task : std::string("abcdefghi")) core->finished(hold(task), end, now);
  end.result = std::string(1024 * 1024, 'x');
  core->finished(hold('j'), end, now);
  core->advance(now);
  EXPECT_EQ(count("done"), 9U);
  EXPECT_EQ(count("failed j1 failed RESULT_TOO_LARGE fatal"), 1U);
  EXPECT_LE(sink.largest_frame, 1024U * 1024);
  EXPECT_GE(sink.largest_frame, 800U * 1024);
}

TEST_F(WorkerSession, TextsOfHandlersReachTheBrokerAsUtf8WithinTheirBounds) {
  open(1);
  assign("a");
  AttemptEnd end = failure(std::string(100, 'C'));
  end.error.message = "bad \xff byte" + std::string(10'000, 'm');
  finish(hold('a'), end);
  const auto& [code, message] = *sink.messages.begin();
  EXPECT_EQ(code, std::string(64, 'C'));
  EXPECT_EQ(message.size(), 8U * 1024);
  EXPECT_TRUE(message.starts_with("bad \xef\xbf\xbd byte"));
}

TEST_F(WorkerSession, ProgressIsGatheredAndTheNewestIsTold) {
  open(1);
  assign("a");
  said();
  for (std::uint32_t percent = 1; percent <= 10; ++percent) {
    core->progress(hold('a'), percent, "step", now);
    core->advance(now);
  }
  pass(50ms);
  EXPECT_EQ(said(), (Lines{"progress a1 1 step", "progress a1 10 step"}));
  finish(hold('a'));
  core->progress(hold('a'), 99, "too late", now);
  pass(1s);
  EXPECT_EQ(said(), Lines{"done a1 session 7"});
}

// --- slots and the window

TEST_F(WorkerSession, PrefetchedAttemptsWaitForASlotByPriorityThenArrival) {
  open(1, 4);
  assign("a");
  assign("b", {.priority = Priority::low});
  assign("cd");
  assign("e", {.priority = Priority::critical});
  for (const char task : std::string("aecd")) finish(hold(task));
  std::erase_if(sink.lines, [](const auto& line) { return !line.starts_with("start"); });
  EXPECT_EQ(said(), (Lines{"start a1", "start e1", "start c1", "start d1", "start b1"}));
}

TEST_F(WorkerSession, WhatComesBeyondTheWindowIsGivenBack) {
  open(1, 1);
  assign("abc");
  // The broker believes in room that is not there: it is told what the worker holds.
  EXPECT_EQ(said(),
            (Lines{"start a1", "released [c1] session 7", "heartbeat [a1 b1 c1] session 7"}));
}

TEST_F(WorkerSession, AnAssignThatComesTwiceIsRunOnce) {
  open(4);
  assign("a");
  assign("a");
  finish(hold('a'));
  assign("a");
  confirm(hold('a'));
  assign("a");
  EXPECT_EQ(said(), (Lines{"start a1", "done a1 session 7"}));
}

TEST_F(WorkerSession, ATaskThatCannotBeReadIsAnsweredNotIgnored) {
  open(1);
  wire::Assign message{current, {}};
  std::string array;  // an id, then something that is no task
  wire::Writer(array).array(2).id(task_named('a')).nil();
  wire::Assign::Item item;
  item.attempt = 1;
  item.tenant = item.queue = "default";
  item.task = array;
  message.items.push_back(item);
  order(message);
  EXPECT_EQ(said(), Lines{"failed a1 failed MALFORMED session 7"});
}

TEST_F(WorkerSession, ANewerAttemptOfATaskTakesThePlaceOfTheOlder) {
  open(2);
  assign("a");
  assign("a", {.attempt = 2});
  EXPECT_EQ(said(), (Lines{"start a1", "cancel a1 dropped 3s750ms", "start a2"}));
  finish(hold('a', 1));
  EXPECT_EQ(said(), Lines{});  // nothing is reported of the older one
  assign("a", {.attempt = 1});
  EXPECT_EQ(said(), Lines{});
}

// --- cancel and time

TEST_F(WorkerSession, ACancelledAttemptIsReportedStoppedWhateverItsHandlerSays) {
  open(1);
  assign("a");
  cancel(hold('a'));
  EXPECT_EQ(said(), (Lines{"start a1", "cancel a1 cancelled 3s"}));
  finish(hold('a'));  // the command met SIGTERM with exit 0
  EXPECT_EQ(said(), Lines{"failed a1 stopped CANCELLED fatal session 7"});
}

TEST_F(WorkerSession, ACancelledAttemptThatHasNotBegunNeverBegins) {
  open(1, 1);
  assign("ab");
  cancel(hold('b'));
  finish(hold('a'));
  EXPECT_EQ(said(), (Lines{"start a1", "failed b1 stopped CANCELLED fatal session 7",
                           "done a1 session 7"}));
}

TEST_F(WorkerSession, ACancelOfWhatIsNotHereIsAnsweredToo) {
  open(1);
  cancel(hold('z'));
  EXPECT_EQ(said(), Lines{"failed z1 stopped CANCELLED fatal session 7"});
}

TEST_F(WorkerSession, AnAttemptThatRunsTooLongIsStoppedAndReportedTimedOut) {
  open(1);
  assign("a", {.timeout = 2s});
  said();
  pass(1999ms);
  EXPECT_EQ(said(), Lines{});
  pass(1ms);
  EXPECT_EQ(said(), Lines{"cancel a1 timed_out 3s750ms"});
  finish(hold('a'), failure("EXEC_FAILED"));
  EXPECT_EQ(said(), Lines{"failed a1 timed_out TIMED_OUT session 7"});
  EXPECT_EQ(sink.messages["TIMED_OUT"], "the attempt ran longer than 2s: it went wrong");
}

TEST_F(WorkerSession, TheTimeoutRunsFromReceiptAndWhatNeverBeganIsGivenBackUncharged) {
  open(1, 1);
  assign("a");
  assign("b", {.timeout = 3s});
  said();
  pass(3s);
  EXPECT_EQ(said(), Lines{"released [b1] session 7"});
}

TEST_F(WorkerSession, AHandlerThatDoesNotReturnIsReportedInTimeAndKeepsItsSlot) {
  open(2);
  assign("a");
  cancel(hold('a'), 8s);
  said();
  pass(7s);  // seven eighths of the grace
  ASSERT_GE(sink.lines.size(), 1U);
  EXPECT_EQ(count("failed a1 stopped CANCELLED"), 1U);
  pass(1s);
  EXPECT_GE(count("hello [a1]"), 1U);
  EXPECT_EQ(sink.window, 1U);  // the broker is told of one slot less

  welcome(8);
  confirm(hold('a'));
  said();
  finish(hold('a'));  // it returns after all: nothing is reported, the slot is back
  EXPECT_EQ(count("done"), 0U);
  pass(1s);
  EXPECT_GE(count("hello []"), 1U);
  EXPECT_EQ(sink.window, 2U);
}

TEST_F(WorkerSession, AWorkerWithoutASlotLeftTakesNothingUntilAHandlerReturns) {
  open(1);
  assign("a");
  cancel(hold('a'), 1s);
  said();
  pass(1s);
  EXPECT_EQ(said(),
            (Lines{"failed a1 stopped CANCELLED fatal session 7", "draining [a1] session 7"}));
  confirm(hold('a'));
  assign("b");
  EXPECT_EQ(said(), (Lines{"released [b1] session 7", "draining [b1] session 7"}));
  confirm(hold('b'));

  finish(hold('a'));
  pass(500ms);
  EXPECT_EQ(said().front(), "hello []");
  welcome(8);
  assign("c");
  EXPECT_EQ(count("start c1"), 1U);
  pass(5s);
  EXPECT_EQ(count("heartbeat [c1] session 8"), 1U);
}

// --- the broker goes and comes

TEST_F(WorkerSession, ASilentBrokerIsGreetedAgainWithAllThatIsHeld) {
  open(2, 1);
  assign("abc");
  finish(hold('a'));
  said();
  pass(14s, /*broker_there=*/false);
  EXPECT_EQ(count("hello"), 0U);
  pass(2s, false);
  EXPECT_GE(count("hello [a1 b1 c1]"), 1U);
  EXPECT_EQ(count("cancel"), 0U);  // what runs, runs on
}

TEST_F(WorkerSession, ResultsOfAnAbsentBrokersTasksAreKeptAndToldAtOnceAfterTheNextWelcome) {
  open(3);
  assign("abc", {.timeout = 1h});
  pass(20s, false);
  said();
  finish(hold('a'));
  finish(hold('b'), failure("X"));
  pass(10min, false);
  EXPECT_EQ(count("done"), 0U);
  EXPECT_GE(count("hello [a1 b1 c1]"), 100U);

  said();
  welcome(8);
  EXPECT_EQ(said(), (Lines{"done a1 session 8", "failed b1 failed X session 8"}));
}

TEST_F(WorkerSession, AHelloThatNobodyTookIsSaidAgainAsSoonAsThereIsAConnection) {
  open(1, 0, /*welcomed=*/false);
  core->connected(now);
  core->advance(now);
  EXPECT_EQ(said(), Lines{"hello []"});
}

TEST_F(WorkerSession, ANewConnectionInASessionIsToldTheBrokerAtOnceWithWhatMayBeLost) {
  open(2);
  assign("ab");
  finish(hold('a'));
  said();
  core->connected(now);
  core->advance(now);
  EXPECT_EQ(said(), (Lines{"done a1 session 7"}));
  confirm(hold('a'));
  core->connected(now);
  core->advance(now);
  EXPECT_EQ(said(), (Lines{"heartbeat [b1] session 7"}));
}

TEST_F(WorkerSession, AnUnknownSessionMeansHelloAndAnUnconfirmedResultFollowsTheWelcome) {
  open(2);
  assign("ab");
  finish(hold('a'));
  said();
  order(wire::Who{current, Errc::session_unknown, ""});
  pass(500ms);
  EXPECT_EQ(said().front(), "hello [a1 b1]");
  welcome(8);
  EXPECT_EQ(said(), Lines{"done a1 session 8"});
}

TEST_F(WorkerSession, AWhoAboutAnEarlierSessionIsNoReasonToLeaveThisOne) {
  open(1);
  welcome(8);
  said();
  order(wire::Who{SessionId{7}, Errc::session_unknown, ""});
  EXPECT_TRUE(core->serving());
}

TEST_F(WorkerSession, HoldsThatTheBrokerDropsAreStoppedAndForgotten) {
  open(3, 1);
  assign("abcd");
  finish(hold('a'));  // d starts
  order(wire::Who{current, Errc::session_unknown, ""});
  said();
  welcome(8, {{task_named('a'), 1, Errc::stale_lease}, {task_named('b'), 1, Errc::not_found}});
  EXPECT_EQ(said(), Lines{"cancel b1 dropped 3s750ms"});
  finish(hold('b'));
  EXPECT_EQ(said(), Lines{});
  pass(5s);
  EXPECT_EQ(said(), Lines{"heartbeat [c1 d1] session 8"});
}

TEST_F(WorkerSession, AnAssignOfAnotherSessionIsNotRun) {
  open(1);
  order(wire::Who{current, Errc::session_unknown, ""});
  assign("a");  // of the session that is gone: the hello without it gives it back
  welcome(8);
  EXPECT_EQ(count("start"), 0U);
}

TEST_F(WorkerSession, AConfirmOfAnotherSessionIsTrueAllTheSame) {
  open(1);
  assign("a");
  finish(hold('a'));
  order(wire::Who{current, Errc::session_unknown, ""});
  confirm(hold('a'));
  EXPECT_EQ(core->held(), 0U);
}

TEST_F(WorkerSession, ABrokerThatWillNeverHaveTheWorkerEndsIt) {
  open(1);
  assign("a");
  said();
  order(wire::Who{current, Errc::forbidden, "no key"});
  EXPECT_EQ(said(), Lines{"cancel a1 released 3s750ms"});
  finish(hold('a'));
  EXPECT_EQ(said(), Lines{"stopped FORBIDDEN"});
  EXPECT_EQ(core->next_deadline(), kNever);
}

TEST_F(WorkerSession, ABrokerThatIsBusyIsAskedAgain) {
  open(1, 0, /*welcomed=*/false);
  order(wire::Who{SessionId{}, Errc::resource_exhausted, "too many workers"});
  pass(10s);
  EXPECT_GE(count("hello"), 2U);
}

}  // namespace
}  // namespace drover::workers::testing
