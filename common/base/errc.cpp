#include "common/base/errc.hpp"

#include <algorithm>
#include <array>

namespace drover {
namespace {

struct Entry {
  Errc code;
  std::string_view name;
  int http;
};

// In the order of the numbers.
constexpr std::array kCatalogue = {
    Entry{Errc::ok, "OK", 200},
    Entry{Errc::invalid_argument, "INVALID_ARGUMENT", 400},
    Entry{Errc::bad_id, "BAD_ID", 400},
    Entry{Errc::bad_name, "BAD_NAME", 400},
    Entry{Errc::malformed, "MALFORMED", 400},
    Entry{Errc::unsupported_version, "UNSUPPORTED_VERSION", 400},
    Entry{Errc::unknown_message, "UNKNOWN_MESSAGE", 400},
    Entry{Errc::message_too_large, "MESSAGE_TOO_LARGE", 413},
    Entry{Errc::payload_too_large, "PAYLOAD_TOO_LARGE", 413},
    Entry{Errc::result_too_large, "RESULT_TOO_LARGE", 413},
    Entry{Errc::batch_too_large, "BATCH_TOO_LARGE", 413},
    Entry{Errc::too_deep, "TOO_DEEP", 400},
    Entry{Errc::too_many_elements, "TOO_MANY_ELEMENTS", 400},
    Entry{Errc::bad_cursor, "BAD_CURSOR", 400},
    Entry{Errc::queue_full, "QUEUE_FULL", 429},
    Entry{Errc::rate_limited, "RATE_LIMITED", 429},
    Entry{Errc::storage_full, "STORAGE_FULL", 507},
    Entry{Errc::resource_exhausted, "RESOURCE_EXHAUSTED", 503},
    Entry{Errc::store_unavailable, "STORE_UNAVAILABLE", 503},
    Entry{Errc::draining, "DRAINING", 503},
    Entry{Errc::broker_unavailable, "BROKER_UNAVAILABLE", 503},
    Entry{Errc::wait_timed_out, "WAIT_TIMED_OUT", 408},
    Entry{Errc::unauthenticated, "UNAUTHENTICATED", 401},
    Entry{Errc::forbidden, "FORBIDDEN", 403},
    Entry{Errc::not_found, "NOT_FOUND", 404},
    Entry{Errc::conflict, "CONFLICT", 409},
    Entry{Errc::idempotency_conflict, "IDEMPOTENCY_CONFLICT", 409},
    Entry{Errc::stale_lease, "STALE_LEASE", 409},
    Entry{Errc::cancelled, "CANCELLED", 409},
    Entry{Errc::session_unknown, "SESSION_UNKNOWN", 409},
    Entry{Errc::events_trimmed, "EVENTS_TRIMMED", 410},
    Entry{Errc::events_foreign, "EVENTS_FOREIGN", 410},
    Entry{Errc::wrong_state, "WRONG_STATE", 409},
    Entry{Errc::task_failed, "TASK_FAILED", 502},
    Entry{Errc::timed_out, "TIMED_OUT", 504},
    Entry{Errc::worker_lost, "WORKER_LOST", 502},
    Entry{Errc::exec_failed, "EXEC_FAILED", 502},
    Entry{Errc::output_too_large, "OUTPUT_TOO_LARGE", 502},
    Entry{Errc::bad_output, "BAD_OUTPUT", 502},
    Entry{Errc::bad_payload, "BAD_PAYLOAD", 422},
    Entry{Errc::no_handler, "NO_HANDLER", 502},
    Entry{Errc::poison, "POISON", 502},
    Entry{Errc::expired, "EXPIRED", 410},
    Entry{Errc::internal, "INTERNAL", 500},
    Entry{Errc::store_damaged, "STORE_DAMAGED", 500},
    Entry{Errc::store_in_use, "STORE_IN_USE", 500},
    Entry{Errc::io_failed, "IO_FAILED", 500},
    Entry{Errc::bad_configuration, "BAD_CONFIGURATION", 500},
    Entry{Errc::store_too_new, "STORE_TOO_NEW", 500},
};

const Entry* find(Errc code) {
  const auto at = std::lower_bound(kCatalogue.begin(), kCatalogue.end(), code,
                                   [](const Entry& entry, Errc c) { return entry.code < c; });
  return at != kCatalogue.end() && at->code == code ? &*at : nullptr;
}

}  // namespace

std::string_view name_of(Errc code) {
  const auto* entry = find(code);
  return entry ? entry->name : "UNKNOWN";
}

int http_status_of(Errc code) {
  const auto* entry = find(code);
  return entry ? entry->http : 500;
}

std::optional<Errc> errc_from(std::uint64_t number) {
  if (number > UINT16_MAX) return std::nullopt;
  const auto* entry = find(static_cast<Errc>(number));
  return entry ? std::optional(entry->code) : std::nullopt;
}

}  // namespace drover
