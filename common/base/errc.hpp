// The codes of the catalogue (schemas/wire/errors.yaml): one set of numbers and names for the wire,
// the command line, HTTP and the SDKs. A test holds this list and that file against each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace drover {

enum class Errc : std::uint16_t {
  ok = 0,
  invalid_argument = 1001,
  bad_id = 1002,
  bad_name = 1003,
  malformed = 1004,
  unsupported_version = 1005,
  unknown_message = 1006,
  message_too_large = 1007,
  payload_too_large = 1008,
  result_too_large = 1009,
  batch_too_large = 1010,
  too_deep = 1011,
  too_many_elements = 1012,
  bad_cursor = 1013,
  queue_full = 2001,
  rate_limited = 2002,
  storage_full = 2003,
  resource_exhausted = 2004,
  store_unavailable = 2005,
  draining = 2006,
  broker_unavailable = 2007,
  wait_timed_out = 2008,
  unauthenticated = 3001,
  forbidden = 3002,
  not_found = 4001,
  conflict = 4002,
  idempotency_conflict = 4003,
  stale_lease = 4004,
  cancelled = 4005,
  session_unknown = 4006,
  events_trimmed = 4007,
  events_foreign = 4008,
  wrong_state = 4009,
  task_failed = 5001,
  timed_out = 5002,
  worker_lost = 5003,
  exec_failed = 5004,
  output_too_large = 5005,
  bad_output = 5006,
  bad_payload = 5007,
  no_handler = 5008,
  poison = 5009,
  expired = 5010,
  internal = 9001,
  store_damaged = 9002,
  store_in_use = 9003,
  io_failed = 9004,
  bad_configuration = 9005,
  store_too_new = 9006,
};

// "STALE_LEASE"; "OK" for ok; "UNKNOWN" for a number that this release does not know.
std::string_view name_of(Errc code);

// The status that the gateway answers with; 500 for a code without one.
int http_status_of(Errc code);

// The code of a number read from the wire, if this release knows it.
std::optional<Errc> errc_from(std::uint64_t number);

}  // namespace drover
