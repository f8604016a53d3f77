// What a submitter may say of a task: each rule, by the code and the field that a refusal names.

#include "common/task/task_spec.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace drover {
namespace {

constexpr Instant kNow = instant_from_ms(1'769'846'709'007);

class TaskSpecTest : public ::testing::Test {
 protected:
  TaskSpecTest() {
    spec.type = "code.review";
    identify();
  }

  // Gives the task the id that its maker would, at `made`.
  void identify(Instant made = kNow) {
    spec.id = make_task_id(made, spec.tenant.empty() ? "default" : spec.tenant, random);
  }

  // "CODE field", or "fine".
  std::string verdict() const {
    const auto ok = check(spec, limits, kNow);
    if (ok) return "fine";
    EXPECT_FALSE(ok.error().message.empty());
    return std::string(name_of(ok.error().code)) + " " + ok.error().field;
  }

  // Text that lives as long as the test.
  std::string_view text(std::size_t size, char letter = 'x') {
    return texts.emplace_back(std::make_unique<std::string>(size, letter))->c_str();
  }
  std::string_view name(std::size_t number) {
    return *texts.emplace_back(std::make_unique<std::string>("n" + std::to_string(number)));
  }

  TaskSpec spec;
  TaskLimits limits;
  Random random{1};
  std::vector<std::unique_ptr<std::string>> texts;
};

// --- names

TEST_F(TaskSpecTest, ATypeAndAnIdAreEnough) { EXPECT_EQ(verdict(), "fine"); }

TEST_F(TaskSpecTest, ANameIsOneTo64PlainCharacters) {
  EXPECT_TRUE(is_name("a"));
  EXPECT_TRUE(is_name("ABCXYZ.abcxyz_019-"));
  EXPECT_TRUE(is_name(std::string(64, 'a')));
  const std::vector<std::string> bad = {"",    std::string(65, 'a'),   "a b",       "a/b", "a\n",
                                        "\na", std::string("a\0b", 3), "gr\u00fcn", "a:b", "*",
                                        "a,b", std::string(1, '\0'),   "[",         "`",   "{"};
  for (const auto& text : bad) EXPECT_FALSE(is_name(text)) << testing::PrintToString(text);
}

TEST_F(TaskSpecTest, EveryNameOfATaskIsHeldToThat) {
  spec.type = "";
  EXPECT_EQ(verdict(), "BAD_NAME type");
  spec.type = "code.review\n";
  EXPECT_EQ(verdict(), "BAD_NAME type");
  spec.type = text(65);
  EXPECT_EQ(verdict(), "BAD_NAME type");
  spec.type = text(64);
  EXPECT_EQ(verdict(), "fine");

  spec.queue = "a/b";
  EXPECT_EQ(verdict(), "BAD_NAME queue");
  spec.queue = "emails";
  EXPECT_EQ(verdict(), "fine");

  spec.tenant = text(65);
  identify();
  EXPECT_EQ(verdict(), "BAD_NAME tenant");
  spec.tenant = "_system";
  EXPECT_EQ(verdict(), "BAD_NAME tenant") << "its events would pass for the fleet's own";
  spec.tenant = "acme";
  identify();
  EXPECT_EQ(verdict(), "fine");
}

// --- the id

TEST_F(TaskSpecTest, TheIdIsAUuidOfVersion7) {
  spec.id.bytes[6] = static_cast<std::uint8_t>((spec.id.bytes[6] & 0x0f) | 0x40);
  EXPECT_EQ(verdict(), "BAD_ID id") << "version 4";
  identify();
  spec.id.bytes[8] &= 0x7f;
  EXPECT_EQ(verdict(), "BAD_ID id") << "another variant";
  spec.id = {};
  EXPECT_EQ(verdict(), "BAD_ID id") << "nil";
}

TEST_F(TaskSpecTest, TheIdBearsTheHashOfItsTenant) {
  spec.tenant = "acme";
  EXPECT_EQ(verdict(), "BAD_ID id") << "made for the tenant that is meant when none is said";
  identify();
  EXPECT_EQ(verdict(), "fine");
  spec.tenant = "";
  EXPECT_EQ(verdict(), "BAD_ID id");
  spec.tenant = "default";
  identify();
  spec.tenant = "";
  EXPECT_EQ(verdict(), "fine") << "no tenant is the tenant default";
}

TEST_F(TaskSpecTest, TheIdIsOfTheLastDayOrTheNextFiveMinutes) {
  identify(kNow - 24h);
  EXPECT_EQ(verdict(), "fine");
  identify(kNow - 24h - 1ms);
  EXPECT_EQ(verdict(), "BAD_ID id");
  identify(kNow + 5min);
  EXPECT_EQ(verdict(), "fine");
  identify(kNow + 5min + 1ms);
  EXPECT_EQ(verdict(), "BAD_ID id");
}

// --- payload and texts

TEST_F(TaskSpecTest, ThePayloadHasAMost) {
  limits.payload_max = 10;
  spec.payload = "0123456789";
  EXPECT_EQ(verdict(), "fine");
  spec.payload = "0123456789a";
  EXPECT_EQ(verdict(), "PAYLOAD_TOO_LARGE payload");
}

TEST_F(TaskSpecTest, TextsAreUpTo128BytesWithoutControlCharacters) {
  const std::vector<std::pair<std::string, std::string_view TaskSpec::*>> fields = {
      {"content_type", &TaskSpec::content_type},
      {"idempotency_key", &TaskSpec::idempotency_key},
      {"user_id", &TaskSpec::user_id},
      {"agent_id", &TaskSpec::agent_id},
      {"traceparent", &TaskSpec::traceparent}};
  for (const auto& [field, member] : fields) {
    spec.*member = text(128);
    EXPECT_EQ(verdict(), "fine") << field;
    spec.*member = "gr\u00fcn / any \"text\"";
    EXPECT_EQ(verdict(), "fine") << field;
    spec.*member = text(129);
    EXPECT_EQ(verdict(), "INVALID_ARGUMENT " + field);
    for (const std::string_view bad : {std::string_view("a\nb"), std::string_view("a\0b", 3),
                                       std::string_view("\x7f"), std::string_view("\x1f")}) {
      spec.*member = bad;
      EXPECT_EQ(verdict(), "INVALID_ARGUMENT " + field);
    }
    spec.*member = "";
  }
}

// --- times

TEST_F(TaskSpecTest, SpansStayWithinTheirBounds) {
  struct Case {
    std::string field;
    std::optional<Duration> TaskSpec::*member;
    Duration least, most;
  };
  for (const auto& [field, member, least, most] :
       {Case{"delay_ms", &TaskSpec::delay, 0ms, 366 * 24h},
        Case{"ttl_ms", &TaskSpec::ttl, 1ms, 366 * 24h},
        Case{"timeout_ms", &TaskSpec::timeout, 1ms, 7 * 24h},
        Case{"result_ttl_ms", &TaskSpec::result_ttl, 0ms, 366 * 24h}}) {
    for (const Duration good : {least, Duration(least + 1s), most}) {
      spec.*member = good;
      EXPECT_EQ(verdict(), "fine") << field << " " << good.count();
    }
    for (const Duration bad :
         {Duration(least - 1ms), Duration(most + 1ms), Duration::min(), Duration::max()}) {
      spec.*member = bad;
      EXPECT_EQ(verdict(), "INVALID_ARGUMENT " + field) << bad.count();
    }
    spec.*member = std::nullopt;
  }
}

TEST_F(TaskSpecTest, TheEarliestStartMayBePastButIsAtMost366DaysAhead) {
  for (const Instant good : {instant_from_ms(0), kNow - 1h, kNow, kNow + 366 * 24h}) {
    spec.not_before = good;
    EXPECT_EQ(verdict(), "fine") << to_ms(good);
  }
  for (const Instant bad : {kNow + 366 * 24h + 1ms, instant_from_ms(-1), Instant::min()}) {
    spec.not_before = bad;
    EXPECT_EQ(verdict(), "INVALID_ARGUMENT not_before") << to_ms(bad);
  }
}

TEST_F(TaskSpecTest, ATaskExpiresInTheFuture) {
  for (const Instant good : {kNow + 1ms, kNow + 366 * 24h}) {
    spec.expires_at = good;
    EXPECT_EQ(verdict(), "fine") << to_ms(good);
  }
  for (const Instant bad : {kNow, kNow - 1ms, kNow + 366 * 24h + 1ms, Instant::min()}) {
    spec.expires_at = bad;
    EXPECT_EQ(verdict(), "INVALID_ARGUMENT expires_at") << to_ms(bad);
  }
}

TEST_F(TaskSpecTest, ATimeIsSaidOnce) {
  spec.delay = 1s;
  spec.not_before = kNow + 1s;
  EXPECT_EQ(verdict(), "INVALID_ARGUMENT delay_ms");
  spec.delay = std::nullopt;
  EXPECT_EQ(verdict(), "fine");
  spec.ttl = 1s;
  spec.expires_at = kNow + 1s;
  EXPECT_EQ(verdict(), "INVALID_ARGUMENT ttl_ms");
  spec.expires_at = std::nullopt;
  EXPECT_EQ(verdict(), "fine");
}

// --- retries

TEST_F(TaskSpecTest, ATaskIsTriedOneToAHundredTimes) {
  for (const std::uint32_t good : {1u, 5u, 100u}) {
    spec.max_attempts = good;
    EXPECT_EQ(verdict(), "fine") << good;
  }
  for (const std::uint32_t bad : {0u, 101u, UINT32_MAX}) {
    spec.max_attempts = bad;
    EXPECT_EQ(verdict(), "INVALID_ARGUMENT max_attempts") << bad;
  }
}

TEST_F(TaskSpecTest, ABackoffHasABaseAGreaterMostAndAFactorOfOneToAHundred) {
  const auto with = [&](Duration base, Duration max, std::uint32_t factor) {
    spec.backoff = Backoff{.base = base, .factor_permille = factor, .max = max};
    return verdict();
  };
  EXPECT_EQ(with(0ms, 0ms, 1000), "fine");
  EXPECT_EQ(with(366 * 24h, 366 * 24h, 100'000), "fine");
  EXPECT_EQ(with(-1ms, 1s, 2000), "INVALID_ARGUMENT backoff.base_ms");
  EXPECT_EQ(with(366 * 24h + 1ms, 366 * 24h + 1ms, 2000), "INVALID_ARGUMENT backoff.base_ms");
  EXPECT_EQ(with(2s, 1s, 2000), "INVALID_ARGUMENT backoff.max_ms");
  EXPECT_EQ(with(2s, 366 * 24h + 1ms, 2000), "INVALID_ARGUMENT backoff.max_ms");
  EXPECT_EQ(with(1s, 2s, 999), "INVALID_ARGUMENT backoff.factor");
  EXPECT_EQ(with(1s, 2s, 100'001), "INVALID_ARGUMENT backoff.factor");
  EXPECT_EQ(with(1s, 2s, 0), "INVALID_ARGUMENT backoff.factor");
}

// --- requirements and metadata

TEST_F(TaskSpecTest, AtMost64CapabilitiesAreRequiredAndEachIsAName) {
  for (std::size_t i = 0; i < 64; ++i) spec.required_capabilities.push_back(name(i));
  EXPECT_EQ(verdict(), "fine");
  spec.required_capabilities.back() = "a b";
  EXPECT_EQ(verdict(), "BAD_NAME required_capabilities");
  spec.required_capabilities.back() = "";
  EXPECT_EQ(verdict(), "BAD_NAME required_capabilities");
  spec.required_capabilities.back() = "gpu";
  spec.required_capabilities.push_back("one-more");
  EXPECT_EQ(verdict(), "INVALID_ARGUMENT required_capabilities");
}

TEST_F(TaskSpecTest, AtMost64LabelsAreRequiredAndBothSidesAreNames) {
  for (std::size_t i = 0; i < 64; ++i) spec.required_labels.emplace_back(name(i), "1");
  EXPECT_EQ(verdict(), "fine");
  spec.required_labels.back() = {"zone", "eu west"};
  EXPECT_EQ(verdict(), "BAD_NAME required_labels");
  spec.required_labels.back() = {"", "eu"};
  EXPECT_EQ(verdict(), "BAD_NAME required_labels");
  spec.required_labels.back() = {"zone", "eu"};
  spec.required_labels.emplace_back("one-more", "1");
  EXPECT_EQ(verdict(), "INVALID_ARGUMENT required_labels");
}

TEST_F(TaskSpecTest, MetadataHasNamesAsKeysAndAnyTextAsValueUpTo64EntriesAnd8KiB) {
  spec.metadata = {{"order", "4711"}, {"note", "any text,\neven two lines"}, {"empty", ""}};
  EXPECT_EQ(verdict(), "fine");
  spec.metadata = {{"a key", "1"}};
  EXPECT_EQ(verdict(), "BAD_NAME metadata");
  spec.metadata = {{"", "1"}};
  EXPECT_EQ(verdict(), "BAD_NAME metadata");

  spec.metadata.clear();
  for (std::size_t i = 0; i < 64; ++i) spec.metadata.emplace_back(name(i), "1");
  EXPECT_EQ(verdict(), "fine");
  spec.metadata.emplace_back("one-more", "1");
  EXPECT_EQ(verdict(), "INVALID_ARGUMENT metadata");

  spec.metadata = {{"half", text(4096 - 4)}, {"rest", text(4096 - 4)}};
  EXPECT_EQ(verdict(), "fine") << "8 KiB with the keys";
  spec.metadata.emplace_back("x", "");
  EXPECT_EQ(verdict(), "INVALID_ARGUMENT metadata");
}

}  // namespace
}  // namespace drover
