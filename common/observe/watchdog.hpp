// The sign of life that a service manager asks for: systemd's watchdog (sd_watchdog_enabled(3)).
//
// The loop itself gives it, at the end of its turns, so that a loop which no longer turns is
// noticed and the process started again. No thread and no timer of its own: either would live on.
#pragma once

#include "common/base/time.hpp"

namespace drover::observe {

class Watchdog {
 public:
  // Asks for nothing unless WATCHDOG_USEC is set, and WATCHDOG_PID, where it is set, is this
  // process.
  Watchdog();

  // When the loop has to turn next although nothing else is due; kNever if nobody asks.
  Instant wake_at() const { return next_; }

  // The loop has turned: says WATCHDOG=1 at most every half of the time asked for. Costs a
  // comparison otherwise.
  void turned(Instant now) {
    if (now >= next_) say(now);
  }

 private:
  void say(Instant now);

  Duration every_{0};
  Instant next_ = kNever;
};

}  // namespace drover::observe
