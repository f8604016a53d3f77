#include "workers/agents/builtin.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/base/result.hpp"
#include "common/task/task_spec.hpp"
#include "workers/engines/json.hpp"

namespace drover::workers {
namespace {

using nlohmann::json;

constexpr int kSleepSteps = 10;
constexpr std::int64_t kAttemptsCounted = UINT32_MAX;

AttemptResult completed(std::string result) {
  AttemptResult done;
  done.result = std::move(result);
  done.content_type = "application/json";
  return done;
}

// Reads the members of a payload that is a JSON object; the first fault sticks.
class Payload {
 public:
  explicit Payload(std::string_view text) {
    auto value = parse_json(text);
    if (value && value->is_object()) {
      object_ = std::move(*value);
    } else {
      fault_ = "the payload must be a JSON object";
    }
  }

  // A whole number from 0 to `most`; `otherwise` where the member is missing.
  std::int64_t number(const char* key, std::optional<std::int64_t> otherwise, std::int64_t most) {
    const json* member = find(key);
    if (!member && otherwise) return *otherwise;
    if (member && member->is_number_integer() && *member >= 0 && *member <= most) {
      return member->get<std::int64_t>();
    }
    return fail(fmt::format("\"{}\" must be a whole number from 0 to {}", key, most)), 0;
  }

  bool flag(const char* key, bool otherwise) {
    const json* member = find(key);
    if (!member) return otherwise;
    if (member->is_boolean()) return member->get<bool>();
    return fail(fmt::format("\"{}\" must be true or false", key)), otherwise;
  }

  std::string text(const char* key, std::string otherwise) {
    const json* member = find(key);
    if (!member) return otherwise;
    if (member->is_string()) return member->get<std::string>();
    return fail(fmt::format("\"{}\" must be a text", key)), otherwise;
  }

  const std::string& fault() const { return fault_; }

 private:
  const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  void fail(std::string why) {
    if (fault_.empty()) fault_ = std::move(why);
  }

  json object_ = json::object();
  std::string fault_;
};

AttemptResult echo(const AttemptContext& attempt) {
  AttemptResult done;
  done.result = attempt.payload;
  done.content_type = attempt.content_type;
  return done;
}

AttemptResult sleep_while(const AttemptContext& attempt) {
  Payload payload(attempt.payload);
  const auto ms = payload.number("ms", std::nullopt, kTimeoutMax.count());
  if (!payload.fault().empty()) return bad_payload(payload.fault());
  const auto end = std::chrono::steady_clock::now() + Duration(ms);
  for (int step = 1; step <= kSleepSteps; ++step) {
    const auto until = end - Duration(ms) * (kSleepSteps - step) / kSleepSteps;
    const auto left = std::chrono::ceil<Duration>(until - std::chrono::steady_clock::now());
    if (attempt.stop.wait_for(left)) {
      return failed(Errc::cancelled, "the sleep was interrupted", true);
    }
    attempt.progress(static_cast<std::uint32_t>(step * 100 / kSleepSteps), "sleeping");
  }
  return completed(fmt::format(R"({{"slept_ms":{}}})", ms));
}

AttemptResult fail_at_first(const AttemptContext& attempt) {
  Payload payload(attempt.payload);
  const auto times = payload.number("times", 1, kAttemptsCounted);
  const bool retryable = payload.flag("retryable", true);
  auto code = payload.text("code", std::string(name_of(Errc::task_failed)));
  auto message = payload.text("message", fmt::format("attempt {} fails as asked", attempt.attempt));
  const auto retry_after = payload.number("retry_after_ms", 0, kDelayMax.count());
  if (!payload.fault().empty()) return bad_payload(payload.fault());
  if (attempt.attempt > times)
    return completed(fmt::format(R"({{"attempt":{}}})", attempt.attempt));
  auto result = failed(std::move(code), std::move(message), retryable);
  result.retry_after = Duration(retry_after);
  return result;
}

AttemptResult crash_at_first(const AttemptContext& attempt) {
  Payload payload(attempt.payload);
  const auto times = payload.number("times", 1, kAttemptsCounted);
  if (!payload.fault().empty()) return bad_payload(payload.fault());
  if (attempt.attempt <= times) kill(getpid(), SIGKILL);
  return completed(fmt::format(R"({{"attempt":{}}})", attempt.attempt));
}

}  // namespace

std::vector<std::pair<std::string, Handler>> builtin_handlers() {
  return {{"test.echo", echo},
          {"test.sleep", sleep_while},
          {"test.fail", fail_at_first},
          {"test.crash", crash_at_first}};
}

}  // namespace drover::workers
