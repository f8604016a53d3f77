// Records as bytes: what is written today is read by every later release.

#include "broker/store/record_codec.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "common/wire/reader.hpp"
#include "common/wire/writer.hpp"

namespace drover::broker {
namespace {

TaskId task_named(char name) {
  TaskId id;
  id.bytes.fill(static_cast<std::uint8_t>(name));
  return id;
}

const std::vector<Attempt>& two_attempts() {
  static const std::vector<Attempt> attempts = {{1,
                                                 WorkerId{task_named('w').bytes},
                                                 instant_from_ms(1000),
                                                 instant_from_ms(2000),
                                                 Outcome::failed,
                                                 {"TASK_FAILED", "no", true},
                                                 {1, 2, 3}},
                                                {2,
                                                 WorkerId{task_named('v').bytes},
                                                 instant_from_ms(3000),
                                                 kNever,
                                                 Outcome::worker_lost,
                                                 {"WORKER_LOST", "", false},
                                                 {}}};
  return attempts;
}

// A record in which no two fields of a type have the same value.
Record full_record() {
  Record r;
  r.kind = RecordKind::created;
  r.at = instant_from_ms(1);
  r.task = task_named('a');
  r.tenant = "acme";
  r.queue = "emails";
  r.type = "mail.send";
  r.priority = Priority::urgent;
  r.from = TaskState::running;
  r.state = TaskState::retrying;
  r.admission = 0x1122334455667788;
  r.attempt = 2;
  r.failures = 3;
  r.strikes = 4;
  r.worker = WorkerId{task_named('w').bytes};
  r.created_at = instant_from_ms(5);
  r.ready_at = instant_from_ms(6);
  r.started_at = instant_from_ms(7);
  r.until = instant_from_ms(8);
  r.wait = Duration(9);
  r.expires_at = instant_from_ms(10);
  r.outcome = Outcome::timed_out;
  r.error = {"TIMED_OUT", "too slow", false};
  r.usage = {11, 12, 13};
  r.reason = "reason";
  r.user_id = "user";
  r.agent_id = "agent";
  r.traceparent = "trace";
  r.timeout = Duration(14);
  r.max_attempts = 15;
  r.backoff = {BackoffKind::fixed, Duration(16), 17'000, Duration(18), false};
  r.result_ttl = Duration(19);
  r.idempotency_key = "key";
  r.payload_hash = UINT64_MAX;
  r.content_type = "text/plain";
  r.history = two_attempts();
  r.blob = std::string_view("\x00\xff blob", 7);
  r.host = "node-7";
  r.pid = 4711;
  return r;
}

std::string bytes_of(const Record& record) {
  std::string bytes;
  encode_record(record, bytes);
  return bytes;
}

void expect_hot_fields(const Record& r, const Record& expected) {
  EXPECT_EQ(r.kind, expected.kind);
  EXPECT_EQ(r.at, expected.at);
  EXPECT_EQ(r.task, expected.task);
  EXPECT_EQ(r.tenant, expected.tenant);
  EXPECT_EQ(r.queue, expected.queue);
  EXPECT_EQ(r.type, expected.type);
  EXPECT_EQ(r.priority, expected.priority);
  EXPECT_EQ(r.from, expected.from);
  EXPECT_EQ(r.state, expected.state);
  EXPECT_EQ(r.admission, expected.admission);
  EXPECT_EQ(r.attempt, expected.attempt);
  EXPECT_EQ(r.failures, expected.failures);
  EXPECT_EQ(r.strikes, expected.strikes);
  EXPECT_EQ(r.worker, expected.worker);
  EXPECT_EQ(r.created_at, expected.created_at);
  EXPECT_EQ(r.ready_at, expected.ready_at);
  EXPECT_EQ(r.started_at, expected.started_at);
  EXPECT_EQ(r.until, expected.until);
  EXPECT_EQ(r.wait, expected.wait);
  EXPECT_EQ(r.expires_at, expected.expires_at);
  EXPECT_EQ(r.outcome, expected.outcome);
  EXPECT_EQ(r.error.code, expected.error.code);
  EXPECT_EQ(r.error.message, expected.error.message);
  EXPECT_EQ(r.error.retryable, expected.error.retryable);
  EXPECT_EQ(r.usage, expected.usage);
  EXPECT_EQ(r.reason, expected.reason);
  EXPECT_EQ(r.user_id, expected.user_id);
  EXPECT_EQ(r.agent_id, expected.agent_id);
  EXPECT_EQ(r.traceparent, expected.traceparent);
  EXPECT_EQ(r.blob, expected.blob);
  EXPECT_EQ(r.host, expected.host);
  EXPECT_EQ(r.pid, expected.pid);
}

void expect_whole_fields(const Record& r, const Record& expected) {
  EXPECT_EQ(r.timeout, expected.timeout);
  EXPECT_EQ(r.max_attempts, expected.max_attempts);
  EXPECT_EQ(r.backoff, expected.backoff);
  EXPECT_EQ(r.result_ttl, expected.result_ttl);
  EXPECT_EQ(r.idempotency_key, expected.idempotency_key);
  EXPECT_EQ(r.payload_hash, expected.payload_hash);
  EXPECT_EQ(r.content_type, expected.content_type);
  EXPECT_EQ(std::vector<Attempt>(r.history.begin(), r.history.end()),
            std::vector<Attempt>(expected.history.begin(), expected.history.end()));
}

TEST(RecordBytesTest, AWholeRecordComesBackWithEverything) {
  for (const auto kind : {RecordKind::created, RecordKind::completed, RecordKind::whole}) {
    Record record = full_record();
    record.kind = kind;
    const std::string bytes = bytes_of(record);
    const auto stored = decode_record(bytes);
    ASSERT_TRUE(stored) << stored.error().message;
    expect_hot_fields(stored->record, record);
    expect_whole_fields(stored->record, record);
  }
}

TEST(RecordBytesTest, AnyOtherRecordComesBackWithAllThatIsHot) {
  for (int kind = 1; kind <= 34; ++kind) {
    Record record = full_record();
    record.kind = static_cast<RecordKind>(kind);
    if ((kind > 14 && kind < 32) || is_whole(record.kind)) continue;
    const std::string bytes = bytes_of(record);
    const auto stored = decode_record(bytes);
    ASSERT_TRUE(stored) << kind << ": " << stored.error().message;
    expect_hot_fields(stored->record, record);
    if (record.kind == RecordKind::key) {
      expect_whole_fields(stored->record, record);
    } else {
      EXPECT_EQ(stored->record.idempotency_key, "");
      EXPECT_TRUE(stored->record.history.empty());
    }
  }
}

TEST(RecordBytesTest, AnEmptyRecordComesBackEmpty) {
  const std::string bytes = bytes_of(Record{});
  const auto stored = decode_record(bytes);
  ASSERT_TRUE(stored);
  expect_hot_fields(stored->record, Record{});
  expect_whole_fields(stored->record, Record{});
}

TEST(RecordBytesTest, TheErrorOfADeathIsKeptThoughNoAttemptEndedWithIt) {
  Record record;
  record.kind = RecordKind::dead;
  record.error = {"TASK_FAILED", "no", false};
  const std::string bytes = bytes_of(record);
  const auto stored = decode_record(bytes);
  EXPECT_EQ(stored->record.outcome, Outcome::none);
  EXPECT_EQ(stored->record.error.code, "TASK_FAILED");
  EXPECT_EQ(stored->record.error.message, "no");
  EXPECT_FALSE(stored->record.error.retryable);
}

TEST(RecordBytesTest, TheBlobIsFoundWithoutReadingTheRest) {
  const std::string bytes = bytes_of(full_record());
  EXPECT_EQ(*blob_of(bytes), full_record().blob);
  EXPECT_EQ(blob_of("\xc1").error().code, Errc::malformed);
  EXPECT_EQ(blob_of("").error().code, Errc::malformed);
}

TEST(RecordBytesTest, FieldsOfALaterReleaseAreIgnored) {
  const std::string bytes = bytes_of(full_record());
  wire::Reader r(bytes);
  const auto fields = r.array();
  std::string longer;
  wire::Writer(longer).array(fields + 2).raw(r.rest()).str("added").map(0);
  const auto stored = decode_record(longer);
  ASSERT_TRUE(stored) << stored.error().message;
  expect_hot_fields(stored->record, full_record());
  expect_whole_fields(stored->record, full_record());
  EXPECT_EQ(*blob_of(longer), full_record().blob);
}

TEST(RecordBytesTest, WhatIsNoRecordIsRefused) {
  const std::string bytes = bytes_of(full_record());
  EXPECT_FALSE(decode_record(""));
  EXPECT_FALSE(decode_record("\x90"));
  EXPECT_FALSE(decode_record(bytes + "\xc0")) << "a byte too many";
  for (const int kind : {0, 22, 31, 38}) {
    std::string other = bytes;
    ASSERT_EQ(other[3], 1) << "the kind stands behind the head of the array";
    other[3] = static_cast<char>(kind);
    EXPECT_EQ(decode_record(other).error().code, Errc::malformed) << kind;
  }
}

TEST(RecordBytesTest, ATornOrFlippedRecordNeverReadsBeyondItself) {
  const std::string bytes = bytes_of(full_record());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto exact = std::make_unique<char[]>(size);
    std::copy_n(bytes.begin(), size, exact.get());
    ASSERT_FALSE(decode_record({exact.get(), size})) << size;
  }
  std::string flipped = bytes;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto exact = std::make_unique<char[]>(flipped.size());
    std::copy(flipped.begin(), flipped.end(), exact.get());
    if (const auto stored = decode_record({exact.get(), flipped.size()})) {
      bytes_of(stored->record);  // touches all that was read
    }
    flipped[bit / 8] = bytes[bit / 8];
  }
}

}  // namespace
}  // namespace drover::broker
