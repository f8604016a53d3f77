#include "drover/task_json.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "drover/body.hpp"

namespace drover {
namespace {

using nlohmann::json;

Error wrong(std::string_view field, std::string_view expected) {
  return {Errc::invalid_argument, fmt::format("{} must be {}", field, expected),
          std::string(field)};
}

Result<std::string> read_text(std::string_view field, const json& value) {
  if (!value.is_string()) return wrong(field, "a text");
  return value.get<std::string>();
}

// A whole number that is not negative.
Result<std::int64_t> read_number(std::string_view field, const json& value) {
  const bool whole = value.is_number_unsigned() && value.get<std::uint64_t>() <= INT64_MAX;
  if (!whole) return wrong(field, "a whole number, not negative");
  return value.get<std::int64_t>();
}

Result<Instant> read_instant(std::string_view field, const json& value) {
  if (value.is_string()) {
    auto at = parse_rfc3339(value.get_ref<const std::string&>());
    if (at) return *at;
  }
  return wrong(field, "an instant such as 2026-01-31T08:05:09.007Z");
}

Result<void> set_text(std::string& target, std::string_view field, const json& value) {
  auto text = read_text(field, value);
  if (!text) return text.error();
  target = std::move(*text);
  return {};
}

Result<void> set_span(std::optional<Duration>& target, std::string_view field, const json& value) {
  const auto ms = read_number(field, value);
  if (!ms) return ms.error();
  target = Duration(*ms);
  return {};
}

Result<void> set_instant(std::optional<Instant>& target, std::string_view field,
                         const json& value) {
  const auto at = read_instant(field, value);
  if (!at) return at.error();
  target = *at;
  return {};
}

Result<void> set_id(NewTask& task, const json& value) {
  const auto parsed =
      value.is_string() ? parse_uuid(value.get_ref<const std::string&>()) : std::nullopt;
  if (!parsed) return Error{Errc::bad_id, "id must be a UUID", "id"};
  task.id = TaskId{*parsed};
  return {};
}

Result<void> set_payload(NewTask& task, const json& value) {
  task.payload = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return {};
}

Result<void> set_payload_base64(NewTask& task, const json& value) {
  auto bytes = value.is_string() ? from_base64(value.get_ref<const std::string&>())
                                 : Result<std::string>(Error{});
  if (!bytes) return wrong("payload_base64", "base64");
  task.payload = std::move(*bytes);
  return {};
}

Result<void> set_priority(NewTask& task, const json& value) {
  task.priority =
      value.is_string() ? parse_priority(value.get_ref<const std::string&>()) : std::nullopt;
  if (!task.priority) return wrong("priority", "low, normal, high, urgent or critical");
  return {};
}

Result<void> set_count(std::optional<std::uint32_t>& target, const char* field, std::uint32_t most,
                       const json& value) {
  const auto number = read_number(field, value);
  if (!number) return number.error();
  if (*number > UINT32_MAX) return wrong(field, fmt::format("1 to {}", most));
  target = static_cast<std::uint32_t>(*number);
  return {};
}

Result<void> set_backoff_entry(Backoff& backoff, const std::string& key, const json& value) {
  if (key == "kind") {
    if (value == "exponential" || value == "fixed") {
      backoff.kind = value == "fixed" ? BackoffKind::fixed : BackoffKind::exponential;
      return {};
    }
    return wrong("backoff.kind", "exponential or fixed");
  }
  if (key == "jitter") {
    if (!value.is_boolean()) return wrong("backoff.jitter", "true or false");
    backoff.jitter = value.get<bool>();
    return {};
  }
  if (key == "factor") {
    const double factor = value.is_number() ? value.get<double>() : 0;
    if (!(factor >= 1 && factor <= 100)) return wrong("backoff.factor", "1 to 100");
    backoff.factor_permille = static_cast<std::uint32_t>(std::lround(factor * 1000));
    return {};
  }
  if (key != "base_ms" && key != "max_ms") {
    return Error{Errc::invalid_argument, "backoff has no field " + key, "backoff." + key};
  }
  const auto ms = read_number("backoff." + key, value);
  if (!ms) return ms.error();
  (key == "base_ms" ? backoff.base : backoff.max) = Duration(*ms);
  return {};
}

Result<void> set_backoff(NewTask& task, const json& value) {
  if (!value.is_object())
    return wrong("backoff", "an object {kind, base_ms, factor, max_ms, jitter}");
  Backoff backoff;
  for (const auto& [key, entry] : value.items()) {
    if (auto ok = set_backoff_entry(backoff, key, entry); !ok) return ok;
  }
  if (backoff.max < backoff.base && !value.contains("max_ms")) backoff.max = backoff.base;
  task.backoff = backoff;
  return {};
}

Result<void> set_capabilities(NewTask& task, const json& value) {
  if (!value.is_array()) return wrong("required_capabilities", "a list of names");
  for (const auto& entry : value) {
    auto name = read_text("required_capabilities", entry);
    if (!name) return name.error();
    task.required_capabilities.push_back(std::move(*name));
  }
  return {};
}

Result<void> set_pairs(std::vector<std::pair<std::string, std::string>>& target,
                       std::string_view field, const json& value) {
  if (!value.is_object()) return wrong(field, "an object of texts");
  for (const auto& [key, entry] : value.items()) {
    auto text = read_text(field, entry);
    if (!text) return text.error();
    target.emplace_back(key, std::move(*text));
  }
  return {};
}

// A field of the interface and how it is taken.
struct Field {
  std::string_view name;
  Result<void> (*set)(NewTask&, const json&);
};

constexpr std::array kFields = {
    Field{"id", set_id},
    Field{"type", [](NewTask& t, const json& v) { return set_text(t.type, "type", v); }},
    Field{"payload", set_payload},
    Field{"payload_base64", set_payload_base64},
    Field{"content_type",
          [](NewTask& t, const json& v) { return set_text(t.content_type, "content_type", v); }},
    Field{"queue", [](NewTask& t, const json& v) { return set_text(t.queue, "queue", v); }},
    Field{"priority", set_priority},
    Field{"tenant", [](NewTask& t, const json& v) { return set_text(t.tenant, "tenant", v); }},
    Field{"user_id", [](NewTask& t, const json& v) { return set_text(t.user_id, "user_id", v); }},
    Field{"agent_id",
          [](NewTask& t, const json& v) { return set_text(t.agent_id, "agent_id", v); }},
    Field{"required_capabilities", set_capabilities},
    Field{"required_labels",
          [](NewTask& t, const json& v) {
            return set_pairs(t.required_labels, "required_labels", v);
          }},
    Field{"delay_ms", [](NewTask& t, const json& v) { return set_span(t.delay, "delay_ms", v); }},
    Field{"not_before",
          [](NewTask& t, const json& v) { return set_instant(t.not_before, "not_before", v); }},
    Field{"ttl_ms", [](NewTask& t, const json& v) { return set_span(t.ttl, "ttl_ms", v); }},
    Field{"expires_at",
          [](NewTask& t, const json& v) { return set_instant(t.expires_at, "expires_at", v); }},
    Field{"timeout_ms",
          [](NewTask& t, const json& v) { return set_span(t.timeout, "timeout_ms", v); }},
    Field{"max_attempts",
          [](NewTask& t, const json& v) {
            return set_count(t.max_attempts, "max_attempts", kAttemptsMax, v);
          }},
    Field{"backoff", set_backoff},
    Field{"idempotency_key",
          [](NewTask& t, const json& v) {
            return set_text(t.idempotency_key, "idempotency_key", v);
          }},
    Field{"result_ttl_ms",
          [](NewTask& t, const json& v) { return set_span(t.result_ttl, "result_ttl_ms", v); }},
    Field{"traceparent",
          [](NewTask& t, const json& v) { return set_text(t.traceparent, "traceparent", v); }},
    Field{"metadata",
          [](NewTask& t, const json& v) { return set_pairs(t.metadata, "metadata", v); }},
    Field{"gate", [](NewTask& t, const json& v) { return set_text(t.gate, "gate", v); }},
    Field{"concurrency_key",
          [](NewTask& t,
             const json& v) { return set_text(t.concurrency_key, "concurrency_key", v); }},
    Field{"rate_key",
          [](NewTask& t, const json& v) { return set_text(t.rate_key, "rate_key", v); }},
    Field{"rate_cost",
          [](NewTask& t,
             const json& v) { return set_count(t.rate_cost, "rate_cost", kRateCostMax, v); }},
};

const Field* find_field(std::string_view name) {
  for (const auto& field : kFields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

}  // namespace

Result<NewTask> task_from_json(const json& source) {
  if (!source.is_object()) return Error{Errc::invalid_argument, "a task must be a JSON object"};
  if (!source.contains("type")) return wrong("type", "given");
  if (source.contains("payload") && source.contains("payload_base64")) {
    return Error{Errc::invalid_argument, "payload and payload_base64 exclude each other",
                 "payload_base64"};
  }
  NewTask task;
  for (const auto& [key, value] : source.items()) {
    const auto* field = find_field(key);
    if (field == nullptr) {
      return Error{Errc::invalid_argument, "a task has no field " + key, key};
    }
    if (auto ok = field->set(task, value); !ok) return ok.error();
  }
  return task;
}

}  // namespace drover
