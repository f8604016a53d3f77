// The checker's lines: which ready tasks stand before which.
//
// Kept from the records and the time alone, by these rules: strict priority; within one,
// each tenant's tasks in the order in which they joined the line; ties by admission number. Each
// `aging` in line raises a task by a level, at most to high.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <tuple>
#include <vector>

#include "tests/simulation/task_ledger.hpp"

namespace drover::sim {

// When a task joined its line: in which turn; in its frames, its timers or after these; and where
// among the others there.
struct Joined {
  std::uint64_t turn = 0;  // 0: it stood there when the broker started
  std::uint32_t phase = 0;
  std::uint64_t order = 0;
  Instant at;  // on the broker's clock
};
inline constexpr std::uint32_t kTimersPhase = 1;

class OrderBook {
 public:
  using CanRun = std::function<bool(std::uint32_t kind)>;

  OrderBook(const TaskLedger& ledger, Duration aging) : ledger_(ledger), aging_(aging) {}

  void clear();
  // The broker's clock went back over a restart: what is left of a wait is bounded then, not known,
  // and instants do not tell any more who came first.
  void clock_went_back() { exact_ = false; }
  // The task waits for its time, or stands in line. It was nowhere before. A task that must run
  // alone is held back for its worker: it stands `apart`, and nobody is passed over by it or for
  // it.
  void wait(TaskNumber task, Instant due, bool apart);
  void join(TaskNumber task, Instant ready_at, const Joined& joined, bool apart);
  // The task is nowhere now. It may have been nowhere before.
  void remove(TaskNumber task);

  // Everything that is due joins its line.
  void pass(Instant now, std::uint64_t turn);

  // The task that should have gone instead of `task` to somebody who can run these kinds; kNoTask
  // if its turn had come.
  TaskNumber passed_over(TaskNumber task, const CanRun& can_run, Instant now) const;
  // The task that goes first; kNoTask if none can.
  TaskNumber first(const CanRun& can_run, Instant now) const;

  bool is_in_line(TaskNumber task) const {
    return task < places_.size() && places_[task].where == Place::Where::line;
  }
  // When it is due, or since when it stands in line; kNever if it is nowhere.
  Instant due(TaskNumber task) const {
    const bool here = task < places_.size() && places_[task].where != Place::Where::nowhere;
    return here ? places_[task].at : kNever;
  }

 private:
  using Key = std::tuple<Instant, std::uint64_t, TaskNumber>;  // instant, admission, task
  using Line = std::set<Key>;

  struct Place {
    enum class Where : std::uint8_t { nowhere, timers, line };
    Where where = Where::nowhere;
    Instant at;  // due, or joined
    bool apart = false;
    Joined joined;
  };

  static constexpr std::uint32_t kTenantsMax = 4, kKindsMax = 24;
  static std::size_t line_of(std::size_t level, std::uint32_t tenant, std::uint32_t kind) {
    return (level * kTenantsMax + tenant) * kKindsMax + kind;
  }
  Line& line_of(TaskNumber task);
  Key key_of(TaskNumber task) const;
  bool went_before(TaskNumber one, TaskNumber other) const;
  TaskNumber earlier_in(const Line& line, TaskNumber task) const;
  TaskNumber any_above(std::size_t level, const CanRun& can_run, Instant now) const;
  TaskNumber raised_before(TaskNumber task, std::size_t level, const CanRun& can_run,
                           Instant now) const;
  std::size_t level_at(TaskNumber task, Instant now) const;

  const TaskLedger& ledger_;
  Duration aging_;
  std::vector<Place> places_;  // by task
  bool exact_ = true;
  Line timers_, apart_;
  std::vector<Line> lines_{kPriorities * kTenantsMax * kKindsMax};
  std::uint32_t kinds_ = 0;  // in use
};

}  // namespace drover::sim
