// The task array: submitted, stored and assigned as the same bytes, and read by every release.

#include <gtest/gtest.h>

#include <string>

#include "common/wire/reader.hpp"
#include "tests/unit/common/wire/sentences.hpp"

namespace drover::wire::testing {
namespace {

constexpr Instant kThen = instant_from_ms(1'769'846'709'007);

TaskSpec full_spec() {
  TaskSpec spec;
  spec.id = task_named('a');
  spec.type = "code.review";
  spec.payload = "{\"x\":1}";
  spec.queue = "reviews";
  spec.priority = Priority::urgent;
  spec.tenant = "acme";
  spec.content_type = "text/plain";
  spec.delay = 3s;
  spec.not_before = kThen;
  spec.ttl = 1h;
  spec.expires_at = kThen + 1h;
  spec.timeout = 30s;
  spec.max_attempts = 7;
  spec.backoff = Backoff{BackoffKind::fixed, 2s, 1500, 20s, false};
  spec.idempotency_key = "key-1";
  spec.user_id = "user-1";
  spec.agent_id = "agent-1";
  spec.required_capabilities = {"gpu", "cuda"};
  spec.required_labels = {{"zone", "eu"}};
  spec.result_ttl = 10min;
  spec.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  spec.metadata = {{"order", "4711"}, {"empty", ""}};
  spec.gate = "deploys";
  spec.concurrency_key = "customer/7";
  spec.rate_key = "model";
  spec.rate_cost = 1200;
  return spec;
}

std::string bytes_of(const TaskSpec& spec) {
  std::string bytes;
  encode_task(spec, bytes);
  return bytes;
}

std::uint32_t fields_of(std::string_view array) { return Reader(array).array(); }

// "id, type, payload" written by hand, to be gone on with.
std::string begin_task(std::size_t fields) {
  std::string bytes;
  Writer(bytes).array(fields).id(task_named('a')).str("t").bin("p");
  return bytes;
}

void expect_all_fields(const TaskSpec& spec) {
  const TaskSpec full = full_spec();
  EXPECT_EQ(spec.id, full.id);
  EXPECT_EQ(spec.type, full.type);
  EXPECT_EQ(spec.payload, full.payload);
  EXPECT_EQ(spec.queue, full.queue);
  EXPECT_EQ(spec.priority, full.priority);
  EXPECT_EQ(spec.tenant, full.tenant);
  EXPECT_EQ(spec.content_type, full.content_type);
  EXPECT_EQ(spec.delay, full.delay);
  EXPECT_EQ(spec.not_before, full.not_before);
  EXPECT_EQ(spec.ttl, full.ttl);
  EXPECT_EQ(spec.expires_at, full.expires_at);
  EXPECT_EQ(spec.timeout, full.timeout);
  EXPECT_EQ(spec.max_attempts, full.max_attempts);
  EXPECT_EQ(spec.backoff, full.backoff);
  EXPECT_EQ(spec.idempotency_key, full.idempotency_key);
  EXPECT_EQ(spec.user_id, full.user_id);
  EXPECT_EQ(spec.agent_id, full.agent_id);
  EXPECT_EQ(spec.required_capabilities, full.required_capabilities);
  EXPECT_EQ(spec.required_labels, full.required_labels);
  EXPECT_EQ(spec.result_ttl, full.result_ttl);
  EXPECT_EQ(spec.traceparent, full.traceparent);
  EXPECT_EQ(spec.metadata, full.metadata);
  EXPECT_EQ(spec.gate, full.gate);
  EXPECT_EQ(spec.concurrency_key, full.concurrency_key);
  EXPECT_EQ(spec.rate_key, full.rate_key);
  EXPECT_EQ(spec.rate_cost, full.rate_cost);
}

void expect_nothing_said(const TaskSpec& spec) {
  EXPECT_EQ(spec.id, task_named('a'));
  EXPECT_EQ(spec.type, "t");
  EXPECT_EQ(spec.payload, "p");
  EXPECT_EQ(spec.queue, "");
  EXPECT_EQ(spec.priority, std::nullopt);
  EXPECT_EQ(spec.tenant, "");
  EXPECT_EQ(spec.content_type, "");
  EXPECT_EQ(spec.delay, std::nullopt);
  EXPECT_EQ(spec.not_before, std::nullopt);
  EXPECT_EQ(spec.ttl, std::nullopt);
  EXPECT_EQ(spec.expires_at, std::nullopt);
  EXPECT_EQ(spec.timeout, std::nullopt);
  EXPECT_EQ(spec.max_attempts, std::nullopt);
  EXPECT_EQ(spec.backoff, std::nullopt);
  EXPECT_EQ(spec.idempotency_key, "");
  EXPECT_EQ(spec.user_id, "");
  EXPECT_EQ(spec.agent_id, "");
  EXPECT_TRUE(spec.required_capabilities.empty());
  EXPECT_TRUE(spec.required_labels.empty());
  EXPECT_EQ(spec.result_ttl, std::nullopt);
  EXPECT_EQ(spec.traceparent, "");
  EXPECT_TRUE(spec.metadata.empty());
  EXPECT_EQ(spec.gate, "");
  EXPECT_EQ(spec.concurrency_key, "");
  EXPECT_EQ(spec.rate_key, "");
  EXPECT_EQ(spec.rate_cost, std::nullopt);
}

TEST(TaskArrayTest, EveryFieldArrives) {
  const std::string bytes = bytes_of(full_spec());
  EXPECT_EQ(fields_of(bytes), 26u);
  const auto spec = decode_task(bytes);
  ASSERT_TRUE(spec) << spec.error().message;
  expect_all_fields(*spec);
}

TEST(TaskArrayTest, EachFieldArrivesByItself) {
  // One field said and all others not: a field in another's place would show.
  const TaskSpec full = full_spec();
  const auto alone = [&](auto member) {
    TaskSpec spec;
    spec.id = task_named('a');
    spec.type = "t";
    spec.*member = full.*member;
    const std::string bytes = bytes_of(spec);
    const auto read = decode_task(bytes);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ((*read).*member, full.*member);
    EXPECT_EQ(bytes_of(*read), bytes);
    EXPECT_LE(fields_of(bytes), 26u);
  };
  alone(&TaskSpec::queue);
  alone(&TaskSpec::priority);
  alone(&TaskSpec::tenant);
  alone(&TaskSpec::content_type);
  alone(&TaskSpec::delay);
  alone(&TaskSpec::not_before);
  alone(&TaskSpec::ttl);
  alone(&TaskSpec::expires_at);
  alone(&TaskSpec::timeout);
  alone(&TaskSpec::max_attempts);
  alone(&TaskSpec::backoff);
  alone(&TaskSpec::idempotency_key);
  alone(&TaskSpec::user_id);
  alone(&TaskSpec::agent_id);
  alone(&TaskSpec::required_capabilities);
  alone(&TaskSpec::required_labels);
  alone(&TaskSpec::result_ttl);
  alone(&TaskSpec::traceparent);
  alone(&TaskSpec::metadata);
  alone(&TaskSpec::gate);
  alone(&TaskSpec::concurrency_key);
  alone(&TaskSpec::rate_key);
  alone(&TaskSpec::rate_cost);
}

TEST(TaskArrayTest, FieldsAfterTheLastOneSaidAreLeftOut) {
  TaskSpec spec;
  spec.id = task_named('a');
  spec.type = "t";
  EXPECT_EQ(fields_of(bytes_of(spec)), 3u);
  spec.delay = 1s;
  EXPECT_EQ(fields_of(bytes_of(spec)), 8u);
  spec.queue = "q";
  EXPECT_EQ(fields_of(bytes_of(spec)), 8u);
}

TEST(TaskArrayTest, AFieldThatIsNilOrBeyondTheEndIsNotSaid) {
  for (std::size_t fields = 3; fields <= 26; ++fields) {
    std::string bytes = begin_task(fields);
    for (std::size_t i = 3; i < fields; ++i) Writer(bytes).nil();
    const auto spec = decode_task(bytes);
    ASSERT_TRUE(spec) << fields << ": " << spec.error().message;
    expect_nothing_said(*spec);
  }
}

TEST(TaskArrayTest, FieldsOfALaterReleaseAreIgnored) {
  std::string bytes = bytes_of(full_spec());
  ASSERT_EQ(bytes.substr(0, 3), std::string("\xdc\x00\x1a", 3));
  bytes[2] = 30;
  Writer(bytes).str("new").nil().map(1).str("k").array(2).real(1.5).boolean(true).bin("b");
  const auto spec = decode_task(bytes);
  ASSERT_TRUE(spec) << spec.error().message;
  expect_all_fields(*spec);
}

TEST(TaskArrayTest, TheBackoffOfALaterReleaseMayHaveMoreFields) {
  std::string bytes = begin_task(14);
  for (int i = 3; i < 13; ++i) Writer(bytes).nil();
  Writer(bytes)
      .array(7)
      .uint(1)
      .span(Duration(2s))
      .uint(1500)
      .span(Duration(20s))
      .boolean(false)
      .str("new")
      .nil();
  const auto spec = decode_task(bytes);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->backoff, full_spec().backoff);
}

TEST(TaskArrayTest, ATaskWithoutItsFirstThreeFieldsIsRefused) {
  std::string bytes;
  Writer(bytes).array(2).id(task_named('a')).str("t");
  EXPECT_EQ(decode_task(bytes).error().code, Errc::malformed);
  EXPECT_EQ(decode_task("\x90").error().code, Errc::malformed);
  EXPECT_EQ(decode_task("").error().code, Errc::malformed);
  EXPECT_EQ(decode_task(begin_task(3) + "\x01").error().code, Errc::malformed) << "a byte too many";
}

TEST(TaskArrayTest, AValueOfTheWrongTypeOrBeyondItsBoundIsRefused) {
  const auto with_field = [](std::size_t index, auto write) {
    std::string bytes = begin_task(index + 1);
    for (std::size_t i = 3; i < index; ++i) Writer(bytes).nil();
    Writer w(bytes);
    write(w);
    const auto spec = decode_task(bytes);
    return spec ? "read" : std::string(name_of(spec.error().code));
  };
  EXPECT_EQ(with_field(3, [](Writer& w) { w.uint(1); }), "MALFORMED") << "a queue is a text";
  EXPECT_EQ(with_field(3, [](Writer& w) { w.str("\xff"); }), "MALFORMED") << "in UTF-8";
  EXPECT_EQ(with_field(4, [](Writer& w) { w.str("high"); }), "MALFORMED");
  EXPECT_EQ(with_field(4, [](Writer& w) { w.uint(4); }), "read");
  EXPECT_EQ(with_field(4, [](Writer& w) { w.uint(5); }), "INVALID_ARGUMENT") << "a sixth priority";
  EXPECT_EQ(with_field(7, [](Writer& w) { w.str("1s"); }), "MALFORMED");
  EXPECT_EQ(with_field(12, [](Writer& w) { w.uint(1ULL << 32); }), "INVALID_ARGUMENT");
  EXPECT_EQ(with_field(12, [](Writer& w) { w.sint(-1); }), "MALFORMED");
  EXPECT_EQ(with_field(13, [](Writer& w) { w.array(4).uint(0).uint(1).uint(1000).uint(1); }),
            "MALFORMED");
  EXPECT_EQ(with_field(
                13, [](Writer& w) { w.array(5).uint(2).uint(1).uint(1000).uint(1).boolean(true); }),
            "INVALID_ARGUMENT")
      << "a third kind of backoff";
  EXPECT_EQ(with_field(18, [](Writer& w) { w.array(1).array(1).str("zone"); }), "MALFORMED");
  EXPECT_EQ(with_field(18, [](Writer& w) { w.array(1).array(3).str("zone").str("eu").nil(); }),
            "read");
}

TEST(TaskArrayTest, ListsHaveAMost) {
  const auto with_list = [](std::size_t index, std::size_t count, auto write) {
    std::string bytes = begin_task(index + 1);
    for (std::size_t i = 3; i < index; ++i) Writer(bytes).nil();
    Writer w(bytes);
    w.array(count);
    for (std::size_t i = 0; i < count; ++i) write(w);
    const auto spec = decode_task(bytes);
    return spec ? "read" : std::string(name_of(spec.error().code));
  };
  const auto name = [](Writer& w) { w.str("n"); };
  const auto pair = [](Writer& w) { w.array(2).str("k").str("v"); };
  EXPECT_EQ(with_list(17, 64, name), "read");
  EXPECT_EQ(with_list(17, 65, name), "TOO_MANY_ELEMENTS");
  EXPECT_EQ(with_list(18, 64, pair), "read");
  EXPECT_EQ(with_list(18, 65, pair), "TOO_MANY_ELEMENTS");
  EXPECT_EQ(with_list(21, 64, pair), "read");
  EXPECT_EQ(with_list(21, 65, pair), "TOO_MANY_ELEMENTS");
}

TEST(TaskArrayTest, AnInstantBeyondTimeIsNoInstant) {
  TaskSpec spec = full_spec();
  spec.not_before = kNever;
  const std::string bytes = bytes_of(spec);
  EXPECT_EQ(decode_task(bytes)->not_before, std::nullopt);
}

}  // namespace
}  // namespace drover::wire::testing
