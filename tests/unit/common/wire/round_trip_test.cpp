// Every message arrives as it was sent: with all its fields, and with none but those it must have.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/common/wire/sentences.hpp"

namespace drover::wire::testing {
namespace {

constexpr SessionId kSession{0xfedcba9876543210};
constexpr Instant kThen = instant_from_ms(1'769'846'709'007);

// A task array: what a submission carries and an assignment hands on.
std::string task_bytes(char name, std::string_view type) {
  TaskSpec spec;
  spec.id = task_named(name);
  spec.type = type;
  spec.payload = "{}";
  std::string bytes;
  encode_task(spec, bytes);
  return bytes;
}

SubmitOutcome outcome(char name, TaskState state) {
  SubmitOutcome outcome;
  outcome.id = task_named(name);
  outcome.state = state;
  return outcome;
}

// --- client -> broker

TEST(ClientMessageTest, ConnectArrives) {
  const auto m = sent(Connect{7, 3, "drover-cpp 0.1.0"});
  EXPECT_EQ(m->request, 7u);
  EXPECT_EQ(m->version, 3u);
  EXPECT_EQ(m->software, "drover-cpp 0.1.0");
  EXPECT_EQ(sent(Connect{})->version, kVersion);
}

TEST(ClientMessageTest, SubmitArrivesWithTheBytesOfEachTask) {
  const std::string first = task_bytes('a', "code.review"), second = task_bytes('b', "test.echo");
  const auto m = sent(Submit{UINT64_MAX, {{{}, first, {}}, {{}, second, {}}}});
  EXPECT_EQ(m->request, UINT64_MAX);
  ASSERT_EQ(m->tasks.size(), 2u);
  EXPECT_EQ(m->tasks[0].bytes, first);
  EXPECT_EQ(m->tasks[0].spec.id, task_named('a'));
  EXPECT_EQ(m->tasks[1].bytes, second);
  EXPECT_EQ(m->tasks[1].spec.type, "test.echo");
  EXPECT_FALSE(m->tasks[0].fault || m->tasks[1].fault);
  EXPECT_TRUE(sent(Submit{})->tasks.empty());
}

TEST(ClientMessageTest, WaitArrives) {
  const auto m = sent(Wait{1, task_named('a'), 30s});
  EXPECT_EQ(m->request, 1u);
  EXPECT_EQ(m->task, task_named('a'));
  EXPECT_EQ(m->timeout, 30s);
}

TEST(ClientMessageTest, ShowArrives) {
  const auto m = sent(Show{1, task_named('a')});
  EXPECT_EQ(m->request, 1u);
  EXPECT_EQ(m->task, task_named('a'));
}

TEST(ClientMessageTest, ListArrives) {
  const auto m = sent(List{1, TaskState::retrying, "emails", "mail.send", "acme", kThen, 50, 12});
  EXPECT_EQ(m->request, 1u);
  EXPECT_EQ(m->state, TaskState::retrying);
  EXPECT_EQ(m->queue, "emails");
  EXPECT_EQ(m->type, "mail.send");
  EXPECT_EQ(m->tenant, "acme");
  EXPECT_EQ(m->since, kThen);
  EXPECT_EQ(m->limit, 50u);
  EXPECT_EQ(m->cursor, 12u);
}

TEST(ClientMessageTest, AListOfEverythingArrives) {
  const auto m = sent(List{});
  EXPECT_EQ(m->state, std::nullopt);
  EXPECT_EQ(m->queue, "");
  EXPECT_EQ(m->type, "");
  EXPECT_EQ(m->tenant, "");
  EXPECT_EQ(m->since, kNever);
  EXPECT_EQ(m->limit, 100u);
  EXPECT_EQ(m->cursor, std::nullopt);
}

TEST(ClientMessageTest, CancelAndRetryArriveWithTheirTasksInOrder) {
  const std::vector<TaskId> tasks = {task_named('b'), task_named('a')};
  EXPECT_EQ(sent(Cancel{1, tasks})->tasks, tasks);
  EXPECT_EQ(sent(Cancel{1, tasks})->request, 1u);
  EXPECT_EQ(sent(Retry{2, tasks})->tasks, tasks);
  EXPECT_EQ(sent(Retry{2, tasks})->request, 2u);
  EXPECT_TRUE(sent(Cancel{})->tasks.empty());
  EXPECT_TRUE(sent(Retry{})->tasks.empty());
}

TEST(ClientMessageTest, DeadLettersArrives) {
  const auto m = sent(DeadLetters{1, "emails", "poison", 20, 0});
  EXPECT_EQ(m->request, 1u);
  EXPECT_EQ(m->queue, "emails");
  EXPECT_EQ(m->reason, "poison");
  EXPECT_EQ(m->limit, 20u);
  EXPECT_EQ(m->cursor, 0u) << "the first place is a place, not no place";
  EXPECT_EQ(sent(DeadLetters{})->cursor, std::nullopt);
}

TEST(ClientMessageTest, EventsArrives) {
  const auto m = sent(Events{1, store_named('s'), 41, "default/task.", 500});
  EXPECT_EQ(m->request, 1u);
  EXPECT_EQ(m->store, store_named('s'));
  EXPECT_EQ(m->since, 41u);
  EXPECT_EQ(m->prefix, "default/task.");
  EXPECT_EQ(m->limit, 500u);
  EXPECT_EQ(sent(Events{})->store, std::nullopt);
}

TEST(ClientMessageTest, TheQuestionsWithoutFieldsArrive) {
  EXPECT_EQ(sent(Queues{1})->request, 1u);
  EXPECT_EQ(sent(Workers{2})->request, 2u);
  EXPECT_EQ(sent(Stats{3})->request, 3u);
  EXPECT_EQ(sent(Books{4})->request, 4u);
  EXPECT_EQ(sent(Ping{5})->request, 5u);
}

// --- broker -> client

TEST(ClientReplyTest, ConnectedArrives) {
  const auto m = sent(Connected{7, 1, store_named('s'), "drover-broker 0.1.0", 1048576, 262144,
                                1000, "tcp://127.0.0.1:7702", "tcp://127.0.0.1:7701", "acme"});
  EXPECT_EQ(m->request, 7u);
  EXPECT_EQ(m->version, 1u);
  EXPECT_EQ(m->store, store_named('s'));
  EXPECT_EQ(m->software, "drover-broker 0.1.0");
  EXPECT_EQ(m->message_max, 1048576u);
  EXPECT_EQ(m->payload_max, 262144u);
  EXPECT_EQ(m->batch_max, 1000u);
  EXPECT_EQ(m->status, "tcp://127.0.0.1:7702");
  EXPECT_EQ(m->workers, "tcp://127.0.0.1:7701");
  EXPECT_EQ(m->tenant, "acme");
}

TEST(ClientReplyTest, AcceptedArrivesWithTheOutcomesOfEachRequest) {
  const SubmitOutcome plain = outcome('a', TaskState::scheduled);
  SubmitOutcome warned = outcome('b', TaskState::ready);
  warned.duplicate = true;
  warned.warning = "no worker runs this type now";
  SubmitOutcome refused = outcome('c', TaskState::ready);
  refused.code = Errc::queue_full;
  refused.message = "the queue is full";
  refused.field = "queue";
  refused.retry_after = 2s;
  const auto m = sent(Accepted{{{1, {plain, warned}}, {2, {}}, {3, {refused}}}});
  ASSERT_EQ(m->replies.size(), 3u);
  EXPECT_EQ(m->replies[0].request, 1u);
  ASSERT_EQ(m->replies[0].outcomes.size(), 2u);
  const auto& first = m->replies[0].outcomes[0];
  EXPECT_EQ(first.id, task_named('a'));
  EXPECT_EQ(first.state, TaskState::scheduled);
  EXPECT_FALSE(first.duplicate);
  EXPECT_EQ(first.warning, "");
  EXPECT_EQ(first.code, Errc::ok);
  const auto& second = m->replies[0].outcomes[1];
  EXPECT_TRUE(second.duplicate);
  EXPECT_EQ(second.warning, "no worker runs this type now");
  EXPECT_EQ(second.code, Errc::ok);
  EXPECT_TRUE(m->replies[1].outcomes.empty());
  EXPECT_EQ(m->replies[2].request, 3u);
  const auto& third = m->replies[2].outcomes.at(0);
  EXPECT_EQ(third.code, Errc::queue_full);
  EXPECT_EQ(third.message, "the queue is full");
  EXPECT_EQ(third.field, "queue");
  EXPECT_EQ(third.retry_after, 2s);
}

TEST(ClientReplyTest, AnAnswerCarriesItsBodyUnread) {
  std::string body;
  Writer(body).map(1).str("pong").real(0.5);
  const auto m = sent(Answer{9, body});
  EXPECT_EQ(m->request, 9u);
  EXPECT_EQ(m->body, body);
}

TEST(ClientReplyTest, ARefusalArrives) {
  const auto full = sent(Refused{1, Errc::rate_limited, "slow down", "queue", 250ms});
  EXPECT_EQ(full->request, 1u);
  EXPECT_EQ(full->code, Errc::rate_limited);
  EXPECT_EQ(full->message, "slow down");
  EXPECT_EQ(full->field, "queue");
  EXPECT_EQ(full->retry_after, 250ms);
  const auto bare = sent(Refused{1, Errc::not_found, "", "", 0ms});
  EXPECT_EQ(bare->code, Errc::not_found);
  EXPECT_EQ(bare->field, "");
  EXPECT_EQ(bare->retry_after, 0ms);
}

// --- worker -> broker

TEST(WorkerMessageTest, HelloArrives) {
  Hello hello;
  hello.version = 2;
  hello.worker = worker_named('w');
  hello.host = "node-7";
  hello.pid = 4711;
  hello.software = "drover-worker 0.1.0";
  hello.types = {"code.review", "test.echo"};
  hello.capabilities = {"gpu"};
  hello.labels = {{"zone", "eu"}, {"disk", "ssd"}};
  hello.slots = 4;
  hello.window = 6;
  hello.holds = {{task_named('a'), 1}, {task_named('b'), UINT32_MAX}};
  const auto m = sent(hello);
  EXPECT_EQ(m->version, 2u);
  EXPECT_EQ(m->worker, worker_named('w'));
  EXPECT_EQ(m->host, "node-7");
  EXPECT_EQ(m->pid, 4711u);
  EXPECT_EQ(m->software, "drover-worker 0.1.0");
  EXPECT_EQ(m->types, hello.types);
  EXPECT_EQ(m->capabilities, hello.capabilities);
  EXPECT_EQ(m->labels, hello.labels);
  EXPECT_EQ(m->slots, 4u);
  EXPECT_EQ(m->window, 6u);
  EXPECT_EQ(m->holds, hello.holds);
  EXPECT_TRUE(sent(Hello{})->holds.empty());
}

TEST(WorkerMessageTest, HeartbeatArrives) {
  const std::vector<Hold> holds = {{task_named('a'), 1}, {task_named('b'), 2}};
  const auto m = sent(Heartbeat{kSession, true, holds});
  EXPECT_EQ(m->session, kSession);
  EXPECT_TRUE(m->draining);
  EXPECT_EQ(m->holds, holds);
  EXPECT_FALSE(sent(Heartbeat{})->draining);
}

TEST(WorkerMessageTest, DoneArrives) {
  const std::string result("\x00\xff{}", 4);
  const auto m = sent(Done{kSession,
                           {{task_named('a'), 3, result, "text/plain", {10, 20, 30}},
                            {task_named('b'), 1, "", "", {}}}});
  EXPECT_EQ(m->session, kSession);
  ASSERT_EQ(m->items.size(), 2u);
  EXPECT_EQ(m->items[0].task, task_named('a'));
  EXPECT_EQ(m->items[0].attempt, 3u);
  EXPECT_EQ(m->items[0].result, result);
  EXPECT_EQ(m->items[0].content_type, "text/plain");
  EXPECT_EQ(m->items[0].usage, (Usage{10, 20, 30}));
  EXPECT_EQ(m->items[1].result, "");
  EXPECT_EQ(m->items[1].content_type, "");
  EXPECT_EQ(m->items[1].usage, Usage{});
}

TEST(WorkerMessageTest, FailedArrives) {
  const auto m = sent(Failed{
      kSession,
      {{task_named('a'), 2, Outcome::timed_out, "TIMED_OUT", "too slow", false, 5s, {1, 2, 3}},
       {task_named('b'), 1, Outcome::failed, "", "", true, 0ms, {}},
       {task_named('c'), 1, Outcome::stopped, "", "", true, 0ms, {}}}});
  EXPECT_EQ(m->session, kSession);
  ASSERT_EQ(m->items.size(), 3u);
  const auto& first = m->items[0];
  EXPECT_EQ(first.task, task_named('a'));
  EXPECT_EQ(first.attempt, 2u);
  EXPECT_EQ(first.outcome, Outcome::timed_out);
  EXPECT_EQ(first.code, "TIMED_OUT");
  EXPECT_EQ(first.message, "too slow");
  EXPECT_FALSE(first.retryable);
  EXPECT_EQ(first.retry_after, 5s);
  EXPECT_EQ(first.usage, (Usage{1, 2, 3}));
  EXPECT_EQ(m->items[1].outcome, Outcome::failed);
  EXPECT_TRUE(m->items[1].retryable);
  EXPECT_EQ(m->items[1].retry_after, 0ms);
  EXPECT_EQ(m->items[2].outcome, Outcome::stopped);
}

TEST(WorkerMessageTest, ReleasedArrives) {
  const std::vector<Hold> items = {{task_named('a'), 1}, {task_named('b'), 2}};
  const auto m = sent(Released{kSession, items});
  EXPECT_EQ(m->session, kSession);
  EXPECT_EQ(m->items, items);
}

TEST(WorkerMessageTest, ProgressArrives) {
  const auto m = sent(Progress{
      kSession, {{task_named('a'), 1, 100, "done soon"}, {task_named('b'), 2, std::nullopt, ""}}});
  EXPECT_EQ(m->session, kSession);
  ASSERT_EQ(m->items.size(), 2u);
  EXPECT_EQ(m->items[0].task, task_named('a'));
  EXPECT_EQ(m->items[0].attempt, 1u);
  EXPECT_EQ(m->items[0].percent, 100u);
  EXPECT_EQ(m->items[0].message, "done soon");
  EXPECT_EQ(m->items[1].percent, std::nullopt);
  EXPECT_EQ(m->items[1].message, "");
}

TEST(WorkerMessageTest, ByeArrives) { EXPECT_EQ(sent(Bye{kSession})->session, kSession); }

// --- broker -> worker

TEST(WorkerOrderTest, WelcomeArrives) {
  const auto m = sent(
      Welcome{kSession,
              1,
              store_named('s'),
              5s,
              15s,
              1048576,
              262144,
              {{task_named('a'), 1, Errc::stale_lease}, {task_named('b'), 2, Errc::not_found}}});
  EXPECT_EQ(m->session, kSession);
  EXPECT_EQ(m->version, 1u);
  EXPECT_EQ(m->store, store_named('s'));
  EXPECT_EQ(m->heartbeat, 5s);
  EXPECT_EQ(m->worker_timeout, 15s);
  EXPECT_EQ(m->message_max, 1048576u);
  EXPECT_EQ(m->result_max, 262144u);
  ASSERT_EQ(m->drop.size(), 2u);
  EXPECT_EQ(m->drop[0].task, task_named('a'));
  EXPECT_EQ(m->drop[0].attempt, 1u);
  EXPECT_EQ(m->drop[0].code, Errc::stale_lease);
  EXPECT_EQ(m->drop[1].code, Errc::not_found);
  EXPECT_TRUE(sent(Welcome{})->drop.empty());
}

TEST(WorkerOrderTest, AssignArrivesWithTheTaskAsItWasSubmitted) {
  const std::string task = task_bytes('a', "code.review");
  const auto m = sent(Assign{kSession,
                             {{2, 1, 5, 5min, "acme", "reviews", Priority::urgent, kThen, task},
                              {1, 0, 5, 30s, "default", "default", Priority::low, kThen, task}}});
  EXPECT_EQ(m->session, kSession);
  ASSERT_EQ(m->items.size(), 2u);
  const auto& first = m->items[0];
  EXPECT_EQ(first.attempt, 2u);
  EXPECT_EQ(first.failures, 1u);
  EXPECT_EQ(first.max_attempts, 5u);
  EXPECT_EQ(first.timeout, 5min);
  EXPECT_EQ(first.tenant, "acme");
  EXPECT_EQ(first.queue, "reviews");
  EXPECT_EQ(first.priority, Priority::urgent);
  EXPECT_EQ(first.created_at, kThen);
  EXPECT_EQ(first.task, task);
  EXPECT_EQ(m->items[1].priority, Priority::low);
}

TEST(WorkerOrderTest, ConfirmArrives) {
  const auto m = sent(Confirm{kSession,
                              {{task_named('a'), 1, Errc::ok},
                               {task_named('b'), 2, Errc::cancelled},
                               {task_named('c'), 3, Errc::result_too_large}}});
  EXPECT_EQ(m->session, kSession);
  ASSERT_EQ(m->items.size(), 3u);
  EXPECT_EQ(m->items[0].code, Errc::ok);
  EXPECT_EQ(m->items[1].task, task_named('b'));
  EXPECT_EQ(m->items[1].attempt, 2u);
  EXPECT_EQ(m->items[1].code, Errc::cancelled);
  EXPECT_EQ(m->items[2].code, Errc::result_too_large);
}

TEST(WorkerOrderTest, CancelArrives) {
  const auto m = sent(CancelAttempts{kSession, {{task_named('a'), 4, 5s}}});
  EXPECT_EQ(m->session, kSession);
  ASSERT_EQ(m->items.size(), 1u);
  EXPECT_EQ(m->items[0].task, task_named('a'));
  EXPECT_EQ(m->items[0].attempt, 4u);
  EXPECT_EQ(m->items[0].grace, 5s);
}

TEST(WorkerOrderTest, DrainAliveAndWhoArrive) {
  EXPECT_EQ(sent(Drain{kSession})->session, kSession);
  EXPECT_EQ(sent(Alive{kSession})->session, kSession);
  const auto m = sent(Who{kSession, Errc::unsupported_version, "the broker speaks version 1"});
  EXPECT_EQ(m->session, kSession);
  EXPECT_EQ(m->code, Errc::unsupported_version);
  EXPECT_EQ(m->message, "the broker speaks version 1");
  EXPECT_EQ(sent(Who{})->code, Errc::session_unknown);
}

// --- pieces

TEST(PiecesTest, AFrameGatheredFromItemsIsTheFrameOfTheWholeMessage) {
  const SubmitReply reply{1, {outcome('a', TaskState::ready)}};
  std::string gathered;
  begin_accepted(2, gathered);
  encode_item(reply, gathered);
  encode_item(reply, gathered);
  EXPECT_EQ(gathered, frame_of(Accepted{{reply, reply}}));

  const std::string task = task_bytes('a', "t");
  const Assign::Item assigned{1, 0, 5, 1s, "default", "default", Priority::normal, kThen, task};
  gathered.clear();
  begin_assign(kSession, 1, gathered);
  encode_item(assigned, gathered);
  EXPECT_EQ(gathered, frame_of(Assign{kSession, {assigned}}));

  const Verdict verdict{task_named('a'), 1, Errc::ok};
  gathered.clear();
  begin_confirm(kSession, 1, gathered);
  encode_item(verdict, gathered);
  EXPECT_EQ(gathered, frame_of(Confirm{kSession, {verdict}}));

  const CancelAttempts::Item cancelled{task_named('a'), 1, 1s};
  gathered.clear();
  begin_cancel(kSession, 1, gathered);
  encode_item(cancelled, gathered);
  EXPECT_EQ(gathered, frame_of(CancelAttempts{kSession, {cancelled}}));
}

TEST(PiecesTest, TheTaskOfAnAssignmentIsItsLastField) {
  // The broker writes an item without its task and appends the task's bytes from the store.
  const std::string task = task_bytes('a', "t");
  Assign::Item item{1, 0, 5, 1s, "default", "default", Priority::normal, kThen, {}};
  std::string bytes;
  encode_item(item, bytes);
  bytes += task;
  item.task = task;
  std::string whole;
  encode_item(item, whole);
  EXPECT_EQ(bytes, whole);
}

TEST(PiecesTest, TheRequestOfARefusedFrameIsFound) {
  std::string frame = frame_of(Show{4711, task_named('a')});
  EXPECT_EQ(peek_request(frame), 4711u);
  frame.resize(6);
  EXPECT_EQ(peek_request(frame), 4711u) << "torn behind the request";
  EXPECT_EQ(peek_request(""), 0u);
  EXPECT_EQ(peek_request("\x91\x01"), 0u) << "a message without one";
  EXPECT_EQ(peek_request("no frame"), 0u);
}

}  // namespace
}  // namespace drover::wire::testing
