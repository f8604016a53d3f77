// Time as Drover tells it: an instant is milliseconds since 1970 UTC, a duration is milliseconds.
//
// Nothing in the pure rooms asks a clock. Whoever owns a loop reads one once per turn and hands
// the instant in, so the same code runs on real and on simulated time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace drover {

// A clock that cannot be asked: it only gives instants their own type.
struct Epoch {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Epoch, duration>;
  static constexpr bool is_steady = true;
};

using Duration = std::chrono::milliseconds;
using Instant = Epoch::time_point;

using namespace std::chrono_literals;

// "No such instant": sorts after every real one. On the wire it is nil.
inline constexpr Instant kNever = Instant::max();

constexpr Instant instant_from_ms(std::int64_t ms) { return Instant(Duration(ms)); }
constexpr std::int64_t to_ms(Instant instant) { return instant.time_since_epoch().count(); }

// "2026-01-31T08:05:09.007Z" (RFC 3339, UTC, milliseconds). Years 1970 to 9999.
std::string to_rfc3339(Instant instant);

// Reads RFC 3339 with `Z` or a numeric offset and any number of fraction digits (cut to ms).
Result<Instant> parse_rfc3339(std::string_view text);

// Reads "250ms", "5s", "2m", "1h", "7d", and sums such as "1h30m". A bare number is refused,
// because nobody can tell its unit; so is a negative one.
Result<Duration> parse_duration(std::string_view text);

// The shortest exact spelling that parse_duration reads: "90s" is written "1m30s".
std::string to_string(Duration duration);

}  // namespace drover
