// Where tasks are: lines, timers, lists, and the way out.

#include "broker/core/core.hpp"
#include "broker/core/planted.hpp"
#include "common/base/assert.hpp"

namespace drover::broker {

namespace {

constexpr int kForgetAtOnce = 1000;  // bounds the work of one call

}  // namespace

// Puts a scheduled, ready or retrying task where it waits.
void Core::place_waiting(TaskIndex task) {
  TaskSlot& slot = tasks_[task];
  slot.was_let_out = false;
  if (slot.state == TaskState::ready) {
    lines_.join(task, tenant_number(slot));
    timers_.set(task, slot.expires_at);
  } else {
    timers_.set(task, std::min(slot.until, slot.expires_at));
  }
}

void Core::place_ended(TaskIndex task) {
  TaskSlot& slot = tasks_[task];
  if (slot.state == TaskState::dead) {
    slot.place = Place::dead;
    dead_.push_back(tasks_, task);
  } else {
    slot.place = Place::finished;
    finished_.push_back(tasks_, task);
    results_bytes_ += slot.where.length;
  }
  timers_.set(task, end_of_keeping(slot));
}

void Core::unplace(TaskIndex task) {
  TaskSlot& slot = tasks_[task];
  timers_.cancel(task);
  switch (slot.place) {
    case Place::none: return;
    case Place::line:
      lines_.leave(task, tenant_number(slot));
      gates_.left_line(task);
      return;
    case Place::gate: gates_.leave(task); return;
    case Place::reserved:
      --reserved_;
      for (WorkerIndex worker = 0; worker < fleet_.end(); ++worker) {
        if (fleet_[worker].reserved != task) continue;
        fleet_[worker].reserved = kNone;
        fleet_.refile(worker);
      }
      break;
    case Place::leased: fleet_[slot.cold->holder].leases.remove(tasks_, task); break;
    case Place::orphaned: orphans_.remove(tasks_, task); break;
    case Place::finished:
      finished_.remove(tasks_, task);
      results_bytes_ -= slot.where.length;
      break;
    case Place::dead: dead_.remove(tasks_, task); break;
  }
  slot.place = Place::none;
}

// A wait is over: the task joins its line, as of the instant it was due.
void Core::make_ready(TaskIndex task, Instant at) {
  TaskSlot& slot = tasks_[task];
  set_state(slot, TaskState::ready);
  slot.ready_at = at;
  slot.until = kNever;
  place_waiting(task);
}

// Gives a running task back to its line, uncharged.
void Core::requeue(TaskIndex task, Outcome outcome, const ErrorView& error, std::string_view reason,
                   Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  end_attempt(task, outcome, error, {}, now);
  slot.state = TaskState::ready;
  slot.ready_at = now;
  slot.until = kNever;
  if (planted(Planted::requeue_loses_priority)) slot.priority = Priority::low;
  Change change{RecordKind::requeued, TaskState::running, outcome, error};
  change.reason = reason;
  write(task, change, now, out);
  place_waiting(task);
}

// The task has ended and that is written: keeps it for as long as it may be asked for.
void Core::end(TaskIndex task, Instant now, Output& out) {
  DROVER_ASSERT(has_ended(tasks_[task].state) && tasks_[task].until == now);
  place_ended(task);
  tell_waiters(task, out);
  limit_results(out);
}

void Core::tell_waiters(TaskIndex task, Output& out) {
  if (waits_.size() == 0) return;
  for (const Waiter& waiter : waits_.take(task)) {
    out.wait_over(waiter.peer, waiter.request, tasks_[task].id, true);
  }
}

Instant Core::end_of_keeping(const TaskSlot& slot) const {
  if (slot.state == TaskState::dead) return slot.until + options_.dlq_ttl;
  return slot.until + policy_of(slot).result_ttl;
}

void Core::limit_results(Output& out) {
  for (int i = 0; i < kForgetAtOnce; ++i) {
    const bool too_many = finished_.count > options_.results_max;
    // The newest result stays, however large: somebody may be waiting for it.
    const bool too_large = results_bytes_ > options_.results_bytes_max && finished_.count > 1;
    if (!too_many && !too_large) return;
    ++results_evicted_;
    forget(finished_.head, out);
  }
}

// Lets go of all that is known of a task, but for its idempotency key while its window lasts.
void Core::forget(TaskIndex task, Output& out) {
  TaskSlot& slot = tasks_[task];
  unplace(task);
  out.forget(slot.where);
  KeyEntry* entry = nullptr;
  if (slot.labels && !slot.labels->idempotency_key.empty()) {
    entry = keys_.find(tenant_of(slot), slot.labels->idempotency_key);
  }
  if (entry && entry->task == slot.id) {
    entry->forgotten = true;
    entry->where = slot.where;
    entry->state = slot.state;
    live_bytes_ += slot.where.length;  // the key's from now on
  }
  set_where(slot, {});
  demands_.release(slot.demand);
  policies_.release(slot.policy);
  release_keys(slot);
  tasks_.erase(task);
}

}  // namespace drover::broker
