// What a submitter says of a task, and the rules that every field keeps.
//
// A TaskSpec borrows: its texts point into the frame it was read from (or the caller's strings)
// and live as long as that does. nullopt and empty mean "not said": the broker's default applies.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "common/task/backoff.hpp"
#include "common/task/priority.hpp"

namespace drover {

struct TaskSpec {
  TaskId id;
  std::string_view type;     // a name, usually dotted: code.review
  std::string_view payload;  // opaque bytes
  std::string_view queue;    // a name; "" = default
  std::optional<Priority> priority;
  std::string_view tenant;        // a name; "" = default
  std::string_view content_type;  // "" = application/json
  std::optional<Duration> delay;  // 0 to 366 d; not together with not_before
  std::optional<Instant> not_before;
  std::optional<Duration> ttl;  // 1 ms to 366 d, from admission; not together with expires_at
  std::optional<Instant> expires_at;
  std::optional<Duration> timeout;            // 1 ms to 7 d
  std::optional<std::uint32_t> max_attempts;  // 1 to 100
  std::optional<Backoff> backoff;
  std::string_view idempotency_key;                                            // up to 128 bytes
  std::string_view user_id;                                                    // up to 128 bytes
  std::string_view agent_id;                                                   // up to 128 bytes
  std::vector<std::string_view> required_capabilities;                         // up to 64 names
  std::vector<std::pair<std::string_view, std::string_view>> required_labels;  // up to 64
  std::optional<Duration> result_ttl;                                          // 0 to 366 d
  std::string_view traceparent;  // W3C trace context, up to 128 bytes
  std::vector<std::pair<std::string_view, std::string_view>> metadata;  // up to 64, 8 KiB in all
  std::string_view gate;                   // a name: it starts while that gate is open
  std::string_view concurrency_key;        // up to 128 bytes: so many of a key run at once
  std::string_view rate_key;               // up to 128 bytes: so much of a key in a time
  std::optional<std::uint32_t> rate_cost;  // 1 to 1,000,000,000: what it takes of that; 1
};

// The bounds of one task that an operator may set.
struct TaskLimits {
  std::size_t payload_max = 256 * 1024;
  std::size_t result_max = 256 * 1024;
};

inline constexpr std::string_view kSystemTenant = "_system";  // whose events are the fleet's own
inline constexpr std::size_t kNameMax = 64;
inline constexpr std::size_t kTextMax = 128;            // keys, user ids, content types
inline constexpr std::size_t kErrorTextMax = 8 * 1024;  // of an attempt's error; cut beyond
inline constexpr std::size_t kCapabilitiesMax = 64;
inline constexpr std::size_t kMetadataMax = 8 * 1024;
inline constexpr std::uint32_t kAttemptsMax = 100;
inline constexpr std::uint32_t kRateCostMax = 1'000'000'000;
inline constexpr Duration kDelayMax = std::chrono::hours(24 * 366);
inline constexpr Duration kTimeoutMax = std::chrono::hours(24 * 7);

// True for [A-Za-z0-9._-]{1,64}.
bool is_name(std::string_view text);

// True for a text of 1 to kTextMax bytes without control characters.
bool is_key(std::string_view text);

// Holds the spec against every rule that needs no state: names, bounds, contradictions, the id's
// version, time (at most 24 h before `now`, at most 5 min after) and tenant bits. The error names
// the field.
Result<void> check(const TaskSpec& spec, const TaskLimits& limits, Instant now);

}  // namespace drover
