// The client over real sockets, against a broker that loses messages, stops and comes back.

#include "drover/client.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/unit/sdks/cpp/fake_broker.hpp"

namespace drover {
namespace {

using nlohmann::json;

class ClientTest : public testing::Test {
 protected:
  Client client(Duration timeout = 20s) {
    ClientOptions options;
    options.url = broker.url();
    options.timeout = timeout;
    return std::move(*Client::open(options));
  }

  static std::vector<NewTask> tasks(std::size_t count) {
    return std::vector<NewTask>(count, NewTask{.type = "test.echo"});
  }

  FakeBroker broker;
};

TEST_F(ClientTest, TheGreetingTellsTheLimits) {
  auto c = client();
  const auto info = c.connect();
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->batch_max, 100u);
  EXPECT_EQ(info->store, FakeBroker::store());
  EXPECT_EQ(c.broker()->software, "fake");
}

TEST_F(ClientTest, ATaskIsSubmittedAndWaitedFor) {
  auto c = client();
  broker.end_tasks();
  const auto submitted = c.submit(NewTask{.type = "test.echo", .payload = "1"});
  ASSERT_TRUE(submitted) << submitted.error().message;
  EXPECT_FALSE(submitted->duplicate);
  EXPECT_EQ(submitted->state, TaskState::ready);
  const auto task = c.wait(submitted->id, 10s);
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ((*task)["state"], "completed");
  EXPECT_EQ((*task)["result"], (json{{"x", 1}}));
}

TEST_F(ClientTest, ManyTasksGoInAsManyMessagesAsTheyNeed) {
  auto c = client();
  auto many = tasks(1050);
  std::size_t calls = 0, last = 0;
  const auto outcomes = c.submit(many, [&](const SubmitProgress& progress) {
    ++calls;
    EXPECT_GT(progress.answered, last);
    EXPECT_EQ(progress.tasks, 1050u);
    last = progress.answered;
  });
  ASSERT_TRUE(outcomes) << outcomes.error().message;
  EXPECT_EQ(broker.tasks(), 1050u);
  EXPECT_EQ(calls, 11u);
  EXPECT_EQ(last, 1050u);
  for (std::size_t i = 0; i < many.size(); ++i) EXPECT_EQ((*outcomes)[i].id, many[i].id);
}

TEST_F(ClientTest, NoTasksAreSubmittedAtOnce) {
  auto c = client();
  EXPECT_EQ(c.submit(std::span<NewTask>())->size(), 0u);
}

TEST_F(ClientTest, ARefusedTaskDoesNotHoldUpTheOthers) {
  auto c = client();
  auto some = tasks(3);
  some[0].queue = "full";
  some[1].payload = std::string(2000, '1');
  const auto outcomes = c.submit(some);
  ASSERT_TRUE(outcomes);
  EXPECT_EQ((*outcomes)[0].refused->code, Errc::queue_full);         // by the broker
  EXPECT_EQ((*outcomes)[1].refused->code, Errc::payload_too_large);  // before it was sent
  EXPECT_FALSE((*outcomes)[2].refused);
  EXPECT_EQ(c.submit(some[1]).error().code, Errc::payload_too_large);
}

TEST_F(ClientTest, ALostMessageIsSentAgain) {
  auto c = client();
  ASSERT_TRUE(c.connect());
  broker.ignore(1);
  const auto submitted = c.submit(NewTask{.type = "test.echo"});
  ASSERT_TRUE(submitted) << submitted.error().message;
  EXPECT_FALSE(submitted->duplicate);
  EXPECT_EQ(broker.tasks(), 1u);
}

TEST_F(ClientTest, ABrokerThatIsRestartedIsTalkedToAgain) {
  auto c = client();
  for (int round = 0; round < 5; ++round) {
    const auto submitted = c.submit(NewTask{.type = "test.echo"});
    ASSERT_TRUE(submitted) << submitted.error().message;
    broker.stop();
    broker.start();
  }
  EXPECT_EQ(broker.tasks(), 5u);
}

TEST_F(ClientTest, WhatWasUnderWayWhenTheBrokerStoppedIsSentAgain) {
  auto c = client();
  ASSERT_TRUE(c.connect());
  broker.ignore(1000);
  auto some = tasks(10);
  const auto before = broker.messages();
  ASSERT_TRUE(c.start_submit(some));
  for (int i = 0; i < 1000 && broker.messages() == before; ++i) ASSERT_TRUE(c.next_done(5ms));
  broker.stop();
  broker.ignore(0);
  broker.start();
  const auto done = c.next_done(20s);
  ASSERT_TRUE(done && *done);
  EXPECT_FALSE((*done)->error);
  EXPECT_EQ((*done)->outcomes.size(), 10u);
  EXPECT_EQ(broker.tasks(), 10u);
}

TEST_F(ClientTest, AWaitOutlivesTheBrokerThatWasAsked) {
  auto c = client();
  const auto submitted = c.submit(NewTask{.type = "test.echo"});
  ASSERT_TRUE(submitted);
  const auto before = broker.messages();
  std::thread restart([&] {
    while (broker.messages() == before) std::this_thread::yield();  // the wait has come
    broker.stop();
    broker.end_tasks();
    broker.start();
  });
  const auto task = c.wait(submitted->id, 1min);
  restart.join();
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ((*task)["state"], "completed");
}

TEST_F(ClientTest, WithoutABrokerACallEndsInItsTime) {
  ClientOptions options;
  options.url = "tcp://127.0.0.1:1";
  options.timeout = 100ms;
  auto c = std::move(*Client::open(options));
  const auto before = std::chrono::steady_clock::now();
  const auto queues = c.queues();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  EXPECT_EQ(queues.error().code, Errc::broker_unavailable);
  EXPECT_EQ(queues.error().message, "no broker answered within 100ms (tcp://127.0.0.1:1)");
  EXPECT_EQ(c.submit(NewTask{.type = "t"}).error().code, Errc::broker_unavailable);
}

TEST_F(ClientTest, AWaitThatIsOverLeavesTheTaskAlone) {
  auto c = client();
  const auto submitted = c.submit(NewTask{.type = "test.echo"});
  EXPECT_EQ(c.wait(submitted->id, 50ms).error().code, Errc::wait_timed_out);
  EXPECT_EQ(c.wait(TaskId{}, 0ms).error().code, Errc::wait_timed_out);
  broker.end_tasks();
  EXPECT_EQ(c.wait(TaskId{}, 10s).error().code, Errc::not_found);
}

TEST_F(ClientTest, AChangeWhoseAnswerWasLostCountsAsDone) {
  auto c = client(3500ms);
  const auto submitted = c.submit(NewTask{.type = "test.echo"});
  ASSERT_TRUE(submitted);
  auto answer = c.cancel(std::span(&submitted->id, 1));
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)["tasks"][0]["state"], "cancelled");
  answer = c.cancel(std::span(&submitted->id, 1));  // really wrong
  EXPECT_EQ((*answer)["tasks"][0]["error"]["code"], "WRONG_STATE");
}

TEST_F(ClientTest, AReadableStopDescriptorEndsEveryCall) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ClientOptions options;
  options.url = broker.url();
  options.stop_fd = ends[0];
  auto c = std::move(*Client::open(options));
  const auto submitted = c.submit(NewTask{.type = "test.echo"});
  ASSERT_TRUE(submitted);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_EQ(c.wait(submitted->id, 1h).error().code, Errc::cancelled);
  EXPECT_EQ(c.next_done(1h).error().code, Errc::cancelled);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(ClientTest, SubmissionsArePipelinedAndAnsweredByTicket) {
  auto c = client();
  std::set<Ticket> open;
  std::size_t ended = 0;
  for (int i = 0; i < 500; ++i) {
    while (!c.has_room()) {
      const auto done = c.next_done(10s);
      ASSERT_TRUE(done && *done);
      EXPECT_EQ(open.erase((*done)->ticket), 1u);
      ++ended;
    }
    auto some = tasks(10);
    const auto ticket = c.start_submit(some);
    ASSERT_TRUE(ticket) << ticket.error().message;
    open.insert(*ticket);
  }
  while (!open.empty()) {
    const auto done = c.next_done(10s);
    ASSERT_TRUE(done && *done);
    EXPECT_EQ(open.erase((*done)->ticket), 1u);
    ++ended;
  }
  EXPECT_EQ(ended, 500u);
  EXPECT_EQ(c.under_way(), 0u);
  EXPECT_EQ(broker.tasks(), 5000u);
}

TEST_F(ClientTest, ASubmissionThatIsTooLargeIsNotStarted) {
  auto c = client();
  auto many = tasks(101);
  EXPECT_EQ(c.start_submit(many).error().code, Errc::batch_too_large);
  auto bad = tasks(1);
  bad[0].type = "";
  const auto ticket = c.start_submit(bad);  // every task refused here: nothing to send
  ASSERT_TRUE(ticket);
  const auto done = c.next_done(1s);
  ASSERT_TRUE(done && *done);
  EXPECT_EQ((*done)->ticket, *ticket);
  EXPECT_EQ((*done)->outcomes[0].refused->code, Errc::bad_name);
}

TEST_F(ClientTest, AnAddressThatIsNoneIsRefused) {
  ClientOptions options;
  options.url = "broker:7700";
  EXPECT_EQ(Client::open(options).error().code, Errc::bad_configuration);
}

TEST_F(ClientTest, QuestionsAreAnswered) {
  auto c = client();
  EXPECT_TRUE(c.queues());
  EXPECT_TRUE(c.workers());
  EXPECT_TRUE(c.list({}));
  EXPECT_TRUE(c.dead_letters({}));
  EXPECT_TRUE(c.retry({}));
  EXPECT_EQ((*c.books())["seq"], 0);
  EXPECT_GT(c.ping()->count(), 0);
}

}  // namespace
}  // namespace drover
