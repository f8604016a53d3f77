#include "tests/unit/broker/core/core_test.hpp"

namespace drover::broker {
namespace {

using WorkersTest = CoreTest;

TEST_F(WorkersTest, ALeaseThatTwoHeartbeatsInARowLeaveOutIsGivenBackUncharged) {
  const auto session = hello(1);
  const auto id = submit();
  dispatch();
  heartbeat(1, session, {});
  EXPECT_EQ(state(id), TaskState::running);  // the assign may have crossed the heartbeat
  heartbeat(1, session, {});
  EXPECT_EQ(state(id), TaskState::ready);
  EXPECT_EQ(view(id).attempts.at(0).outcome, Outcome::not_started);
  EXPECT_EQ(view(id).failures, 0U);
}

TEST_F(WorkersTest, AHeartbeatThatListsTheLeaseKeepsIt) {
  const auto session = hello(1);
  const auto id = submit();
  dispatch();
  for (int i = 0; i < 10; ++i) {
    heartbeat(1, session, {});
    heartbeat(1, session, {{id, 1}});
  }
  EXPECT_EQ(state(id), TaskState::running);
}

TEST_F(WorkersTest, ALeaseWhoseAssignHasNotLeftIsNotMissed) {
  const auto session = hello(1);
  const auto id = submit();
  dispatch();
  for (int i = 0; i < 5; ++i) {
    core_->heartbeat(peer(1), {session, false, {}}, now_, *this);  // nothing is durable yet
  }
  EXPECT_EQ(state(id), TaskState::running);
}

TEST_F(WorkersTest, AHelloThatIsRepeatedWhileItsWelcomeWaitsForTheDiskKeepsSessionAndLeases) {
  const auto session = hello(1);
  core_->set_told_seq(0);  // that the worker has joined is not durable yet
  const auto id = submit();
  dispatch();
  core_->set_told_seq(0);
  wire::Hello again;
  again.worker = worker_id(1);
  again.types = {"work"};
  again.slots = again.window = 1;
  for (int i = 0; i < 5; ++i) core_->hello(peer(1), again, now_, *this);
  EXPECT_EQ(welcomes_.back().session, session);
  EXPECT_EQ(state(id), TaskState::running);
  EXPECT_EQ(done(1, session, {peer(1), session, id, 1}), Errc::ok);

  core_->hello(peer(2), again, now_, *this);  // what was said to the first connection is lost
  EXPECT_NE(welcomes_.back().session, session);
}

TEST_F(WorkersTest, AWorkerThatSaysHelloAgainKeepsWhatItStillHolds) {
  hello(1, 2);
  const auto kept = submit();
  const auto lost = submit();
  dispatch();
  const auto session = hello(1, 2, {"work"}, {{kept, 1}});
  EXPECT_TRUE(welcomes_.back().drop.empty());
  EXPECT_EQ(state(kept), TaskState::running);
  EXPECT_EQ(state(lost), TaskState::ready);
  EXPECT_EQ(done(1, session, {peer(1), session, kept, 1}), Errc::ok);
  EXPECT_EQ(count(RecordKind::worker_joined), 1U);
}

TEST_F(WorkersTest, AfterARestartLeasesWaitForTheirWorkerToSayHello) {
  hello(1, 2);
  const auto held = submit();
  const auto gone = submit();
  dispatch();
  restart();
  hello(2, 4);
  EXPECT_TRUE(dispatch().empty());  // nobody else gets them during the grace
  pass(10s);
  const auto session = hello(1, 2, {"work"}, {{held, 1}});
  EXPECT_EQ(done(1, session, {peer(1), session, held, 1}), Errc::ok);
  pass(21s);
  EXPECT_EQ(state(gone), TaskState::ready);
  EXPECT_EQ(view(gone).attempts.at(0).outcome, Outcome::worker_lost);
  EXPECT_EQ(view(gone).failures, 0U);
}

TEST_F(WorkersTest, AStrangersMessageIsAnsweredWithWhoAreYou) {
  const auto id = submit();
  done(1, SessionId{99}, {peer(1), SessionId{99}, id, 1});
  EXPECT_EQ(strangers_, std::vector{Errc::session_unknown});
}

TEST_F(WorkersTest, ASilentWorkerLosesItsLeasesAndATalkingOneDoesNot) {
  const auto session = hello(1);
  const auto id = submit();
  dispatch();
  for (int i = 0; i < 20; ++i) {
    pass(5s);
    heartbeat(1, session, {{id, 1}});
  }
  EXPECT_EQ(state(id), TaskState::running);
  pass(16s);
  EXPECT_EQ(state(id), TaskState::ready);
  EXPECT_TRUE(core_->workers().empty());
  EXPECT_EQ(count(RecordKind::worker_left), 1U);
}

TEST_F(WorkersTest, AQuietBrokerTellsItsWorkersThatItIsThere) {
  const auto session = hello(1);
  for (int i = 0; i < 3; ++i) {
    pass(5s);
    heartbeat(1, session, {});
  }
  EXPECT_GE(alive_, 2);
}

TEST_F(WorkersTest, AfterAStandstillNobodyIsJudgedBeforeHeHadTimeToSpeak) {
  const auto session = hello(1);
  const auto id = submit({.timeout = 1s});
  dispatch();
  now_ += 60s;
  core_->listen_again(now_);
  core_->advance(now_, *this);
  EXPECT_EQ(state(id), TaskState::running);
  EXPECT_EQ(done(1, session, {peer(1), session, id, 1}), Errc::ok);
}

TEST_F(WorkersTest, AWorkerThatCannotBeReachedForAHeartbeatLosesItsLeases) {
  hello(1);
  const auto id = submit();
  dispatch();
  core_->unreachable(peer(1), now_, *this);
  core_->unreachable(peer(1), now_, *this);  // a second frame of the same moment says no more
  EXPECT_EQ(state(id), TaskState::running);
  pass(5s);
  core_->unreachable(peer(1), now_, *this);
  EXPECT_EQ(state(id), TaskState::ready);
}

TEST_F(WorkersTest, AWorkerThatIsHeardAgainWasOnlyReconnecting) {
  const auto session = hello(1);
  const auto id = submit();
  dispatch();
  core_->unreachable(peer(1), now_, *this);
  pass(4s);
  heartbeat(1, session, {{id, 1}});
  pass(4s);
  core_->unreachable(peer(1), now_, *this);
  EXPECT_EQ(state(id), TaskState::running);
}

TEST_F(WorkersTest, ManyKindsOfWorkersThatCameAndWentLeaveNothingBehind) {
  for (int i = 0; i < 500; ++i) {
    const std::string label = "host-" + std::to_string(i);
    const auto session = hello(1, 1, {"work"}, {}, {label});
    core_->bye(peer(1), {session}, now_, *this);
  }
  const auto session = hello(2, 1, {"work"}, {}, {"gpu"});
  const auto id = submit({.capabilities = {"gpu"}});
  EXPECT_EQ(done(2, session, dispatch().at(0)), Errc::ok);
  EXPECT_EQ(state(id), TaskState::completed);
}

TEST_F(WorkersTest, ADrainingWorkerGetsNothingNewAndByeGivesBackTheRest) {
  const auto session = hello(1, 2);
  const auto id = submit();
  dispatch();
  heartbeat(1, session, {{id, 1}}, /*draining=*/true);
  submit();
  EXPECT_TRUE(dispatch().empty());
  core_->bye(peer(1), {session}, now_, *this);
  EXPECT_EQ(state(id), TaskState::ready);
  EXPECT_EQ(view(id).attempts.at(0).outcome, Outcome::released);
}

TEST_F(WorkersTest, AHelloThatMakesNoSenseIsRefused) {
  wire::Hello m;
  m.worker = worker_id(1);
  m.types = {"not a name"};
  core_->hello(peer(1), m, now_, *this);
  EXPECT_EQ(strangers_, std::vector{Errc::bad_name});
  EXPECT_TRUE(core_->workers().empty());
}

TEST_F(WorkersTest, ASuspectGoesToWhoeverIsIdleFirst) {
  const auto suspect = submit();
  for (int worker = 1; worker <= 2; ++worker) {
    hello(worker);
    dispatch();
    pass(16s);
  }
  hello(3, 4);
  submit({.priority = Priority::critical});
  ASSERT_EQ(dispatch().size(), 1U);  // worker 3 is being emptied for the suspect
  EXPECT_TRUE(dispatch().empty());
  hello(4);  // an idle one comes
  EXPECT_EQ(state(suspect), TaskState::running);
  submit();
  EXPECT_EQ(dispatch().size(), 1U);  // and worker 3 goes on
}

TEST_F(WorkersTest, AHoldWithAttemptZeroIsHarmless) {
  const auto id = submit();
  const auto session = hello(1, 1, {"work"}, {{id, 0}});
  heartbeat(1, session, {{id, 0}});
  EXPECT_EQ(done(1, session, {peer(1), session, id, 0}), Errc::stale_lease);
  EXPECT_EQ(state(id), TaskState::ready);
}

}  // namespace
}  // namespace drover::broker
