// The word to stop, as a running attempt hears it: a flag, a std::stop_token, and a file descriptor
// that can be polled.
//
// Whoever holds the slot asks (request) from any thread; the handler has until `force_at` to come
// back by itself. A second request can only bring that forward. One signal serves a slot's attempts
// one after the other: `reset` before each.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>

#include "common/base/time.hpp"
#include "common/files/waker.hpp"

namespace drover::workers {

using SteadyTime = std::chrono::steady_clock::time_point;

class StopSignal {
 public:
  // --- for the handler

  bool requested() const;
  std::stop_token token() const;

  // When patience ends; nothing while no stop is requested.
  std::optional<SteadyTime> force_at() const;

  // Readable from the moment of a request until `heard`, and again with the next request.
  int fd() const { return waker_.fd(); }
  void heard() const { waker_.acknowledge(); }

  // Sleeps for `duration`, or until a stop is requested: true if one is.
  bool wait_for(Duration duration) const;

  // --- for whoever holds the slot

  void request(Duration grace);
  void reset();

 private:
  mutable std::mutex mutex_;
  std::stop_source source_;
  std::optional<SteadyTime> force_at_;
  files::Waker waker_;
};

}  // namespace drover::workers
