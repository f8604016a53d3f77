// Tells in the log when the disk has no room for new tasks, when it has again, and when past events
// are given up earlier than was asked for.
#pragma once

#include <cstdint>

#include "broker/store/store.hpp"
#include "common/base/time.hpp"

namespace drover::broker {

class SpaceWatch {
 public:
  // Call it now and then: it tells what has changed, and seldom.
  void look(bool takes_submissions, const StoreFigures& figures, Instant now);

 private:
  bool said_full_ = false;
  Instant full_said_at_{};
  std::uint64_t trimmed_said_ = 0;
  Instant trimmed_said_at_{};
};

}  // namespace drover::broker
