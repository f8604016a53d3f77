// What time makes due.

#include <algorithm>

#include "broker/core/core.hpp"

namespace drover::broker {
namespace {

constexpr int kTimersAtOnce = 1000;  // bounds one call; the next turn goes on

}  // namespace

void Core::advance(Instant now, Output& out) {
  now_ = now;
  for (int i = 0; i < kTimersAtOnce; ++i) {
    const TaskIndex task = timers_.pop_due(now);
    if (task == kNone) break;
    on_timer(task, now, out);
  }
  Waiter waiter;
  for (int i = 0; i < kTimersAtOnce && waits_.pop_expired(now, waiter); ++i) {
    out.wait_over(waiter.peer, waiter.request, {}, false);
  }
  lines_.age(now);
  gates_.advance(now);
  keys_.expire(now, options_.idempotency_max,
               [&](const KeyEntry& entry) { live_bytes_ -= entry.where.length; });
  limit_results(out);
  if (now >= judge_at_) judge_workers(now, out);
  if (now >= orphans_until_) lose_orphans(now, out);
}

Instant Core::next_deadline() const {
  return std::min({timers_.earliest(), waits_.earliest(), keys_.earliest(), lines_.next_aging(),
                   gates_.next_opening(), judge_at_, orphans_until_});
}

void Core::on_timer(TaskIndex task, Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  switch (slot.state) {
    case TaskState::scheduled:
    case TaskState::retrying:
      if (slot.expires_at <= now && slot.expires_at <= slot.until) return expire(task, now, out);
      return make_ready(task, slot.until);
    case TaskState::ready:
    case TaskState::blocked: return expire(task, now, out);
    case TaskState::running: return overrun(task, now, out);
    case TaskState::dead: {
      Change change{RecordKind::purged, TaskState::dead};
      change.reason = "dlq_ttl";
      write(task, change, now, out);
      return forget(task, out);
    }
    case TaskState::completed:
    case TaskState::cancelled:
    case TaskState::expired: return forget(task, out);
  }
}

void Core::expire(TaskIndex task, Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  const TaskState from = slot.state;
  unplace(task);
  slot.state = TaskState::expired;
  slot.until = now;
  write(task, Change{RecordKind::expired, from}, now, out);
  end(task, now, out);
}

// The worker should have ended this attempt long ago: the broker does it for the task, and the
// worker's slot is used until it says so.
void Core::overrun(TaskIndex task, Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  if (now < no_verdict_before_) return timers_.set(task, no_verdict_before_);
  const std::string message = "the attempt ran longer than " + to_string(policy_of(slot).timeout);
  const ErrorView error{"TIMED_OUT", message, true};
  const WorkerIndex worker = stop_later(task, /*cancelled=*/false, now);
  fail(task, Outcome::timed_out, error, 0ms, {}, now, out);
  tell_to_stop(worker, task, out);
}

}  // namespace drover::broker
