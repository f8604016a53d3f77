// Tasks as JSON, and one message's worth of them.

#include "drover/task_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/wire/codec.hpp"
#include "sdks/cpp/src/client_impl.hpp"
#include "sdks/cpp/src/submission.hpp"

namespace drover {
namespace {

using nlohmann::json;

Result<NewTask> read(const char* text) { return task_from_json(json::parse(text)); }

std::string refusal(const char* text) {
  const auto task = read(text);
  return task ? "not refused" : task.error().field + ": " + task.error().message;
}

TEST(TaskJson, EveryFieldIsTaken) {
  const auto task = read(R"({
    "id": "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c04", "type": "code.review", "payload": {"a": [1, "ä"]},
    "content_type": "application/json", "queue": "reviews", "priority": "HIGH", "tenant": "acme",
    "user_id": "u", "agent_id": "a", "required_capabilities": ["gpu"], "required_labels": {"z": "1"},
    "delay_ms": 5, "ttl_ms": 6, "timeout_ms": 7, "max_attempts": 8,
    "backoff": {"kind": "fixed", "base_ms": 9, "factor": 1.5, "max_ms": 10, "jitter": false},
    "idempotency_key": "k", "result_ttl_ms": 11, "traceparent": "t", "metadata": {"m": "n"}})");
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(to_string(*task->id), "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c04");
  EXPECT_EQ(task->type, "code.review");
  EXPECT_EQ(task->payload, "{\"a\":[1,\"ä\"]}");
  EXPECT_EQ(task->queue, "reviews");
  EXPECT_EQ(task->priority, Priority::high);
  EXPECT_EQ(task->tenant, "acme");
  EXPECT_EQ(task->required_capabilities, std::vector<std::string>{"gpu"});
  EXPECT_EQ(task->required_labels[0].second, "1");
  EXPECT_EQ(task->delay, 5ms);
  EXPECT_EQ(task->ttl, 6ms);
  EXPECT_EQ(task->timeout, 7ms);
  EXPECT_EQ(task->max_attempts, 8u);
  EXPECT_EQ(task->backoff, (Backoff{BackoffKind::fixed, 9ms, 1500, 10ms, false}));
  EXPECT_EQ(task->idempotency_key, "k");
  EXPECT_EQ(task->result_ttl, 11ms);
  EXPECT_EQ(task->metadata[0].first, "m");
}

TEST(TaskJson, InstantsAndBlobsAreTaken) {
  const auto task = read(
      R"({"type":"t","payload_base64":"AAE=","content_type":"image/png",
          "not_before":"2026-01-31T08:05:09.007Z","expires_at":"2026-02-01T00:00:00+01:00"})");
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->payload, std::string("\0\1", 2));
  EXPECT_EQ(to_rfc3339(*task->not_before), "2026-01-31T08:05:09.007Z");
  EXPECT_EQ(to_rfc3339(*task->expires_at), "2026-01-31T23:00:00.000Z");
}

TEST(TaskJson, WithoutAPayloadItIsNull) { EXPECT_EQ(read(R"({"type":"t"})")->payload, "null"); }

TEST(TaskJson, MistakesNameTheirField) {
  EXPECT_EQ(refusal(R"([])"), ": a task must be a JSON object");
  EXPECT_EQ(refusal(R"({})"), "type: type must be given");
  EXPECT_EQ(refusal(R"({"type":5})"), "type: type must be a text");
  EXPECT_EQ(refusal(R"({"type":"t","colour":"x"})"), "colour: a task has no field colour");
  EXPECT_EQ(refusal(R"({"type":"t","rate_cost":-1})"),
            "rate_cost: rate_cost must be a whole number, not negative");
  EXPECT_EQ(refusal(R"({"type":"t","id":"x"})"), "id: id must be a UUID");
  EXPECT_EQ(refusal(R"({"type":"t","priority":"asap"})"),
            "priority: priority must be low, normal, high, urgent or critical");
  EXPECT_EQ(refusal(R"({"type":"t","delay_ms":-1})"),
            "delay_ms: delay_ms must be a whole number, not negative");
  EXPECT_EQ(refusal(R"({"type":"t","delay_ms":1.5})"),
            "delay_ms: delay_ms must be a whole number, not negative");
  EXPECT_EQ(refusal(R"({"type":"t","delay_ms":18446744073709551615})"),
            "delay_ms: delay_ms must be a whole number, not negative");
  EXPECT_EQ(refusal(R"({"type":"t","max_attempts":4294967297})"),
            "max_attempts: max_attempts must be 1 to 100");
  EXPECT_EQ(refusal(R"({"type":"t","not_before":5})"),
            "not_before: not_before must be an instant such as 2026-01-31T08:05:09.007Z");
  EXPECT_EQ(refusal(R"({"type":"t","payload":1,"payload_base64":"AA=="})"),
            "payload_base64: payload and payload_base64 exclude each other");
  EXPECT_EQ(refusal(R"({"type":"t","payload_base64":"A"})"),
            "payload_base64: payload_base64 must be base64");
  EXPECT_EQ(refusal(R"({"type":"t","backoff":{"kind":"odd"}})"),
            "backoff.kind: backoff.kind must be exponential or fixed");
  EXPECT_EQ(refusal(R"({"type":"t","backoff":{"size":1}})"),
            "backoff.size: backoff has no field size");
  EXPECT_EQ(refusal(R"({"type":"t","backoff":{"factor":1e300}})"),
            "backoff.factor: backoff.factor must be 1 to 100");
  EXPECT_EQ(refusal(R"({"type":"t","required_labels":{"a":1}})"),
            "required_labels: required_labels must be a text");
  EXPECT_EQ(refusal(R"({"type":"t","required_capabilities":"gpu"})"),
            "required_capabilities: required_capabilities must be a list of names");
}

class SubmissionTest : public testing::Test {
 protected:
  SubmissionTest() {
    broker.batch_max = 3;
    broker.message_max = 400;
    broker.payload_max = 100;
  }
  static NewTask task(std::string payload = "1") {
    return {.type = "t", .payload = std::move(payload)};
  }
  Submission take(std::span<NewTask> tasks) { return Submission(tasks, broker, now, random); }

  // What the broker would read.
  static wire::Submit decoded(const Submission& submission, std::string& frame) {
    wire::encode(wire::ClientMessage(submission.message()), frame);
    return std::get<wire::Submit>(*wire::decode_client_message(frame, {}));
  }

  BrokerInfo broker;
  Instant now = instant_from_ms(1'700'000'000'000);
  Random random{1};
};

TEST_F(SubmissionTest, TasksGetIdsThatTheBrokerWillTake) {
  std::vector<NewTask> tasks = {task(), task()};
  tasks[1].tenant = "acme";
  const auto submission = take(tasks);
  std::string frame;
  const auto read = decoded(submission, frame);
  ASSERT_EQ(read.tasks.size(), 2u);
  for (const auto& one : read.tasks) EXPECT_TRUE(check(one.spec, {}, now));
  EXPECT_EQ(read.tasks[0].spec.id, *tasks[0].id);
  EXPECT_NE(tasks[0].id, tasks[1].id);
}

TEST_F(SubmissionTest, TasksWithoutATenantAreOfTheOneThatOurKeyIsFor) {
  broker.tenant = "acme";
  NewTask some[] = {{.type = "t"}, {.type = "t", .tenant = "zeta"}};
  std::string frame;
  const auto message = decoded(take(some), frame);
  ASSERT_EQ(message.tasks.size(), 2u);
  EXPECT_EQ(message.tasks[0].spec.tenant, "acme");
  EXPECT_EQ(tenant_hash_of(message.tasks[0].spec.id), tenant_hash("acme"));
  EXPECT_EQ(message.tasks[1].spec.tenant, "zeta") << "the broker will say what it thinks of that";
}

TEST_F(SubmissionTest, AsManyTasksAreTakenAsFit) {
  std::vector<NewTask> many(5, task());
  EXPECT_EQ(take(many).taken(), 3u);  // batch_max

  std::vector<NewTask> large(5, task(std::string(100, '1')));
  const auto submission = take(large);
  EXPECT_EQ(submission.taken(), 2u);  // message_max
  EXPECT_TRUE(large[1].id);
  EXPECT_FALSE(large[2].id);
  std::string frame;
  decoded(submission, frame);
  EXPECT_LE(frame.size(), broker.message_max);
}

TEST_F(SubmissionTest, TasksThatBreakARuleAreRefusedHereAndTheOthersGo) {
  std::vector<NewTask> tasks = {task(), task(std::string(101, '1')), task()};
  tasks[2].queue = "no queue";
  auto submission = take(tasks);
  std::string frame;
  EXPECT_EQ(decoded(submission, frame).tasks.size(), 1u);
  const auto merged = submission.merge({{.id = *tasks[0].id, .state = TaskState::running}});
  ASSERT_TRUE(merged);
  EXPECT_EQ((*merged)[0].state, TaskState::running);
  EXPECT_EQ((*merged)[1].refused->code, Errc::payload_too_large);
  EXPECT_EQ((*merged)[2].refused->code, Errc::bad_name);
  EXPECT_EQ((*merged)[2].refused->field, "queue");
}

TEST_F(SubmissionTest, OurOwnRepeatIsNoDuplicate) {
  std::vector<NewTask> tasks = {task(), task(), task()};
  tasks[1].id = make_task_id(now, "default", random);
  auto submission = take(tasks);
  const auto first = make_task_id(now, "default", random);
  const auto merged = submission.merge({{.id = *tasks[0].id, .duplicate = true},
                                        {.id = *tasks[1].id, .duplicate = true},
                                        {.id = first, .duplicate = true}});
  ASSERT_TRUE(merged);
  EXPECT_FALSE((*merged)[0].duplicate);  // made here: nobody else can have sent it
  EXPECT_TRUE((*merged)[1].duplicate);   // the caller's own id
  EXPECT_TRUE((*merged)[2].duplicate);   // known by its idempotency key
}

TEST_F(SubmissionTest, AnAnswerOfAnotherLengthIsNoAnswer) {
  std::vector<NewTask> tasks = {task()};
  EXPECT_EQ(take(tasks).merge({}).error().code, Errc::malformed);
}

TEST(ReachedThrough, ABrokerOnAllInterfacesIsReachedByTheNameWeKnow) {
  EXPECT_EQ(reached_through("tcp://broker:7700", "tcp://0.0.0.0:7702"), "tcp://broker:7702");
  EXPECT_EQ(reached_through("tcp://[::1]:7700", "tcp://[::]:7702"), "tcp://[::1]:7702");
  EXPECT_EQ(reached_through("tcp://broker:7700", "tcp://10.0.0.1:7702"), "tcp://10.0.0.1:7702");
}

}  // namespace
}  // namespace drover
