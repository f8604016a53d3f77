// The ends of attempts that the broker has not confirmed: kept, sent, and sent again.
//
// Nothing leaves this list but by the broker's word (or the worker's end). Each is sent as soon as
// there is a session and again every heartbeat period until it is confirmed; after a new welcome
// all are due at once. What does not share a frame below message_max goes in several.
#pragma once

#include <list>
#include <unordered_map>
#include <vector>

#include "workers/core/attempt.hpp"
#include "workers/core/worker_sink.hpp"

namespace drover::workers {

// What the broker allows, as its welcome said.
struct SessionLimits {
  std::size_t message_max = 1024 * 1024;
  std::size_t result_max = 256 * 1024;
};

struct HoldHash {
  std::size_t operator()(const Hold& hold) const noexcept {
    return std::hash<TaskId>()(hold.task) ^ (hold.attempt * 0x9e3779b97f4a7c15U);
  }
};

class Results {
 public:
  // Takes responsibility for `end`; due at once. The list does not know the hold yet.
  void keep(const Hold& hold, AttemptEnd end);

  // True if the hold was known; it is gone.
  bool forget(const Hold& hold);

  bool knows(const Hold& hold) const { return index_.contains(hold); }
  bool empty() const { return index_.empty(); }
  std::size_t size() const { return index_.size(); }
  void list(std::vector<Hold>& out) const;

  // All are to be sent (again) now: there is a new session.
  void all_due();

  // When the next has to be sent; kNever when there is none.
  Instant due() const;

  // Sends what is due, oldest first; it is due again `again` later. A result above the limits is
  // turned into a failure here, for good. Returns how many frames were sent.
  int send_due(SessionId session, const SessionLimits& limits, Duration again, Instant now,
               WorkerSink& sink);

 private:
  struct Kept {
    Hold hold;
    AttemptEnd end;
    Instant due;        // of a sent one
    bool fresh = true;  // not sent in this session
  };
  using List = std::list<Kept>;

  List fresh_;  // oldest first
  List sent_;   // by due time
  std::unordered_map<Hold, List::iterator, HoldHash> index_;
};

}  // namespace drover::workers
