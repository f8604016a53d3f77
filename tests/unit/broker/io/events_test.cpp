// Events: what the bus tells of a record, the same when it happens and when it is replayed.

#include "broker/io/events.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "broker/store/record_codec.hpp"
#include "common/base/random.hpp"
#include "tests/unit/broker/io/io_session.hpp"

namespace drover::broker::testing {
namespace {

using drover::testing::spell_msgpack;

constexpr auto kTask = "61616161-6161-6161-6161-616161616161";
constexpr auto kWorker = "77777777-7777-7777-7777-777777777777";

Record record_of(RecordKind kind, TaskState state) {
  Record r;
  r.kind = kind;
  r.at = instant_from_ms(5000);
  r.task = task_named('a');
  r.tenant = "acme";
  r.queue = "emails";
  r.type = "mail.send";
  r.priority = Priority::high;
  r.from = state;
  r.state = state;
  r.admission = 1;
  r.created_at = instant_from_ms(1000);
  r.ready_at = instant_from_ms(2000);
  return r;
}

std::string event_of(const Record& record, std::uint64_t seq = 41) {
  std::string out;
  encode_event(record, seq, store_named('S'), out);
  return out;
}

// The event as it is made from what the store kept.
std::string replayed(const Record& record, std::uint64_t seq = 41) {
  std::string bytes;
  encode_record(record, bytes);
  const auto stored = decode_record(bytes);
  if (!stored) return "cannot be read: " + stored.error().message;
  EXPECT_EQ(topic_of(stored->record), topic_of(record));
  return event_of(stored->record, seq);
}

std::string data_of(const Record& record) {
  const auto text = spell_msgpack(event_of(record));
  const auto from = text.find("\"data\": ") + 8;
  return text.substr(from, text.size() - from - 1);
}

std::vector<RecordKind> event_kinds() {
  std::vector<RecordKind> kinds;
  for (int i = 1; i <= 14; ++i) kinds.push_back(static_cast<RecordKind>(i));
  return kinds;
}

// --- topics

TEST(TopicTest, IsTenantTypeQueueAndTask) {
  EXPECT_EQ(topic_of(record_of(RecordKind::dead, TaskState::dead)),
            std::string("acme/task.dead/emails/") + kTask);
  EXPECT_EQ(progress_topic(record_of(RecordKind::started, TaskState::running)),
            std::string("acme/task.progress/emails/") + kTask);
}

TEST(TopicTest, OfAWorkerIsTheSystems) {
  Record r;
  r.kind = RecordKind::worker_left;
  r.worker = worker_named('w');
  EXPECT_EQ(topic_of(r), std::string("_system/worker.left/workers/") + kWorker);
  EXPECT_EQ(kTickTopic, "_system/bus/tick");
}

TEST(TopicTest, FitsInTheLongestSubscription) {
  Record r = record_of(RecordKind::cancelled, TaskState::cancelled);
  const std::string longest(64, 'x');
  r.tenant = r.queue = longest;
  for (const auto kind : event_kinds()) {
    r.kind = kind;
    EXPECT_LE(topic_of(r).size(), 200u) << event_type(kind);
  }
}

TEST(TopicTest, EveryEventHasATypeAndWhatIsNoEventHasNone) {
  std::set<std::string_view> types;
  for (const auto kind : event_kinds()) {
    EXPECT_TRUE(is_event(kind));
    EXPECT_TRUE(types.insert(event_type(kind)).second) << event_type(kind);
  }
  EXPECT_EQ(types.count(""), 0u);
  for (const auto kind : {RecordKind::whole, RecordKind::key, RecordKind::books}) {
    EXPECT_FALSE(is_event(kind));
    EXPECT_EQ(event_type(kind), "");
  }
}

// --- what an event says

TEST(EventTest, SaysWhichStoreWhichNumberWhenAndOfWhat) {
  Record r = record_of(RecordKind::created, TaskState::ready);
  r.user_id = "user-7";
  r.agent_id = "reviewer-1";
  r.traceparent = "00-af-b7-01";
  r.expires_at = instant_from_ms(9000);
  EXPECT_EQ(spell_msgpack(event_of(r)),
            std::string(R"({"store": b"SSSSSSSSSSSSSSSS", "seq": 41, "ts": 5000, )"
                        R"("type": "task.created", "tenant": "acme", "subject": ")") +
                kTask +
                R"(", "data": {"queue": "emails", "type": "mail.send", "priority": "high", )"
                R"("state": "ready", "attempt": 0, "failures": 0, "created_at": 1000, )"
                R"("ready_at": 2000, "expires_at": 9000, "user_id": "user-7", )"
                R"("agent_id": "reviewer-1"}, "traceparent": "00-af-b7-01"})");
}

TEST(EventTest, AnEndedAttemptIsToldWithWorkerOutcomeTimesAndUsage) {
  Record r = record_of(RecordKind::completed, TaskState::completed);
  r.attempt = 2;
  r.failures = 1;
  r.worker = worker_named('w');
  r.started_at = instant_from_ms(3000);
  r.until = instant_from_ms(5000);
  r.outcome = Outcome::completed;
  r.usage = {1200, 350, 4100};
  EXPECT_EQ(data_of(r),
            std::string(R"({"queue": "emails", "type": "mail.send", "priority": "high", )"
                        R"("state": "completed", "attempt": 2, "failures": 1, "worker_id": ")") +
                kWorker +
                R"(", "outcome": "completed", "created_at": 1000, "ready_at": 2000, )"
                R"("started_at": 3000, "finished_at": 5000, "usage": {"input_tokens": 1200, )"
                R"("output_tokens": 350, "cost_usd": 0.0041}})");
}

TEST(EventTest, ARetryIsToldWithItsErrorAndWhenItIsDue) {
  Record r = record_of(RecordKind::retrying, TaskState::retrying);
  r.attempt = 1;
  r.failures = 1;
  r.outcome = Outcome::failed;
  r.error = {"TASK_FAILED", "no answer", true};
  r.until = instant_from_ms(6500);
  r.wait = 1500ms;
  const auto data = data_of(r);
  EXPECT_NE(data.find(R"("outcome": "failed", "code": "TASK_FAILED", "message": "no answer")"),
            std::string::npos)
      << data;
  EXPECT_NE(data.find(R"("due_at": 6500, "delay_ms": 1500)"), std::string::npos) << data;
  EXPECT_EQ(data.find("finished_at"), std::string::npos);
}

TEST(EventTest, ADeathIsToldWithItsReason) {
  Record r = record_of(RecordKind::dead, TaskState::dead);
  r.until = instant_from_ms(5000);
  r.reason = "poison";
  r.error = {"WORKER_LOST", "its worker vanished", true};
  const auto data = data_of(r);
  EXPECT_NE(
      data.find(R"("code": "WORKER_LOST", "message": "its worker vanished", "reason": "poison")"),
      std::string::npos)
      << data;
  EXPECT_NE(data.find(R"("finished_at": 5000)"), std::string::npos);
}

TEST(EventTest, ALongErrorIsCutInTheEventButNotInTheRecord) {
  Record r = record_of(RecordKind::failed, TaskState::dead);
  r.outcome = Outcome::failed;
  std::string message(255, 'm');
  message += "\u00fc and more";
  r.error = {"X", message, true};
  const auto data = data_of(r);
  EXPECT_NE(data.find("\"message\": \"" + std::string(255, 'm') + "\""), std::string::npos) << data;
  std::string bytes;
  encode_record(r, bytes);
  EXPECT_EQ(decode_record(bytes)->record.error.message, message);
}

TEST(EventTest, AWorkerIsToldUnderTheSystemsTenant) {
  Record r;
  r.kind = RecordKind::worker_left;
  r.at = instant_from_ms(5000);
  r.worker = worker_named('w');
  r.host = "node-7";
  r.pid = 4711;
  r.reason = "silent";
  EXPECT_EQ(spell_msgpack(event_of(r)),
            std::string(R"({"store": b"SSSSSSSSSSSSSSSS", "seq": 41, "ts": 5000, )"
                        R"("type": "worker.left", "tenant": "_system", "subject": ")") +
                kWorker + R"(", "data": {"host": "node-7", "pid": 4711, "reason": "silent"}})");
}

TEST(EventTest, ProgressHasNoNumber) {
  const Record task = record_of(RecordKind::started, TaskState::running);
  std::string out;
  encode_progress(task, {task_named('a'), 2, 50, "half"}, store_named('S'), out);
  // The attempt is the one that the record knows of.
  EXPECT_EQ(spell_msgpack(out),
            std::string(R"({"store": b"SSSSSSSSSSSSSSSS", "ts": 5000, "type": "task.progress", )"
                        R"("tenant": "acme", "subject": ")") +
                kTask +
                R"(", "data": {"queue": "emails", "type": "mail.send", "attempt": 0, )"
                R"("percent": 50, "message": "half"}})");
  out.clear();
  encode_progress(task, {task_named('a'), 2, std::nullopt, std::string(2000, 'x')},
                  store_named('S'), out);
  const auto text = spell_msgpack(out);
  EXPECT_EQ(text.find("percent"), std::string::npos);
  EXPECT_NE(text.find("\"message\": \"" + std::string(1024, 'x') + "\""), std::string::npos);
}

TEST(EventTest, TheTickSaysTheNewestDurableNumber) {
  std::string out;
  encode_tick(1000, instant_from_ms(5000), store_named('S'), out);
  EXPECT_EQ(
      spell_msgpack(out),
      R"({"store": b"SSSSSSSSSSSSSSSS", "ts": 5000, "type": "bus.tick", "tenant": "_system", )"
      R"("subject": "tick", "data": {"seq": 1000}})");
}

// --- the same again

TEST(ReplayTest, AnEventMadeFromTheStoredRecordIsTheOneThatWasTold) {
  for (const auto kind : event_kinds()) {
    Record r = record_of(kind, TaskState::running);
    r.worker = worker_named('w');
    r.host = "node-7";
    r.pid = 1;
    EXPECT_EQ(spell_msgpack(replayed(r)), spell_msgpack(event_of(r))) << event_type(kind);
  }
}

TEST(ReplayTest, NothingThatAnEventTellsIsLostOnTheWayThroughTheStore) {
  // Records with any of their fields said or not, in any combination.
  Random random(1);
  const auto maybe = [&](auto value) { return random.one_in(2) ? value : decltype(value){}; };
  const auto maybe_at = [&] { return random.one_in(2) ? kThen : kNever; };
  for (int i = 0; i < 5000; ++i) {
    const auto kinds = event_kinds();
    Record r = record_of(kinds[random.below(kinds.size())],
                         static_cast<TaskState>(random.below(kTaskStates)));
    r.priority = static_cast<Priority>(random.below(kPriorities));
    r.attempt = static_cast<std::uint32_t>(random.below(3));
    r.failures = static_cast<std::uint32_t>(random.below(3));
    r.worker = maybe(worker_named('w'));
    r.started_at = maybe_at();
    r.until = maybe_at();
    r.wait = maybe(Duration(1500));
    r.expires_at = maybe_at();
    r.outcome = static_cast<Outcome>(random.below(kOutcomes));
    r.error = {maybe(std::string_view("CODE")), maybe(std::string_view("message")),
               random.one_in(2)};
    r.usage = maybe(Usage{1, 2, 3});
    r.reason = maybe(std::string_view("reason"));
    r.user_id = maybe(std::string_view("user"));
    r.agent_id = maybe(std::string_view("agent"));
    r.traceparent = maybe(std::string_view("trace"));
    r.host = maybe(std::string_view("host"));
    r.pid = maybe(std::uint64_t{4711});
    ASSERT_EQ(spell_msgpack(replayed(r)), spell_msgpack(event_of(r))) << "round " << i;
    ASSERT_EQ(replayed(r), event_of(r));
  }
}

}  // namespace
}  // namespace drover::broker::testing
