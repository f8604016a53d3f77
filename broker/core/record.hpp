// A record: one thing that happened, as the journal keeps it and the status bus tells it.
//
// Each decision of the core becomes one record (a death becomes two: `failed`, then `dead`), and
// each record is one durable event: the journal's sequence numbers are the events' numbers.
//
// A record of a task holds everything that is hot about the task after the decision, so replaying
// one means copying its fields. Three kinds are `whole`: they also carry what never changes, the
// history and a blob, and nothing older than the newest whole record of a task is needed.
//
// Pure data; broker/store/record_codec.hpp turns it into bytes and back.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/task/attempt.hpp"
#include "common/task/backoff.hpp"
#include "common/task/priority.hpp"
#include "common/task/task_state.hpp"

namespace drover::broker {

enum class RecordKind : std::uint8_t {
  created = 1,    // whole; blob = the task as submitted
  started = 2,    // a lease
  completed = 3,  // whole; blob = the result
  retrying = 4,   // an attempt failed, more follow
  failed = 5,     // the last attempt failed; `dead` follows in the same group
  dead = 6,       // reason = attempts | fatal | poison
  cancelled = 7,  //
  expired = 8,    //
  requeued = 9,   // back to waiting: given back, its worker lost, or retried by a person
  stopped = 10,   // the running attempt of a cancelled task is over
  purged = 11,    // forgotten for good; reason = person | dlq_ttl
  worker_joined = 12,
  worker_left = 13,      // reason = bye | silent | unreachable | replaced
  worker_draining = 14,  //
  // Settings; blob = all that is set. `queue` is the name of the queue or key.
  queue_changed = 15,
  queue_paused = 16,
  queue_resumed = 17,
  tenant_changed = 18,
  gate_changed = 19,  // of a key
  gate_closed = 20,
  gate_opened = 21,
  // Not events: carried from the oldest segment into the newest, without a number of their own.
  whole = 32,  // all of a task; blob = the task as submitted, or the result of a completed one
  key = 33,    // an idempotency key whose task is forgotten
  books = 34,  // all counters when a segment began; blob is the core's
  queue_settings = 35,  // blob = all that is set, as above
  tenant_settings = 36,
  key_settings = 37,
};

constexpr bool is_setting(RecordKind kind) {
  return (kind >= RecordKind::queue_changed && kind <= RecordKind::gate_opened) ||
         kind >= RecordKind::queue_settings;
}

// True for kinds that are events and take a number.
constexpr bool is_event(RecordKind kind) { return kind < RecordKind::whole; }
constexpr bool is_whole(RecordKind kind) {
  return kind == RecordKind::created || kind == RecordKind::completed || kind == RecordKind::whole;
}

// Where a record lies in the store. The store makes these; nobody else reads meaning into them.
struct Locator {
  std::uint32_t segment = 0;  // from 1; 0 = nowhere
  std::uint32_t offset = 0;
  std::uint32_t length = 0;  // bytes of the record

  explicit operator bool() const { return segment != 0; }
  bool operator==(const Locator&) const = default;
};

struct ErrorView {
  std::string_view code;
  std::string_view message;
  bool retryable = true;
};

struct Record {
  RecordKind kind = RecordKind::created;
  Instant at;  // when it was decided

  TaskId task;
  std::string_view tenant, queue, type;
  Priority priority = Priority::normal;
  TaskState from = TaskState::ready;   // before the decision; equals `state` for `created`
  TaskState state = TaskState::ready;  // after it
  std::uint64_t admission = 0;         // the number of the admission, for life
  std::uint32_t attempt = 0;           // leases so far
  std::uint32_t failures = 0;          // attempts that count, since the last requeue by a person
  std::uint32_t strikes = 0;           // workers lost with it
  WorkerId worker;                     // of the newest lease
  Instant created_at;
  Instant ready_at;             // when it joined the line the last time
  Instant started_at = kNever;  // of the newest lease
  Instant until = kNever;       // scheduled, retrying: due; running: the lease ends; ended: when
  Duration wait{0};             // the time from `at` to `until` as it was decided
  Instant expires_at = kNever;  // not started by then, it expires
  Outcome outcome = Outcome::none;  // how the attempt ended, if one ended here
  ErrorView error;                  // of that attempt
  Usage usage;                      // of that attempt
  std::string_view reason;          // of a death, an expiry, a worker's leaving
  std::string_view user_id, agent_id, traceparent;

  // --- whole records only
  Duration timeout{0};
  std::uint32_t max_attempts = 0;
  Backoff backoff;
  Duration result_ttl{0};
  std::string_view idempotency_key;
  std::uint64_t payload_hash = 0;
  std::string_view content_type;     // of a result; "" = application/json
  std::span<const Attempt> history;  // attempts that ended, oldest first
  std::string_view blob;

  // --- worker_joined
  std::string_view host;
  std::uint64_t pid = 0;
};

}  // namespace drover::broker
