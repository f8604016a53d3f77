#include "tests/unit/workers/core/worker_session.hpp"

namespace drover::workers::testing {
namespace {

class WorkerDrain : public WorkerSession {
 protected:
  void drain() {
    core->begin_drain(now);
    core->advance(now);
  }
};

TEST_F(WorkerDrain, AnIdleWorkerSaysThatItDrainsAndGoes) {
  open(1);
  drain();
  EXPECT_EQ(said(), (Lines{"draining [] session 7", "bye session 7", "stopped OK"}));
  EXPECT_TRUE(core->has_stopped());
}

TEST_F(WorkerDrain, WhatWaitsIsGivenBackAtOnceAndWhatRunsMayFinish) {
  open(1, 2);
  assign("abc");
  said();
  drain();
  EXPECT_EQ(said(), (Lines{"draining [a1 b1 c1] session 7", "released [b1 c1] session 7"}));
  pass(4s);
  finish(hold('a'));
  confirm(hold('a'));
  confirm(hold('b'));
  EXPECT_EQ(said(), Lines{"done a1 session 7"});
  confirm(hold('c'));
  EXPECT_EQ(said(), (Lines{"bye session 7", "stopped OK"}));
}

TEST_F(WorkerDrain, NothingStartsAnyMore) {
  open(2);
  assign("a");
  drain();
  said();
  assign("b");
  // The broker has not heard that this worker drains: it is told again, or it would go on and on.
  EXPECT_EQ(said(), (Lines{"released [b1] session 7", "draining [a1 b1] session 7"}));
}

TEST_F(WorkerDrain, WhatDoesNotFinishInTimeIsStoppedAndGivenBack) {
  open(2);
  assign("a", {.timeout = 1h});
  drain();
  said();
  pass(29s);
  EXPECT_EQ(count("cancel"), 0U);
  pass(2s);
  EXPECT_EQ(count("cancel a1 released 3s750ms"), 1U);
  finish(hold('a'));
  EXPECT_EQ(count("released [a1]"), 1U);
  confirm(hold('a'));
  EXPECT_EQ(count("stopped OK"), 1U);
}

TEST_F(WorkerDrain, AHandlerThatNeverReturnsDoesNotHoldTheWorker) {
  open(1);
  assign("a", {.timeout = 1h});
  drain();
  pass(30s + 5s);
  EXPECT_EQ(count("released [a1]"), 1U);
  confirm(hold('a'));
  EXPECT_TRUE(core->has_stopped());
}

TEST_F(WorkerDrain, TheWaitForConfirmsIsBounded) {
  open(1);
  assign("a");
  drain();
  finish(hold('a'));
  pass(9s);
  EXPECT_FALSE(core->has_stopped());
  pass(1s);
  EXPECT_TRUE(core->has_stopped());
  EXPECT_EQ(said().back(), "stopped OK");
}

TEST_F(WorkerDrain, AWorkerWithoutABrokerThatHoldsNothingJustGoes) {
  open(1, 0, /*welcomed=*/false);
  drain();
  EXPECT_EQ(said(), Lines{"stopped OK"});
}

TEST_F(WorkerDrain, AResultStillFindsABrokerThatComesBackDuringTheDrain) {
  open(1);
  assign("a");
  pass(20s, /*broker_there=*/false);
  drain();
  finish(hold('a'));
  pass(5s, false);
  said();
  welcome(8);
  EXPECT_EQ(said(), (Lines{"draining [a1] session 8", "done a1 session 8"}));
  confirm(hold('a'));
  EXPECT_EQ(said(), (Lines{"bye session 8", "stopped OK"}));
}

TEST_F(WorkerDrain, TheBrokerCanAskForIt) {
  open(1);
  assign("a");
  said();
  order(wire::Drain{current});
  EXPECT_EQ(said(), Lines{"draining [a1] session 7"});
  EXPECT_TRUE(core->draining());
}

TEST_F(WorkerDrain, AQuickStopForcesWhatRunsAndGivesItBack) {
  open(2, 1);
  assign("abc");
  drain();
  said();
  core->begin_quick_stop(1s, now);
  core->advance(now);
  EXPECT_EQ(said(), (Lines{"cancel a1 released 750ms", "cancel b1 released 750ms"}));
  finish(hold('a'));
  pass(1s);
  EXPECT_EQ(count("released [b1]"), 1U);
  EXPECT_EQ(said().back(), "stopped OK");
}

TEST_F(WorkerDrain, DrainingTwiceIsDrainingOnce) {
  open(1);
  assign("a");
  drain();
  said();
  pass(10s);
  drain();
  pass(19s);
  EXPECT_EQ(count("cancel"), 0U);
  pass(2s);
  EXPECT_EQ(count("cancel a1 released"), 1U);
}

}  // namespace
}  // namespace drover::workers::testing
