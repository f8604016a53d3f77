// Answers: maps with the names of the JSON interface that scripts rely on.

#include "broker/io/answers.hpp"

#include <gtest/gtest.h>

#include "common/wire/codec.hpp"
#include "tests/unit/broker/io/io_session.hpp"

namespace drover::broker::testing {
namespace {

using drover::testing::spell_msgpack;

TaskView view_of(TaskState state) {
  TaskView v;
  v.id = task_named('a');
  v.tenant = "acme";
  v.queue = "reviews";
  v.type = "code.review";
  v.priority = Priority::high;
  v.state = state;
  v.max_attempts = 5;
  v.timeout = 5min;
  v.created_at = instant_from_ms(1000);
  return v;
}

Attempt attempt_of(std::uint32_t number, Outcome outcome, TaskError error = {}) {
  Attempt a;
  a.attempt = number;
  a.worker = worker_named('w');
  a.started_at = instant_from_ms(2000);
  a.finished_at = instant_from_ms(3000);
  a.outcome = outcome;
  a.error = std::move(error);
  return a;
}

std::string blob_with(std::string_view payload) {
  TaskSpec spec;
  spec.id = task_named('a');
  spec.type = "code.review";
  spec.payload = payload;
  spec.required_capabilities = {"gpu"};
  spec.required_labels = {{"zone", "eu"}};
  spec.metadata = {{"order", "4711"}};
  std::string bytes;
  wire::encode_task(spec, bytes);
  return bytes;
}

std::string answer(const TaskView& view, std::string_view blob) {
  std::string out;
  const auto ok = encode_task_answer(view, blob, out);
  return ok ? spell_msgpack(out) : "refused: " + ok.error().message;
}

constexpr auto kId = "61616161-6161-6161-6161-616161616161";
constexpr auto kWorker = "77777777-7777-7777-7777-777777777777";
const std::string kBackoff =
    R"("timeout_ms": 300000, "backoff": {"kind": "exponential", "base_ms": 1000, "factor": 2, )"
    R"("max_ms": 600000, "jitter": true})";

// --- a task

TEST(TaskAnswerTest, AWaitingTaskHasItsPayloadAndWhatItRequires) {
  TaskView v = view_of(TaskState::ready);
  v.ready_at = instant_from_ms(1000);
  v.waiting_for = "capability";
  v.expires_at = instant_from_ms(9000);
  v.labels.idempotency_key = "pr-42";
  v.labels.user_id = "user-7";
  v.labels.agent_id = "reviewer-1";
  v.labels.traceparent = "00-af-b7-01";
  EXPECT_EQ(
      answer(v, blob_with("{\"pr\":42}")),
      std::string(R"({"id": ")") + kId +
          R"(", "tenant": "acme", "queue": "reviews", "type": "code.review", )"
          R"("priority": "high", "state": "ready", "waiting_for": "capability", "attempt": 0, )"
          R"("failures": 0, "max_attempts": 5, "created_at": 1000, "ready_at": 1000, )"
          R"("expires_at": 9000, )" +
          kBackoff +
          R"(, "attempts": [], "idempotency_key": "pr-42", "user_id": "user-7", )"
          R"("agent_id": "reviewer-1", "traceparent": "00-af-b7-01", )"
          R"("content_type": "application/json", "payload": b"{\"pr\":42}", )"
          R"("metadata": {"order": "4711"}, "required_capabilities": ["gpu"], )"
          R"("required_labels": {"zone": "eu"}, "source": "live"})");
}

TEST(TaskAnswerTest, ACompletedTaskHasItsResultInsteadAndWhatItUsed) {
  TaskView v = view_of(TaskState::completed);
  v.ready_at = instant_from_ms(1000);
  v.started_at = instant_from_ms(2000);
  v.finished_at = instant_from_ms(3000);
  v.worker = worker_named('w');
  v.attempt = 2;
  v.failures = 1;
  v.labels.content_type = "text/plain";
  v.labels.usage = {1200, 350, 4100};
  v.attempts = {attempt_of(1, Outcome::failed, {"TASK_FAILED", "no", true}),
                attempt_of(2, Outcome::completed)};
  v.attempts.back().usage = v.labels.usage;
  const std::string usage =
      R"("usage": {"input_tokens": 1200, "output_tokens": 350, "cost_usd": 0.0041})";
  const std::string times = std::string(R"("worker_id": ")") + kWorker +
                            R"(", "started_at": 2000, "finished_at": 3000, )";
  EXPECT_EQ(answer(v, "fine"),
            std::string(R"({"id": ")") + kId +
                R"(", "tenant": "acme", "queue": "reviews", "type": "code.review", )"
                R"("priority": "high", "state": "completed", "attempt": 2, "failures": 1, )"
                R"("max_attempts": 5, "created_at": 1000, "ready_at": 1000, "started_at": 2000, )"
                R"("finished_at": 3000, "worker_id": ")" +
                kWorker + R"(", )" + kBackoff + R"(, "attempts": [{"attempt": 1, )" + times +
                R"("outcome": "failed", "error": {"code": "TASK_FAILED", "message": "no", )"
                R"("retryable": true}}, {"attempt": 2, )" +
                times + R"("outcome": "completed", )" + usage +
                R"(}], "content_type": "text/plain", "result": b"fine", )" + usage +
                R"(, "source": "live"})");
}

TEST(TaskAnswerTest, ARunningTaskHasProgressAndAnAttemptThatHasNotEnded) {
  TaskView v = view_of(TaskState::running);
  v.attempt = 1;
  v.attempts = {attempt_of(1, Outcome::none)};
  v.attempts.back().finished_at = kNever;
  v.progress_percent = 0;
  v.progress_message = "reading";
  const auto text = answer(v, blob_with(""));
  EXPECT_NE(text.find(R"("progress": {"percent": 0, "message": "reading"})"), std::string::npos)
      << text;
  EXPECT_NE(text.find(std::string(R"("attempts": [{"attempt": 1, "worker_id": ")") + kWorker +
                      R"(", "started_at": 2000}])"),
            std::string::npos)
      << text;
}

TEST(TaskAnswerTest, ADeadTaskSaysWhyWithTheNewestErrorItHad) {
  TaskView v = view_of(TaskState::dead);
  v.reason = "attempts";
  v.attempts = {attempt_of(1, Outcome::failed, {"FIRST", "one", true}),
                attempt_of(2, Outcome::timed_out, {"TIMED_OUT", "two", true}),
                attempt_of(3, Outcome::released)};
  const auto text = answer(v, blob_with(""));
  EXPECT_NE(text.find(R"("reason": "attempts", "error": {"code": "TIMED_OUT", "message": "two", )"
                      R"("retryable": true})"),
            std::string::npos)
      << text;
}

TEST(TaskAnswerTest, ATaskThatCompletedAfterAllHasNoErrorOfItsOwn) {
  TaskView v = view_of(TaskState::completed);
  v.attempts = {attempt_of(1, Outcome::failed, {"FIRST", "one", true})};
  std::string summary;
  encode_task_summary(v, summary);
  EXPECT_EQ(spell_msgpack(summary).find("error"), std::string::npos);
}

TEST(TaskAnswerTest, AScheduledTaskSaysWhenItIsDue) {
  TaskView v = view_of(TaskState::scheduled);
  v.waiting_for = "time";
  v.due_at = instant_from_ms(5000);
  const auto text = answer(v, blob_with(""));
  EXPECT_NE(text.find(R"("waiting_for": "time")"), std::string::npos);
  EXPECT_NE(text.find(R"("due_at": 5000)"), std::string::npos);
  EXPECT_EQ(text.find("ready_at"), std::string::npos) << "it has not been in line";
}

TEST(TaskAnswerTest, ABackoffIsToldWithItsFactorAsAPlainNumber) {
  TaskView v = view_of(TaskState::ready);
  v.backoff = Backoff{BackoffKind::fixed, 0ms, 1500, 1h, false};
  EXPECT_NE(answer(v, blob_with(""))
                .find(R"("backoff": {"kind": "fixed", "base_ms": 0, "factor": 1.5, )"
                      R"("max_ms": 3600000, "jitter": false})"),
            std::string::npos);
}

TEST(TaskAnswerTest, BytesThatAreNoTaskAreAMistakeOfOurs) {
  std::string out;
  const auto refused = encode_task_answer(view_of(TaskState::ready), "\xc1", out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::internal);
}

// --- lists

TEST(ListAnswerTest, ATaskListHasSummariesAndWhereToGoOn) {
  TaskPage page;
  page.tasks = {view_of(TaskState::ready)};
  page.tasks[0].attempts = {attempt_of(1, Outcome::failed, {"FIRST", "one", false})};
  page.next = 12;
  std::string out;
  encode_task_page(page, out);
  EXPECT_EQ(spell_msgpack(out),
            std::string(R"({"tasks": [{"id": ")") + kId +
                R"(", "tenant": "acme", "queue": "reviews", "type": "code.review", )"
                R"("priority": "high", "state": "ready", "attempt": 0, "failures": 0, )"
                R"("max_attempts": 5, "created_at": 1000, "error": {"code": "FIRST", )"
                R"("message": "one", "retryable": false}}], "next_cursor": 12})");
  out.clear();
  encode_task_page({}, out);
  EXPECT_EQ(spell_msgpack(out), R"({"tasks": [], "next_cursor": null})");
}

TEST(ListAnswerTest, DeadLettersAreToldWithReasonAttemptsAndError) {
  TaskPage page;
  page.tasks = {view_of(TaskState::dead)};
  page.tasks[0].reason = "fatal";
  page.tasks[0].attempt = 3;
  page.tasks[0].finished_at = instant_from_ms(3000);
  page.tasks[0].attempts = {attempt_of(3, Outcome::failed, {"BAD_PAYLOAD", "x is missing", false})};
  std::string out;
  encode_dead_page(page, out);
  EXPECT_EQ(spell_msgpack(out),
            std::string(R"({"dead": [{"id": ")") + kId +
                R"(", "tenant": "acme", "queue": "reviews", "type": "code.review", )"
                R"("reason": "fatal", "attempts": 3, "dead_at": 3000, "error": )"
                R"({"code": "BAD_PAYLOAD", "message": "x is missing", "retryable": false}}], )"
                R"("next_cursor": null})");
}

TEST(ListAnswerTest, AQueueIsToldWithAllItsCounts) {
  QueueView q;
  q.tenant = "acme";
  q.queue = "reviews";
  q.books.submitted = 45;
  for (std::size_t i = 0; i < kTaskStates; ++i) q.books.by_state[i] = i;
  q.books.purged = 9;
  QueueView idle = q;
  q.oldest_ready = 1500ms;
  std::string out;
  encode_queues({q}, out);
  EXPECT_EQ(spell_msgpack(out),
            R"([{"queue": "reviews", "tenant": "acme", "paused": false, "submitted": 45, )"
            R"("blocked": 0, "scheduled": 1, "ready": 2, "running": 3, "retrying": 4, )"
            R"("completed": 5, "dead": 6, "cancelled": 7, "expired": 8, "purged": 9, )"
            R"("oldest_ready_ms": 1500}])");
  out.clear();
  encode_queues({idle}, out);
  EXPECT_NE(spell_msgpack(out).find(R"("oldest_ready_ms": null)"), std::string::npos);
}

TEST(ListAnswerTest, AWorkerIsToldWithWhatItRunsAndHowMuch) {
  WorkerView w;
  w.id = worker_named('w');
  w.host = "node-7";
  w.pid = 4711;
  w.state = "busy";
  w.types = {"code.review", "test.echo"};
  w.slots = 4;
  w.window = 6;
  w.running = 2;
  w.heard_at = instant_from_ms(1000);
  std::string out;
  encode_workers({w}, out);
  EXPECT_EQ(spell_msgpack(out),
            std::string(R"([{"id": ")") + kWorker +
                R"(", "pid": 4711, "host": "node-7", "state": "busy", )"
                R"("types": ["code.review", "test.echo"], "capabilities": [], "slots": 4, )"
                R"("window": 6, "running": 2, "heard_at": 1000}])");
  w.features = {"gpu", "zone=eu"};
  out.clear();
  encode_workers({w}, out);
  EXPECT_NE(spell_msgpack(out).find(R"("capabilities": ["gpu", "zone=eu"])"), std::string::npos);
}

TEST(ListAnswerTest, BooksSayForWhichEventTheyHold) {
  std::string out;
  encode_books({}, 41, store_named('S'), out);
  EXPECT_EQ(spell_msgpack(out),
            R"({"seq": 41, "store": "53535353-5353-5353-5353-535353535353", "queues": []})");
}

TEST(ListAnswerTest, WhatBecameOfSeveralTasksIsToldOneByOne) {
  std::string out;
  encode_changed({{task_named('a'), TaskState::cancelled},
                  {task_named('b'), Error{Errc::not_found, "the broker knows no such task", "id"}},
                  {task_named('c'), Error{Errc::wrong_state, "it has completed"}}},
                 out);
  EXPECT_EQ(spell_msgpack(out),
            R"({"tasks": [{"id": "61616161-6161-6161-6161-616161616161", "state": "cancelled"}, )"
            R"({"id": "62626262-6262-6262-6262-626262626262", "error": {"code": "NOT_FOUND", )"
            R"("message": "the broker knows no such task", "field": "id"}}, )"
            R"({"id": "63636363-6363-6363-6363-636363636363", "error": {"code": "WRONG_STATE", )"
            R"("message": "it has completed"}}]})");
}

}  // namespace
}  // namespace drover::broker::testing
