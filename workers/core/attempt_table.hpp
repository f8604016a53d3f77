// The attempts that are not over: which waits for a slot, which has one, which is told to stop.
//
//   enqueue             start_next            stop                  remove
//   -------> [queued] ------------> [running] -----> [stopping] -------------> gone
//               |                      |                 | lose
//               |        remove        |                 v         remove
//               '----------------------'--> gone      [lost] --------------->  gone
//
// A slot is taken from start_next to remove. A lost attempt is one whose handler did not return in
// time after it was told to stop: it is reported and no longer held, but its slot stays taken, and
// the worker has a slot less until the handler returns.
//
// Attempts wait for a slot by priority, then by arrival. Every state but `lost` has a due time; the
// table tells the earliest. Entries stay where they are until removed.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "workers/core/attempt.hpp"

namespace drover::workers {

struct HoldLess {
  bool operator()(const Hold& a, const Hold& b) const {
    return std::tie(a.task, a.attempt) < std::tie(b.task, b.attempt);
  }
};

class AttemptTable {
 public:
  enum class Phase : std::uint8_t { queued, running, stopping, lost };

  struct Entry {
    AttemptOrder order;  // `task` has gone to whoever runs it once running
    Phase phase = Phase::queued;
    StopReason reason = StopReason::dropped;  // of stopping and lost
    bool held = true;                         // false: reported or dropped; only its slot counts
    Instant due = kNever;                     // deadline; of stopping: when it is given up
    std::uint64_t arrival = 0;
  };

  AttemptTable(std::uint32_t slots, std::uint32_t prefetch) : slots_(slots), prefetch_(prefetch) {}

  // nullptr if there is none. Valid until the entry is removed.
  Entry* find(const Hold& hold);

  // The newest other attempt of the same task that is held, if any: nullptr or valid as above.
  Entry* sibling(const Hold& hold);

  // Puts a new attempt in line. The table does not know its hold yet.
  void enqueue(AttemptOrder order);

  // Gives the first in line a slot, if there is one and a line. The caller takes order.task.
  Entry* start_next();

  // running -> stopping, or a stopping one sooner: to be given up at `due`.
  void stop(Entry& entry, StopReason reason, Instant due);

  // stopping -> lost, no longer held.
  void lose(Entry& entry);

  // No longer held; it goes on to its end.
  void disown(Entry& entry);

  void remove(Entry& entry);

  // An entry whose due time has come; nullptr if none. The caller moves it on, so that asking again
  // ends. The earliest due time is kNever when there is none.
  Entry* due(Instant now);
  Instant next_due() const { return dues_.empty() ? kNever : dues_.begin()->first; }

  // All that match, by hold. The pointers are valid until their entries are removed.
  std::vector<Entry*> queued();
  std::vector<Entry*> running_and_held();
  void list_held(std::vector<Hold>& out) const;

  std::size_t held() const { return held_; }
  std::size_t slots_taken() const { return slots_taken_; }

  // The slots that are not lost, and how many attempts the worker may hold: those slots + prefetch,
  // or none without a slot.
  std::uint32_t usable_slots() const { return slots_ - lost_; }
  std::uint32_t window() const { return usable_slots() == 0 ? 0 : usable_slots() + prefetch_; }

 private:
  using Entries = std::map<Hold, Entry, HoldLess>;
  using Place = std::pair<int, std::uint64_t>;  // minus the priority, arrival

  static Place place_of(const Entry& entry);
  void set_due(Entry& entry, Instant due);

  std::uint32_t slots_;
  std::uint32_t prefetch_;
  Entries entries_;
  std::map<Place, Hold> line_;
  struct DueLess {
    bool operator()(const std::pair<Instant, Hold>& a, const std::pair<Instant, Hold>& b) const {
      if (a.first != b.first) return a.first < b.first;
      return HoldLess()(a.second, b.second);
    }
  };
  std::set<std::pair<Instant, Hold>, DueLess> dues_;
  std::uint64_t arrivals_ = 0;
  std::size_t held_ = 0;
  std::size_t slots_taken_ = 0;
  std::uint32_t lost_ = 0;
};

}  // namespace drover::workers
