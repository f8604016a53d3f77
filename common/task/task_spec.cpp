#include "common/task/task_spec.hpp"

#include <algorithm>
#include <string>

namespace drover {
namespace {

Error invalid(std::string_view field, std::string message) {
  return {Errc::invalid_argument, std::move(message), std::string(field)};
}

Result<void> check_name(std::string_view field, std::string_view text) {
  if (is_name(text)) return {};
  return Error{Errc::bad_name,
               std::string(field) + " must be 1 to 64 of the characters A-Z a-z 0-9 . _ -",
               std::string(field)};
}

bool has_control(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::any_of(text.begin(), text.end(), is_control);
}

Result<void> check_text(std::string_view field, std::string_view text) {
  if (text.size() > kTextMax) {
    return invalid(field,
                   std::string(field) + " is longer than " + std::to_string(kTextMax) + " bytes");
  }
  if (has_control(text)) {
    return invalid(field, std::string(field) + " has a control character");
  }
  return {};
}

Result<void> check_span(std::string_view field, std::optional<Duration> span, Duration least,
                        Duration most) {
  if (!span || (*span >= least && *span <= most)) return {};
  return invalid(field,
                 std::string(field) + " must be " + to_string(least) + " to " + to_string(most));
}

Result<void> check_id(const TaskSpec& spec, Instant now) {
  const auto bad = [](std::string message) {
    return Error{Errc::bad_id, std::move(message), "id"};
  };
  if (!is_uuid_v7(spec.id.bytes)) return bad("the id is no UUIDv7");
  const std::string_view tenant = spec.tenant.empty() ? "default" : spec.tenant;
  if (tenant_hash_of(spec.id) != tenant_hash(tenant)) {
    return bad("the id's last 10 bits are not the hash of its tenant");
  }
  const Instant made = time_of(spec.id);
  if (made < now - 24h) return bad("the id was made more than 24 h ago");
  if (made > now + 5min) return bad("the id was made more than 5 min ahead of the broker's clock");
  return {};
}

Result<void> check_times(const TaskSpec& spec) {
  if (spec.delay && spec.not_before) {
    return invalid("delay_ms", "delay_ms and not_before exclude each other");
  }
  if (spec.ttl && spec.expires_at) {
    return invalid("ttl_ms", "ttl_ms and expires_at exclude each other");
  }
  if (auto ok = check_span("delay_ms", spec.delay, 0ms, kDelayMax); !ok) return ok;
  if (auto ok = check_span("ttl_ms", spec.ttl, 1ms, kDelayMax); !ok) return ok;
  if (auto ok = check_span("timeout_ms", spec.timeout, 1ms, kTimeoutMax); !ok) return ok;
  return check_span("result_ttl_ms", spec.result_ttl, 0ms, kDelayMax);
}

Result<void> check_instants(const TaskSpec& spec, Instant now) {
  if (spec.not_before && (to_ms(*spec.not_before) < 0 || *spec.not_before > now + kDelayMax)) {
    return invalid("not_before", "not_before must be at most 366 d ahead");
  }
  if (spec.expires_at && (*spec.expires_at <= now || *spec.expires_at > now + kDelayMax)) {
    return invalid("expires_at", "expires_at must be in the future, at most 366 d ahead");
  }
  return {};
}

Result<void> check_retry(const TaskSpec& spec) {
  if (spec.max_attempts && (*spec.max_attempts < 1 || *spec.max_attempts > kAttemptsMax)) {
    return invalid("max_attempts", "max_attempts must be 1 to 100");
  }
  if (!spec.backoff) return {};
  const Backoff& b = *spec.backoff;
  if (auto ok = check_span("backoff.base_ms", b.base, 0ms, kDelayMax); !ok) return ok;
  if (auto ok = check_span("backoff.max_ms", b.max, b.base, kDelayMax); !ok) return ok;
  if (b.factor_permille < 1000 || b.factor_permille > 100'000) {
    return invalid("backoff.factor", "backoff.factor must be 1 to 100");
  }
  return {};
}

Result<void> check_gates(const TaskSpec& spec) {
  if (!spec.gate.empty()) {
    if (auto ok = check_name("gate", spec.gate); !ok) return ok;
  }
  if (!spec.rate_cost) return {};
  if (spec.rate_key.empty()) return invalid("rate_cost", "rate_cost needs a rate_key");
  if (*spec.rate_cost >= 1 && *spec.rate_cost <= kRateCostMax) return {};
  return invalid("rate_cost", "rate_cost must be 1 to " + std::to_string(kRateCostMax));
}

Result<void> check_requirements(const TaskSpec& spec) {
  if (spec.required_capabilities.size() > kCapabilitiesMax) {
    return invalid("required_capabilities", "a task requires at most 64 capabilities");
  }
  for (const auto capability : spec.required_capabilities) {
    if (auto ok = check_name("required_capabilities", capability); !ok) return ok;
  }
  if (spec.required_labels.size() > kCapabilitiesMax) {
    return invalid("required_labels", "a task requires at most 64 labels");
  }
  for (const auto& [key, value] : spec.required_labels) {
    if (auto ok = check_name("required_labels", key); !ok) return ok;
    if (auto ok = check_name("required_labels", value); !ok) return ok;
  }
  return {};
}

Result<void> check_metadata(const TaskSpec& spec) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : spec.metadata) {
    if (auto ok = check_name("metadata", key); !ok) return ok;
    bytes += key.size() + value.size();
  }
  if (spec.metadata.size() > 64 || bytes > kMetadataMax) {
    return invalid("metadata", "metadata has more than 64 entries or 8 KiB");
  }
  return {};
}

}  // namespace

bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kNameMax && std::all_of(text.begin(), text.end(), allowed);
}

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= kTextMax && !has_control(text);
}

Result<void> check(const TaskSpec& spec, const TaskLimits& limits, Instant now) {
  if (auto ok = check_name("type", spec.type); !ok) return ok;
  if (!spec.queue.empty()) {
    if (auto ok = check_name("queue", spec.queue); !ok) return ok;
  }
  if (!spec.tenant.empty()) {
    if (auto ok = check_name("tenant", spec.tenant); !ok) return ok;
    if (spec.tenant == kSystemTenant) {
      return Error{Errc::bad_name, "tenant _system is for the events of the fleet itself",
                   "tenant"};
    }
  }
  if (auto ok = check_id(spec, now); !ok) return ok;
  if (spec.payload.size() > limits.payload_max) {
    return Error{Errc::payload_too_large,
                 "the payload has " + std::to_string(spec.payload.size()) + " bytes; at most " +
                     std::to_string(limits.payload_max) + " are allowed",
                 "payload"};
  }
  for (const auto& [field, text] : {std::pair("content_type", spec.content_type),
                                    {"idempotency_key", spec.idempotency_key},
                                    {"user_id", spec.user_id},
                                    {"agent_id", spec.agent_id},
                                    {"traceparent", spec.traceparent},
                                    {"concurrency_key", spec.concurrency_key},
                                    {"rate_key", spec.rate_key}}) {
    if (auto ok = check_text(field, text); !ok) return ok;
  }
  if (auto ok = check_times(spec); !ok) return ok;
  if (auto ok = check_instants(spec, now); !ok) return ok;
  if (auto ok = check_retry(spec); !ok) return ok;
  if (auto ok = check_gates(spec); !ok) return ok;
  if (auto ok = check_requirements(spec); !ok) return ok;
  return check_metadata(spec);
}

}  // namespace drover
