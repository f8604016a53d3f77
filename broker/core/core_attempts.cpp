// The life of an attempt: leased, ended one way or the other, and what follows for the task.

#include <algorithm>

#include "broker/core/core.hpp"
#include "broker/core/planted.hpp"
#include "common/base/assert.hpp"

namespace drover::broker {
namespace {

constexpr std::size_t kLeasesAtOnce = 1000;  // the next turn goes on
constexpr Duration kStopSlack = 1s;          // beyond cancel_grace, for the worker's word to arrive

ErrorView worker_lost_error() {
  return {"WORKER_LOST", "the worker vanished while it held the task", true};
}

}  // namespace

bool Core::dispatch(Instant now, Output& out) {
  std::size_t left = kLeasesAtOnce;
  do {
    if (!let_out(now) || !lease_all(left, now, out)) return true;
  } while (gates_.is_stirred());
  return false;
}

// Leases until nobody is free or nobody can go; false if as many were looked at as may be at once.
bool Core::lease_all(std::size_t& left, Instant now, Output& out) {
  const auto can_run = [&](DemandIndex demand) { return fleet_.can_run_now(demand); };
  for (std::size_t level = kPriorities; level-- > 0;) {
    while (fleet_.free_workers() > 0) {
      if (left == 0) return false;
      --left;
      const TaskIndex task = lines_.best(static_cast<Priority>(level), can_run);
      if (task == kNone) break;
      TaskSlot& slot = tasks_[task];
      if (slot.expires_at <= now) {  // its timer is due and still waits its turn
        expire(task, now, out);
        continue;
      }
      if (const GateIndex gate = gates_.closed(slot, passage_of(slot), now); gate != kNone) {
        wait_at(task, gate);
        continue;
      }
      const WorkerIndex worker = fleet_.pick(slot.demand);
      lines_.take(task, tenant_number(slot));
      gates_.left_line(task);
      if (must_run_alone(slot) && fleet_[worker].load() > 0) {
        // Nobody is idle: this worker takes no more, and the task as soon as it holds nothing.
        slot.place = Place::reserved;
        fleet_[worker].reserved = task;
        ++reserved_;
        fleet_.refile(worker);
      } else {
        lease(task, worker, now, out);
      }
    }
  }
  return true;
}

// One more lost worker and it is dead: that one must have nobody else to blame.
bool Core::must_run_alone(const TaskSlot& slot) const {
  if (planted(Planted::neighbour_called_poison)) return false;
  return slot.strikes > 0 && slot.strikes + 1U >= options_.poison_after;
}

void Core::lease(TaskIndex task, WorkerIndex index, Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  DROVER_ASSERT(slot.place == Place::none && slot.state == TaskState::ready);
  Worker& worker = fleet_[index];
  const Policy& policy = policy_of(slot);
  Cold& cold = slot.cold_part();
  ++slot.attempt;
  slot.state = TaskState::running;
  slot.until = now + policy.timeout + options_.cancel_grace;
  cold.worker = worker.id;
  cold.started_at = now;
  cold.holder = index;
  cold.missed = 0;
  cold.heard = worker.beats;
  gates_.take(passage_of(slot), now);
  cold.runs = true;
  if (planted(Planted::assign_before_lease)) say_assign(slot, worker, out);
  write(task, Change{RecordKind::started, TaskState::ready}, now, out);
  slot.place = Place::leased;
  worker.leases.push_back(tasks_, task);
  worker.exclusive = must_run_alone(slot);
  timers_.set(task, slot.until);
  fleet_.refile(index);
  if (!planted(Planted::assign_before_lease)) say_assign(slot, worker, out);
}

void Core::say_assign(const TaskSlot& slot, const Worker& worker, Output& out) const {
  const Policy& policy = policy_of(slot);
  wire::Assign::Item item;
  item.attempt = slot.attempt;
  item.failures = slot.failures;
  item.max_attempts = policy.max_attempts;
  item.timeout = policy.timeout;
  item.tenant = tenant_of(slot);
  item.queue = queues_[slot.queue].name;
  item.priority = slot.priority;
  item.created_at = slot.created_at;
  out.assign(worker.peer, worker.session, item, slot.where);
}

// Takes the attempt from its worker (who must be looked after with `freed`) and, unless it
// completed, adds it to the history.
void Core::end_attempt(TaskIndex task, Outcome outcome, const ErrorView& error, const Usage& usage,
                       Instant now) {
  TaskSlot& slot = tasks_[task];
  Cold& cold = *slot.cold;
  unplace(task);
  cold.holder = kNone;
  notes_.erase(task);
  stop_counting(slot);
  if (slot.labels && slot.labels->rate_cost > 0) correct_rate(slot, usage);
  if (outcome != Outcome::completed) add_history(slot, outcome, error, usage, now);
}

void Core::add_history(TaskSlot& slot, Outcome outcome, const ErrorView& error, const Usage& usage,
                       Instant now) {
  Cold& cold = *slot.cold;
  cold.remember({slot.attempt,
                 cold.worker,
                 cold.started_at,
                 now,
                 outcome,
                 {std::string(error.code), std::string(error.message), error.retryable},
                 usage});
}

// It will not run again: what it required of workers need not be known any more.
void Core::ask_nothing_more(TaskSlot& slot) {
  const Demand& demand = demands_[slot.demand];
  if (demand.requirements.empty() && demand.tenant.empty()) return;
  const std::string type = demand.type;
  const DemandIndex bare = demands_.acquire(type, {}, options_.kinds);
  if (bare == kNone) return;
  demands_.release(slot.demand);
  slot.demand = bare;
}

void Core::complete(TaskIndex task, const wire::Done::Item& item, Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  end_attempt(task, Outcome::completed, {}, item.usage, now);
  if (planted(Planted::result_not_journaled)) {
    set_state(slot, TaskState::completed);
    slot.until = now;
    return end(task, now, out);
  }
  ask_nothing_more(slot);
  slot.state = TaskState::completed;
  slot.until = now;
  if (slot.labels || !item.content_type.empty() || item.usage != Usage{}) {
    Labels& labels = slot.label_part();
    labels.content_type = cut_text(item.content_type, kTextMax);
    labels.usage = item.usage;
  }
  Change change{RecordKind::completed, TaskState::running, Outcome::completed};
  change.usage = item.usage;
  change.blob = item.result;
  write(task, change, now, out);
  out.forget(slot.where);  // read again only if somebody asks
  end(task, now, out);
}

void Core::fail(TaskIndex task, Outcome outcome, const ErrorView& error, Duration retry_after,
                const Usage& usage, Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  const Policy& policy = policy_of(slot);
  ++slot.failures;
  if (!error.retryable) return die(task, DeathReason::fatal, outcome, error, usage, now, out);
  if (slot.failures >= policy.max_attempts + (planted(Planted::one_failure_too_many) ? 1U : 0U)) {
    return die(task, DeathReason::attempts, outcome, error, usage, now, out);
  }
  end_attempt(task, outcome, error, usage, now);
  const Duration drawn = draw_delay(policy.backoff, slot.failures, random_);
  if (planted(Planted::retry_after_ignored)) retry_after = 0ms;
  const Duration delay = std::max(drawn, std::clamp(retry_after, Duration(0), kDelayMax));
  slot.state = TaskState::retrying;
  slot.until = now + delay;
  slot.ready_at = slot.until;
  write(task, Change{RecordKind::retrying, TaskState::running, outcome, error, usage}, now, out);
  place_waiting(task);
}

void Core::die(TaskIndex task, DeathReason reason, Outcome outcome, const ErrorView& error,
               const Usage& usage, Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  end_attempt(task, outcome, error, usage, now);
  if (planted(Planted::dead_without_history)) slot.cold->history.clear();
  slot.state = TaskState::dead;
  slot.reason = reason;
  slot.until = now;
  Change failed{RecordKind::failed, TaskState::running, outcome, error, usage};
  failed.reason = name_of(reason);
  Change dead{RecordKind::dead, TaskState::dead};
  dead.reason = name_of(reason);
  dead.error = error;
  const Change both[] = {failed, dead};
  write(task, both, now, out);
  end(task, now, out);
}

// Its worker is gone: a strike, no charge.
void Core::lose(TaskIndex task, Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  if (slot.strikes < UINT8_MAX) ++slot.strikes;
  if (planted(Planted::worker_lost_charged)) ++slot.failures;
  if (slot.strikes >= options_.poison_after) {
    ++poisoned_;
    die(task, DeathReason::poison, Outcome::worker_lost, worker_lost_error(), {}, now, out);
  } else {
    requeue(task, Outcome::worker_lost, worker_lost_error(), "worker_lost", now, out);
  }
}

// The attempt is over for the task; its worker will be told (tell_to_stop, once that is written),
// and its slot counts as used until the worker says that it has stopped, or has had the time to.
WorkerIndex Core::stop_later(TaskIndex task, bool cancelled, Instant now) {
  TaskSlot& slot = tasks_[task];
  const WorkerIndex index = slot.cold->holder;
  unplace(task);
  slot.cold->holder = kNone;
  notes_.erase(task);
  Stopping stopping{slot.id, slot.attempt, now + options_.cancel_grace + kStopSlack, cancelled, {}};
  stopping.gates = gates_of_running(slot);
  for (const GateIndex gate : stopping.gates) {
    if (gate != kNone) gates_.use(gate);
  }
  slot.cold->runs = false;
  fleet_[index].stopping.push_back(stopping);
  return index;
}

void Core::tell_to_stop(WorkerIndex index, TaskIndex task, Output& out) {
  Worker& worker = fleet_[index];
  const TaskSlot& slot = tasks_[task];
  out.cancel(worker.peer, worker.session, {slot.id, slot.attempt, options_.cancel_grace});
}

// An attempt that was being stopped has stopped.
void Core::stopped(WorkerIndex index, std::size_t which, Outcome outcome, Instant now,
                   Output& out) {
  Worker& worker = fleet_[index];
  const Stopping over = worker.stopping[which];
  worker.stopping.erase(worker.stopping.begin() + static_cast<std::ptrdiff_t>(which));
  for (const GateIndex gate : over.gates) {
    if (gate == kNone) continue;
    gates_.let_go(gate);
    gates_.release(gate);
  }
  const TaskIndex task = tasks_.find(over.task);
  if (!over.cancelled || task == kNone || tasks_[task].attempt != over.attempt) return;
  TaskSlot& slot = tasks_[task];
  const ErrorView error{"CANCELLED", "stopped because the task was cancelled", false};
  add_history(slot, outcome, error, {}, now);
  write(task, Change{RecordKind::stopped, slot.state, outcome, error}, now, out);
}

// The broker's word on a message about an attempt that its sender does not hold.
Errc Core::verdict_on_ended(const wire::Hold& hold, WorkerIndex index, Outcome outcome, Instant now,
                            Output& out) {
  Worker& worker = fleet_[index];
  for (std::size_t i = 0; i < worker.stopping.size(); ++i) {
    const Stopping& s = worker.stopping[i];
    if (s.task != hold.task || s.attempt != hold.attempt) continue;
    const bool cancelled = s.cancelled;
    stopped(index, i, Outcome::stopped, now, out);
    freed(index, now, out);
    return cancelled ? Errc::cancelled : Errc::stale_lease;
  }
  const TaskIndex task = known_to(index, hold.task);
  if (task == kNone) {
    if (tasks_.find(hold.task) != kNone) ++stale_;
    return Errc::not_found;
  }
  const TaskSlot& slot = tasks_[task];
  if (slot.attempt == hold.attempt && slot.attempt > 0 && slot.state != TaskState::running) {
    if (slot.state == TaskState::cancelled) return Errc::cancelled;
    if (slot.state == TaskState::completed && outcome == Outcome::completed) return Errc::ok;
    const auto& history = slot.cold->history;
    // The message that ended it, once more.
    const bool repeated = !history.empty() && history.back().attempt == hold.attempt &&
                          history.back().outcome == outcome;
    if (repeated) return Errc::ok;
  }
  ++stale_;
  return Errc::stale_lease;
}

}  // namespace drover::broker
