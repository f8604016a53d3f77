// When each task next needs a look: at most one instant a task, the earliest known exactly.
//
// Equal instants go by admission number. 16 bytes a timer. Pure; one thread.
#pragma once

#include "broker/core/indexed_heap.hpp"
#include "broker/core/task_table.hpp"

namespace drover::broker {

class Timers {
 public:
  // `tasks` must outlive the timers.
  explicit Timers(TaskTable& tasks) : tasks_(tasks), heap_(Rules{&tasks}) {}

  // Sets or moves the task's timer; kNever takes it away. O(log n).
  void set(TaskIndex task, Instant at) {
    cancel(task);
    if (at != kNever) heap_.push({at, task});
  }

  void cancel(TaskIndex task) {
    if (tasks_[task].timer != kNone) heap_.erase(tasks_[task].timer);
  }

  // The earliest instant, kNever when there is none.
  Instant earliest() const { return heap_.empty() ? kNever : heap_.front().at; }

  // Takes the earliest task if its instant is not after `now`; kNone otherwise.
  TaskIndex pop_due(Instant now) {
    if (earliest() > now || heap_.empty()) return kNone;
    const TaskIndex task = heap_.front().task;
    heap_.erase(0);
    return task;
  }

  std::size_t size() const { return heap_.size(); }

 private:
  struct Timer {
    Instant at;
    TaskIndex task;
  };
  struct Rules {
    TaskTable* tasks;
    bool before(const Timer& a, const Timer& b) const {
      if (a.at != b.at) return a.at < b.at;
      return (*tasks)[a.task].admission < (*tasks)[b.task].admission;
    }
    void moved(const Timer& timer, std::uint32_t position) {
      (*tasks)[timer.task].timer = position;
    }
  };

  TaskTable& tasks_;
  IndexedHeap<Timer, Rules> heap_;
};

}  // namespace drover::broker
