// The process's one clock: the system clock read once at the start, moved on from then by
// CLOCK_BOOTTIME.
//
// So it counts on while the machine sleeps, never goes back and is never stepped by whoever sets
// the system clock. How far the two have come apart is `drift`; a process takes the difference over
// at its next start.
#pragma once

#include "common/base/time.hpp"

namespace drover::transport {

class ProcessClock {
 public:
  ProcessClock();

  Instant now() const;

  // The system clock's time less ours: positive when it was put forward since the start.
  Duration drift() const;

 private:
  Duration offset_;  // of our time to CLOCK_BOOTTIME
};

}  // namespace drover::transport
