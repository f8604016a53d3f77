// How long a task waits before its next attempt.
//
// Exponential with full jitter ("Exponential Backoff And Jitter", M. Brooker, AWS Architecture
// Blog, 2015): after the n-th failure a delay drawn evenly from 0 to min(max, base * factor^(n-1)).
#pragma once

#include <cstdint>

#include "common/base/random.hpp"
#include "common/base/time.hpp"

namespace drover {

enum class BackoffKind : std::uint8_t { exponential, fixed };

struct Backoff {
  BackoffKind kind = BackoffKind::exponential;
  Duration base = 1s;                    // 0 to 366 d
  std::uint32_t factor_permille = 2000;  // 1000 to 100'000; 2000 doubles
  Duration max = 10min;                  // base to 366 d
  bool jitter = true;                    // false: the whole delay, nothing drawn

  bool operator==(const Backoff&) const = default;
};

// The longest delay after `failures` failures (at least 1), before jitter.
Duration backoff_ceiling(const Backoff& backoff, std::uint32_t failures);

// The delay to wait. Whoever draws writes the result down: it is never drawn again.
Duration draw_delay(const Backoff& backoff, std::uint32_t failures, Random& random);

}  // namespace drover
