#include "tests/unit/broker/core/core_test.hpp"

namespace drover::broker {
namespace {

using AttemptsTest = CoreTest;

TEST_F(AttemptsTest, ATaskIsSubmittedLeasedAndCompleted) {
  const auto session = hello(1);
  const auto id = submit();
  const auto a = dispatch().at(0);
  EXPECT_EQ(a.attempt, 1U);
  EXPECT_EQ(state(id), TaskState::running);
  EXPECT_EQ(done(1, session, a, "42"), Errc::ok);
  EXPECT_EQ(state(id), TaskState::completed);
  EXPECT_EQ(view(id).attempts.size(), 1U);
  EXPECT_EQ(kinds(), (std::vector{RecordKind::worker_joined, RecordKind::created,
                                  RecordKind::started, RecordKind::completed}));
  expect_books_balance();
}

TEST_F(AttemptsTest, AResultToldTwiceIsConfirmedTwiceAndCountedOnce) {
  const auto session = hello(1);
  submit();
  const auto a = dispatch().at(0);
  EXPECT_EQ(done(1, session, a), Errc::ok);
  EXPECT_EQ(done(1, session, a), Errc::ok);
  EXPECT_EQ(count(RecordKind::completed), 1U);
}

TEST_F(AttemptsTest, AWorkerThatComesBackLateCannotFinishATaskLeasedAgain) {
  const auto first_session = hello(1);
  const auto id = submit();
  const auto first = dispatch().at(0);
  pass(16s);  // the first worker is silent
  const auto second_session = hello(2);
  const auto second = dispatch().at(0);
  EXPECT_EQ(second.attempt, 2U);

  EXPECT_EQ(done(1, first_session, first), Errc::internal);  // not even a verdict:
  EXPECT_EQ(strangers_, std::vector{Errc::session_unknown});
  hello(1, 1, {"work"}, {{id, 1}});
  ASSERT_EQ(welcomes_.back().drop.size(), 1U);
  EXPECT_EQ(welcomes_.back().drop[0].code, Errc::stale_lease);
  EXPECT_EQ(done(1, welcomes_.back().session, first), Errc::stale_lease);
  EXPECT_EQ(state(id), TaskState::running);
  EXPECT_EQ(done(2, second_session, second), Errc::ok);
  EXPECT_EQ(state(id), TaskState::completed);
}

TEST_F(AttemptsTest, AFailedAttemptIsTriedAgainAfterTheDelayThatWasDrawn) {
  const auto session = hello(1);
  const auto id = submit();
  EXPECT_EQ(failed(1, session, dispatch().at(0)), Errc::ok);
  EXPECT_EQ(state(id), TaskState::retrying);
  const auto due = view(id).due_at;
  EXPECT_LE(due, now_ + 1s);
  restart();
  EXPECT_EQ(view(id).due_at, due);
}

TEST_F(AttemptsTest, AfterMaxAttemptsFailuresTheTaskIsDeadWithItsWholeHistory) {
  const auto session = hello(1);
  const auto id = submit({.max_attempts = 3});
  for (int i = 0; i < 3; ++i) {
    pass(10s);
    heartbeat(1, session, {});
    failed(1, session, dispatch().at(0));
  }
  EXPECT_EQ(state(id), TaskState::dead);
  EXPECT_EQ(view(id).reason, "attempts");
  EXPECT_EQ(view(id).attempts.size(), 3U);
  const auto k = kinds();
  EXPECT_EQ(k[k.size() - 2], RecordKind::failed);
  EXPECT_EQ(k.back(), RecordKind::dead);
  restart();
  EXPECT_EQ(view(id).attempts.size(), 3U);
  EXPECT_EQ(view(id).attempts[1].error.message, "it broke");
  expect_books_balance();
}

TEST_F(AttemptsTest, AFatalErrorIsNotTriedAgain) {
  const auto session = hello(1);
  const auto id = submit();
  failed(1, session, dispatch().at(0), /*retryable=*/false);
  EXPECT_EQ(state(id), TaskState::dead);
  EXPECT_EQ(view(id).reason, "fatal");
}

TEST_F(AttemptsTest, ADeadTaskRetriedRunsAgainWithItsHistoryAndAHigherAttemptNumber) {
  const auto session = hello(1);
  const auto id = submit({.max_attempts = 1});
  failed(1, session, dispatch().at(0));
  ASSERT_EQ(state(id), TaskState::dead);
  EXPECT_EQ(*core_->retry(id, now_, *this), TaskState::ready);
  const auto again = dispatch().at(0);
  EXPECT_EQ(again.attempt, 2U);
  EXPECT_EQ(view(id).failures, 0U);
  EXPECT_EQ(view(id).attempts.size(), 2U);
  EXPECT_EQ(done(1, session, again), Errc::ok);
  restart();
  EXPECT_EQ(view(id).attempts.size(), 2U);
  EXPECT_EQ(view(id).attempts[0].outcome, Outcome::failed);
  EXPECT_EQ(view(id).attempts[1].outcome, Outcome::completed);
  expect_books_balance();
}

TEST_F(AttemptsTest, ARetryingTaskCanBeTriedNow) {
  const auto session = hello(1);
  const auto id = submit();
  failed(1, session, dispatch().at(0));
  EXPECT_TRUE(core_->retry(id, now_, *this));
  EXPECT_EQ(dispatch().at(0).task, id);
}

TEST_F(AttemptsTest, WorkGivenBackIsNotCharged) {
  const auto session = hello(1);
  const auto id = submit({.max_attempts = 1});
  EXPECT_EQ(released(1, session, dispatch().at(0)), Errc::ok);
  EXPECT_EQ(state(id), TaskState::ready);
  EXPECT_EQ(view(id).failures, 0U);
  EXPECT_EQ(view(id).attempts.at(0).outcome, Outcome::released);
}

TEST_F(AttemptsTest, AWorkerThatGaveWorkBackGetsNoMoreBeforeItsNextHeartbeat) {
  const auto session = hello(1);
  submit();
  released(1, session, dispatch().at(0));
  EXPECT_TRUE(dispatch().empty());  // it may be draining, and its word on the way
  heartbeat(1, session, {});
  EXPECT_EQ(dispatch().size(), 1U);
}

TEST_F(AttemptsTest, ALostWorkerUsesUpNoAttemptsButAPoisonTaskIsDeadOnTheThirdStrike) {
  const auto id = submit({.max_attempts = 1});
  for (int worker = 1; worker <= 2; ++worker) {
    hello(worker);
    ASSERT_EQ(dispatch().size(), 1U);
    pass(16s);
    EXPECT_EQ(state(id), TaskState::ready);
    EXPECT_EQ(view(id).failures, 0U);
  }
  hello(3);
  ASSERT_EQ(dispatch().size(), 1U);
  pass(16s);
  EXPECT_EQ(state(id), TaskState::dead);
  EXPECT_EQ(view(id).reason, "poison");
  EXPECT_EQ(view(id).attempts.size(), 3U);
}

TEST_F(AttemptsTest, TheLastStrikeRunsAloneSoThatANeighbourIsNeverTakenForTheCulprit) {
  const auto suspect = submit();
  for (int worker = 1; worker <= 2; ++worker) {
    hello(worker);
    dispatch();
    pass(16s);
  }
  const auto session = hello(3, 4);
  const auto neighbour = submit({.priority = Priority::critical});
  const auto leased = dispatch();
  ASSERT_EQ(leased.size(), 1U);  // the suspect waits until the worker holds nothing
  EXPECT_EQ(leased[0].task, neighbour);
  submit();
  EXPECT_TRUE(dispatch().empty());  // and nobody else joins it
  EXPECT_EQ(done(3, session, leased[0]), Errc::ok);
  EXPECT_EQ(state(suspect), TaskState::running);
  EXPECT_TRUE(dispatch().empty());
  EXPECT_EQ(done(3, session, {peer(3), session, suspect, 3}), Errc::ok);
  EXPECT_EQ(dispatch().size(), 1U);
}

TEST_F(AttemptsTest, AnAttemptThatOverrunsIsTimedOutByTheBrokerAndItsSlotStaysTaken) {
  const auto session = hello(1);
  const auto id = submit({.timeout = 10s});
  const auto a = dispatch().at(0);
  for (int i = 0; i < 16; ++i) {
    pass(1s);
    heartbeat(1, session, {{id, 1}});
  }
  EXPECT_NE(state(id), TaskState::running);
  EXPECT_EQ(view(id).attempts.at(0).outcome, Outcome::timed_out);
  EXPECT_EQ(cancelled_.size(), 1U);
  submit();
  EXPECT_TRUE(dispatch().empty());  // the stuck handler still has the slot
  EXPECT_EQ(done(1, session, a), Errc::stale_lease);
  EXPECT_EQ(dispatch().size(), 1U);
}

TEST_F(AttemptsTest,
       ACancelledRunningTaskIsCancelledAtOnceAndItsSlotIsFreeWhenTheWorkerHasStopped) {
  const auto session = hello(1);
  const auto id = submit();
  const auto a = dispatch().at(0);
  EXPECT_EQ(*core_->cancel(id, now_, *this), TaskState::cancelled);
  ASSERT_EQ(cancelled_.size(), 1U);
  EXPECT_EQ(cancelled_[0].verdict.task, id);
  submit();
  EXPECT_TRUE(dispatch().empty());
  EXPECT_EQ(failed(1, session, a, false, Outcome::stopped), Errc::cancelled);
  EXPECT_EQ(dispatch().size(), 1U);
  EXPECT_EQ(view(id).attempts.at(0).outcome, Outcome::stopped);
  EXPECT_EQ(count(RecordKind::stopped), 1U);
  expect_books_balance();
}

TEST_F(AttemptsTest, AResultThatWasJournaledBeforeTheCancelWins) {
  const auto session = hello(1);
  const auto id = submit();
  done(1, session, dispatch().at(0));
  const auto answer = core_->cancel(id, now_, *this);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::wrong_state);
  EXPECT_EQ(state(id), TaskState::completed);
}

TEST_F(AttemptsTest, AWorkerThatNeverStopsGetsItsSlotBackAfterTheGrace) {
  const auto session = hello(1);
  const auto id = submit();
  dispatch();
  EXPECT_TRUE(core_->cancel(id, now_, *this));
  for (int i = 0; i < 7; ++i) {
    pass(1s);
    heartbeat(1, session, {{id, 1}});
  }
  submit();
  EXPECT_EQ(dispatch().size(), 1U);
}

TEST_F(AttemptsTest, AnOverLargeResultIsFatalAndKeepsItsBeginning) {
  options_.limits.result_max = 100;
  make_core();
  const auto session = hello(1);
  const auto id = submit();
  EXPECT_EQ(done(1, session, dispatch().at(0), std::string(101, 'x')), Errc::result_too_large);
  EXPECT_EQ(state(id), TaskState::dead);
  EXPECT_EQ(view(id).attempts.at(0).error.code, "RESULT_TOO_LARGE");
}

TEST_F(AttemptsTest, AnOverLargeResultThatIsNoTextDoesNotSpoilTheJournal) {
  options_.limits.result_max = 100;
  make_core();
  const auto session = hello(1);
  const auto id = submit();
  EXPECT_EQ(done(1, session, dispatch().at(0), std::string(10'000, '\xff')),
            Errc::result_too_large);
  restart();
  EXPECT_EQ(state(id), TaskState::dead);
  EXPECT_LE(view(id).attempts.at(0).error.message.size(), kErrorTextMax);
}

}  // namespace
}  // namespace drover::broker
