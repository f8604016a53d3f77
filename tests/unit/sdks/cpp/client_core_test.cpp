// The client's table of requests, on time that the test tells: order, window, repeats, deadlines.

#include "drover/client_core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/wire/codec.hpp"

namespace drover {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ClientCoreTest : public testing::Test {
 protected:
  ClientCoreTest() : core(ClientCore::Options{"test", 3s, 20s, 2s, 4, 1 << 20}) {}

  static Instant at(Duration since_start) { return instant_from_ms(1'000'000) + since_start; }

  // Sends all that is to be sent, and tells what: "connect", "ping 2", "wait 3 20s", ...
  std::vector<std::string> sent(Duration time) {
    std::vector<std::string> names;
    core.advance(at(time));
    while (const auto frame = core.next_to_send(at(time))) {
      names.push_back(name_of(*frame));
      core.sent(at(time));
    }
    return names;
  }

  static std::string name_of(std::string_view frame) {
    const auto message = wire::decode_client_message(frame, {});
    if (!message) return message.error().message;
    if (std::holds_alternative<wire::Connect>(*message)) return "connect";
    if (const auto* wait = std::get_if<wire::Wait>(&*message)) {
      return "wait " + std::to_string(wait->request) + " " + to_string(wait->timeout);
    }
    return "ping " + std::to_string(std::get<wire::Ping>(*message).request);
  }

  void reply(const wire::ClientReply& message, Duration time = 0s) {
    std::string frame;
    wire::encode(message, frame);
    core.received(frame, at(time));
  }

  void greet() {
    wire::Connected connected;
    connected.request = 1;
    connected.payload_max = 100;
    connected.batch_max = 10;
    connected.message_max = 1000;
    connected.software = "drover-broker/1";
    reply(connected);
  }

  void connect() {
    EXPECT_THAT(sent(0s), ElementsAre("connect"));
    greet();
  }

  std::uint64_t ping(Duration time = 0s, Duration timeout = 10s) {
    return core.start(wire::Ping{}, at(time), timeout);
  }

  // "2 ok", "3 BROKER_UNAVAILABLE", ...
  std::vector<std::string> completed() {
    std::vector<std::string> ends;
    while (const auto done = core.next_completed()) {
      ends.push_back(std::to_string(done->request) + " " +
                     std::string(done->error ? drover::name_of(done->error->code) : "ok") +
                     (done->resent ? " resent" : ""));
    }
    return ends;
  }

  ClientCore core;
};

TEST_F(ClientCoreTest, TheGreetingGoesFirstAndNothingBeforeItsAnswer) {
  ping();
  EXPECT_THAT(sent(0s), ElementsAre("connect"));
  EXPECT_FALSE(core.broker());
  greet();
  EXPECT_EQ(core.broker()->batch_max, 10u);
  EXPECT_EQ(core.broker()->software, "drover-broker/1");
  EXPECT_THAT(sent(0s), ElementsAre("ping 2"));
}

TEST_F(ClientCoreTest, AGreetingWithoutAnAnswerIsRepeated) {
  EXPECT_THAT(sent(0s), ElementsAre("connect"));
  EXPECT_EQ(core.wake_at(), at(1s));
  EXPECT_THAT(sent(999ms), IsEmpty());
  EXPECT_THAT(sent(1s), ElementsAre("connect"));
}

TEST_F(ClientCoreTest, AnAnswerCompletesItsRequest) {
  connect();
  const auto a = ping(), b = ping();
  sent(0s);
  reply(wire::Answer{b, "\x80"});
  reply(wire::Answer{a, "\x80"});
  EXPECT_THAT(completed(), ElementsAre("3 ok", "2 ok"));
  EXPECT_EQ(core.unfinished(), 0u);
  EXPECT_EQ(core.wake_at(), kNever);
}

TEST_F(ClientCoreTest, ARefusalIsToldAsItWas) {
  connect();
  const auto a = ping();
  sent(0s);
  reply(wire::Refused{a, Errc::rate_limited, "slower", "queue", 250ms});
  const auto done = core.next_completed();
  ASSERT_TRUE(done && done->error);
  EXPECT_EQ(done->error->code, Errc::rate_limited);
  EXPECT_EQ(done->error->message, "slower");
  EXPECT_EQ(done->error->field, "queue");
  EXPECT_EQ(done->error->retry_after, 250ms);
}

TEST_F(ClientCoreTest, OnlyAWindowIsOutAndTheRestFollowInOrder) {
  connect();
  for (int i = 0; i < 6; ++i) ping();
  EXPECT_FALSE(core.has_room());
  EXPECT_THAT(sent(0s), ElementsAre("ping 2", "ping 3", "ping 4", "ping 5"));
  reply(wire::Answer{3, "\x80"});
  EXPECT_THAT(sent(0s), ElementsAre("ping 6"));
  reply(wire::Answer{2, "\x80"});
  reply(wire::Answer{4, "\x80"});
  EXPECT_THAT(sent(0s), ElementsAre("ping 7"));
  EXPECT_TRUE(core.has_room());
}

TEST_F(ClientCoreTest, WhatWasNotSentIsOfferedAgain) {
  connect();
  ping();
  EXPECT_EQ(name_of(*core.next_to_send(at(0s))), "ping 2");
  EXPECT_EQ(name_of(*core.next_to_send(at(0s))), "ping 2");
  core.sent(at(0s));
  EXPECT_FALSE(core.next_to_send(at(0s)));
}

TEST_F(ClientCoreTest, WithoutAnAnswerARequestIsSentAgainEachTimeLater) {
  connect();
  ping(0s, 60s);
  EXPECT_THAT(sent(0s), ElementsAre("ping 2"));
  EXPECT_THAT(sent(2999ms), IsEmpty());
  EXPECT_THAT(sent(3s), ElementsAre("ping 2"));
  EXPECT_THAT(sent(8s), IsEmpty());
  EXPECT_THAT(sent(9s), ElementsAre("ping 2"));
  EXPECT_EQ(core.resent(), 2u);
  reply(wire::Answer{2, "\x80"});
  EXPECT_THAT(completed(), ElementsAre("2 ok resent"));
}

TEST_F(ClientCoreTest, AfterItsDeadlineARequestIsGivenUp) {
  connect();
  ping(0s, 10s);
  sent(0s);
  sent(3s);
  core.advance(at(9999ms));
  EXPECT_THAT(completed(), IsEmpty());
  core.advance(at(10s));
  EXPECT_THAT(completed(), ElementsAre("2 BROKER_UNAVAILABLE resent"));
  reply(wire::Answer{2, "\x80"});  // too late
  EXPECT_THAT(completed(), IsEmpty());
  EXPECT_TRUE(core.has_room());
}

TEST_F(ClientCoreTest, WithoutABrokerEveryRequestIsGivenUpAtItsDeadline) {
  ping(0s, 1s);
  ping(0s, 2s);
  sent(0s);
  core.advance(at(1s));
  EXPECT_THAT(completed(), ElementsAre("2 BROKER_UNAVAILABLE"));
  core.advance(at(2s));
  EXPECT_THAT(completed(), ElementsAre("3 BROKER_UNAVAILABLE"));
}

TEST_F(ClientCoreTest, AfterAReconnectEverythingThatWasOutGoesAgainInOrderBehindTheGreeting) {
  connect();
  for (int i = 0; i < 3; ++i) ping();
  sent(0s);
  reply(wire::Answer{3, "\x80"});
  core.reconnected();
  EXPECT_THAT(sent(1s), ElementsAre("connect", "ping 2", "ping 4"));
  reply(wire::Answer{2, "\x80"});
  EXPECT_THAT(completed(), ElementsAre("3 ok", "2 ok resent"));
}

TEST_F(ClientCoreTest, AWaitIsAskedInSlicesUntilTheTaskHasEnded) {
  connect();
  core.start_wait(TaskId{}, at(0s), 50s);
  EXPECT_THAT(sent(0s), ElementsAre("wait 2 20s"));
  reply(wire::Refused{2, Errc::wait_timed_out, "", "", 0ms}, 20s);
  EXPECT_THAT(sent(20s), ElementsAre("wait 2 20s"));
  reply(wire::Refused{2, Errc::wait_timed_out, "", "", 0ms}, 40s);
  EXPECT_THAT(sent(40s), ElementsAre("wait 2 10s"));
  reply(wire::Answer{2, "\x80"}, 45s);
  EXPECT_THAT(completed(), ElementsAre("2 ok"));
}

TEST_F(ClientCoreTest, AWaitThatIsOverSaysSoWhetherTheBrokerAnswersOrNot) {
  connect();
  core.start_wait(TaskId{}, at(0s), 10s);
  core.start_wait(TaskId{}, at(0s), 10s);
  sent(0s);
  reply(wire::Refused{2, Errc::wait_timed_out, "", "", 0ms}, 10s);
  core.advance(at(11s));
  EXPECT_THAT(completed(), ElementsAre("2 WAIT_TIMED_OUT"));
  core.advance(at(12s));
  EXPECT_THAT(completed(), ElementsAre("3 WAIT_TIMED_OUT"));
}

TEST_F(ClientCoreTest, AWaitForNoTimeAtAllIsStillAsked) {
  connect();
  core.start_wait(TaskId{}, at(0s), 0ms);
  EXPECT_THAT(sent(0s), ElementsAre("wait 2 0s"));
}

TEST_F(ClientCoreTest, AWaitWithoutAnAnswerIsAskedAgainAfterItsSlice) {
  connect();
  core.start_wait(TaskId{}, at(0s), 1min);
  sent(0s);
  EXPECT_THAT(sent(22s), IsEmpty());
  EXPECT_THAT(sent(23s), ElementsAre("wait 2 20s"));
}

TEST_F(ClientCoreTest, WaitsTakeNoRoomInTheWindow) {
  connect();
  for (int i = 0; i < 10; ++i) core.start_wait(TaskId{}, at(0s), 1min);
  EXPECT_TRUE(core.has_room());
  EXPECT_EQ(sent(0s).size(), 10u);
  ping();
  EXPECT_THAT(sent(0s), ElementsAre("ping 12"));
  reply(wire::Answer{5, "\x80"});
  EXPECT_THAT(completed(), ElementsAre("5 ok"));
}

TEST_F(ClientCoreTest, ABrokerThatWillNotHaveUsFailsEverything) {
  ping();
  sent(0s);
  reply(wire::Refused{1, Errc::unsupported_version, "version 1 is not spoken here", "", 0ms});
  EXPECT_THAT(completed(), ElementsAre("2 UNSUPPORTED_VERSION"));
  EXPECT_EQ(core.refusal()->code, Errc::unsupported_version);
  EXPECT_THAT(sent(5s), IsEmpty());
}

TEST_F(ClientCoreTest, AForgottenRequestIsNeverToldOf) {
  connect();
  const auto out = ping();
  sent(0s);
  const auto waiting = ping();
  core.forget(out);
  core.forget(waiting);
  reply(wire::Answer{out, "\x80"});
  EXPECT_THAT(sent(1s), IsEmpty());
  core.advance(at(1min));
  EXPECT_THAT(completed(), IsEmpty());
}

TEST_F(ClientCoreTest, OutcomesAreKeptBeyondTheirFrame) {
  connect();
  const auto number = core.start(wire::Submit{}, at(0s), 10s);
  core.next_to_send(at(0s));
  core.sent(at(0s));
  wire::SubmitOutcome good, bad;
  good.state = TaskState::running;
  good.warning = "no worker runs this type now";
  bad.code = Errc::queue_full;
  bad.message = "the queue is full";
  bad.field = "queue";
  bad.retry_after = 1s;
  reply(wire::Accepted{{{77, {good}}, {number, {good, bad}}}});
  const auto done = core.next_completed();
  ASSERT_TRUE(done && !done->error);
  ASSERT_EQ(done->outcomes.size(), 2u);
  EXPECT_EQ(done->outcomes[0].state, TaskState::running);
  EXPECT_EQ(done->outcomes[0].warning, "no worker runs this type now");
  EXPECT_EQ(done->outcomes[1].refused->code, Errc::queue_full);
  EXPECT_EQ(done->outcomes[1].refused->retry_after, 1s);
  EXPECT_FALSE(core.next_completed());
}

TEST_F(ClientCoreTest, WhatIsNoReplyIsPassedOver) {
  connect();
  ping();
  sent(0s);
  core.received("", at(0s));
  core.received("nonsense", at(0s));
  reply(wire::Answer{99, "\x80"});
  reply(wire::Accepted{});
  EXPECT_THAT(completed(), IsEmpty());
  EXPECT_EQ(core.unfinished(), 1u);
}

TEST_F(ClientCoreTest, TheWindowHoldsForBytesTooButOneAlwaysFits) {
  ClientCore narrow(ClientCore::Options{"test", 3s, 20s, 2s, 100, 1});
  narrow.next_to_send(at(0s));
  narrow.sent(at(0s));
  std::string frame;
  wire::Connected connected;
  connected.request = 1;
  wire::encode(wire::ClientReply(connected), frame);
  narrow.received(frame, at(0s));
  for (int i = 0; i < 3; ++i) narrow.start(wire::Ping{}, at(0s), 10s);
  EXPECT_TRUE(narrow.next_to_send(at(0s)));
  narrow.sent(at(0s));
  EXPECT_FALSE(narrow.next_to_send(at(0s)));
}

}  // namespace
}  // namespace drover
