// What all parts of a run share: its options, its time, its network, and who watches.
// One world is one run from one seed; nothing outlives it.
#pragma once

#include "common/base/random.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/options.hpp"
#include "tests/simulation/schedule.hpp"
#include "tests/simulation/trace.hpp"

namespace drover::sim {

class Checker;

inline constexpr Instant kEpoch = instant_from_ms(1'770'000'000'000);  // February 2026

struct World {
  const SimOptions& options;
  Schedule& schedule;
  Trace& trace;
  FaultCounts& faults;
  Network& network;
  Checker& checker;
  Duration clock_step{0};  // how far the system clock is off

  // What the machine's clock shows: broker and producers read it, the broker only when it starts.
  Instant system_clock() const { return clock_at(kEpoch, schedule.now()) + clock_step; }
  bool by_lot(Random& random, Share share) const { return random.below(1000) < share; }
};

}  // namespace drover::sim
