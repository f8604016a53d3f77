#include "cli/record_line.hpp"

#include <fmt/format.h>
#include <drover/body.hpp>

#include <nlohmann/json.hpp>

#include "broker/io/events.hpp"
#include "broker/io/settings_text.hpp"
#include "common/wire/codec.hpp"

namespace drover::cli {
namespace {

using broker::Record;
using broker::RecordKind;
using nlohmann::json;

bool is_of_worker(RecordKind kind) {
  return kind >= RecordKind::worker_joined && kind <= RecordKind::worker_draining;
}

std::string subject_of(const Record& r) {
  if (is_setting(r.kind)) return std::string(r.queue.empty() ? r.tenant : r.queue);
  if (is_of_worker(r.kind)) return to_string(r.worker);
  return r.task.is_nil() ? "-" : to_string(r.task);
}

void put_text(json& into, const char* name, std::string_view text) {
  if (!text.empty()) into[name] = text;
}

void put_instant(json& into, const char* name, Instant at) {
  if (at != kNever) into[name] = to_rfc3339(at);
}

// Bytes that a submitter or a worker gave, as the JSON interface shows them.
void put_body(json& into, const std::string& name, std::string_view bytes,
              std::string_view content_type) {
  const auto type = content_type.empty() ? "application/json" : content_type;
  into["content_type"] = type;
  auto value = is_json_type(type) ? parse_json(bytes) : Result<json>(Error{});
  if (value) {
    into[name] = std::move(*value);
  } else {
    into[name + "_base64"] = to_base64(bytes);
  }
}

void put_payload(json& into, const Record& r) {
  if (r.state == TaskState::completed) return put_body(into, "result", r.blob, r.content_type);
  if (const auto spec = wire::decode_task(r.blob)) {
    put_body(into, "payload", spec->payload, spec->content_type);
  }
}

void put_task(json& into, const Record& r) {
  into["task"] = to_string(r.task);
  put_text(into, "queue", r.queue);
  put_text(into, "task_type", r.type);
  into["state"] = name_of(r.state);
  put_text(into, "idempotency_key", r.idempotency_key);
  if (r.kind == RecordKind::key) return put_instant(into, "until", r.until);
  into["from"] = name_of(r.from);
  into["priority"] = name_of(r.priority);
  into["admission"] = r.admission;
  into["attempt"] = r.attempt;
  into["failures"] = r.failures;
  into["worker_losses"] = r.strikes;
  if (!r.worker.is_nil()) into["worker_id"] = to_string(r.worker);
  put_instant(into, "created_at", r.created_at);
  put_instant(into, "ready_at", r.ready_at);
  put_instant(into, "started_at", r.started_at);
  put_instant(into, "until", r.until);
  put_instant(into, "expires_at", r.expires_at);
  if (r.outcome != Outcome::none) into["outcome"] = name_of(r.outcome);
  put_text(into, "reason", r.reason);
  put_text(into, "user_id", r.user_id);
  put_text(into, "agent_id", r.agent_id);
  put_text(into, "traceparent", r.traceparent);
  if (!r.error.code.empty() || !r.error.message.empty()) {
    into["error"] = {
        {"code", r.error.code}, {"message", r.error.message}, {"retryable", r.error.retryable}};
  }
}

json settings_json(const Record& r) {
  json settings = json::object();
  const auto read = broker::decode_settings(r.blob);
  if (!read) return settings;
  for (const auto& rule : broker::kSettingRules) {
    const auto& value = (*read)[rule.setting];
    if (value) settings[rule.name] = broker::setting_text(rule.setting, *value);
  }
  return settings;
}

std::string words_of(const Record& r) {
  std::string words;
  const auto add = [&](std::string_view word) {
    if (!word.empty()) words += fmt::format("{}{}", words.empty() ? "" : "  ", word);
  };
  if (!r.type.empty()) add(fmt::format("{}/{}/{}", r.tenant, r.queue, r.type));
  if (is_setting(r.kind)) {
    add(r.tenant);
    add(settings_json(r).dump());
    return words;
  }
  if (!is_of_worker(r.kind) && r.kind != RecordKind::books) add(name_of(r.state));
  if (r.attempt > 0) add(fmt::format("attempt {}", r.attempt));
  if (r.outcome != Outcome::none) add(name_of(r.outcome));
  add(r.error.code);
  add(r.reason);
  if (!r.host.empty()) add(fmt::format("{} pid {}", r.host, r.pid));
  return words;
}

}  // namespace

std::string_view type_of(RecordKind kind) {
  switch (kind) {
    case RecordKind::whole: return "carried.task";
    case RecordKind::key: return "carried.key";
    case RecordKind::books: return "carried.books";
    case RecordKind::queue_settings:
    case RecordKind::tenant_settings:
    case RecordKind::key_settings: return "carried.settings";
    default: return broker::event_type(kind);
  }
}

json record_json(const Record& r, const RecordPlace& place, bool payloads) {
  json line = {{"type", type_of(r.kind)},
               {"at", to_rfc3339(r.at)},
               {"segment", place.where.segment},
               {"offset", place.where.offset},
               {"bytes", place.where.length}};
  if (place.seq != 0) line["seq"] = place.seq;
  put_text(line, "tenant", r.tenant);
  if (is_of_worker(r.kind)) {
    line["worker_id"] = to_string(r.worker);
    put_text(line, "host", r.host);
    if (r.pid != 0) line["pid"] = r.pid;
    put_text(line, "reason", r.reason);
  } else if (is_setting(r.kind)) {
    put_text(line, "name", r.queue);
    line["settings"] = settings_json(r);
  } else if (r.kind != RecordKind::books) {
    put_task(line, r);
    if (payloads && is_whole(r.kind)) put_payload(line, r);
  }
  return line;
}

std::string record_line(const Record& r, const RecordPlace& place, bool payloads) {
  const auto seq = place.seq == 0 ? std::string("-") : std::to_string(place.seq);
  auto line = fmt::format("{:>8}  {:<15}  {}  {:<36}  {}", seq, type_of(r.kind), to_rfc3339(r.at),
                          subject_of(r), words_of(r));
  if (!payloads || !is_whole(r.kind)) return line;
  json body = json::object();
  put_payload(body, r);
  return line + "  " + body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace drover::cli
