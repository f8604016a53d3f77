// How a task gets in, and the other things that clients may do to one.

#include <algorithm>

#include "broker/core/core.hpp"
#include "broker/core/planted.hpp"
#include "common/base/crc32c.hpp"

namespace drover::broker {
namespace {

// Tells equal work from other work under one idempotency key.
std::uint64_t hash_of(const TaskSpec& spec) {
  const std::uint64_t crc = crc32c(spec.payload, crc32c(spec.type));
  return (crc << 32) | (spec.payload.size() & UINT32_MAX);
}

Error not_found() { return {Errc::not_found, "the broker knows no such task", "id"}; }

Error wrong_state(TaskState state) {
  return {Errc::wrong_state, "the task is " + std::string(name_of(state))};
}

bool needs_labels(const TaskSpec& spec) {
  return !spec.idempotency_key.empty() || !spec.user_id.empty() || !spec.agent_id.empty() ||
         !spec.traceparent.empty();
}

}  // namespace

Result<std::optional<Admitted>> Core::find_duplicate(const TaskSpec& spec, std::string_view tenant,
                                                     std::uint64_t hash, Instant now) {
  if (const TaskIndex known = tasks_.find(spec.id); known != kNone) {
    const TaskSlot& slot = tasks_[known];
    if (tenant_of(slot) != tenant) {
      return Error{Errc::conflict, "the id belongs to another task", "id"};
    }
    return std::optional(Admitted{slot.id, slot.state, true, false});
  }
  if (spec.idempotency_key.empty()) return std::optional<Admitted>();
  const KeyEntry* entry = keys_.find(tenant, spec.idempotency_key);
  if (!entry || entry->until <= now) return std::optional<Admitted>();
  if (entry->payload_hash != hash) {
    return Error{
        Errc::idempotency_conflict,
        "the idempotency key was used for another payload, by task " + to_string(entry->task),
        "idempotency_key"};
  }
  const TaskIndex first = tasks_.find(entry->task);
  const TaskState state = first == kNone ? entry->state : tasks_[first].state;
  return std::optional(Admitted{entry->task, state, true, false});
}

// The limits of the queue and of its tenant.
Result<void> Core::within_limits(std::uint32_t index, const TaskSpec& spec, Instant now) const {
  const Queue& queue = queues_[index];
  const Tenant& tenant = queues_.tenant(queue.tenant_number);
  const std::uint64_t most =
      std::min(options_.queue_length, queue.settings.amount(Setting::limit, UINT64_MAX));
  if (queue.books.length() >= most) {
    return Error{Errc::queue_full,
                 std::string(most == options_.queue_length ? "limits.queue_length" : "limit") +
                     ": queue " + queue.name + " holds " + std::to_string(most) + " tasks",
                 "queue", 1s};
  }
  const std::uint64_t in_all = tenant.settings.amount(Setting::limit, UINT64_MAX);
  if (tenant.length >= in_all) {
    return Error{Errc::queue_full,
                 "limit: tenant " + tenant.name + " has " + std::to_string(in_all) + " tasks",
                 "tenant", 1s};
  }
  const std::uint64_t payload = std::min(queue.settings.amount(Setting::payload_max, UINT64_MAX),
                                         tenant.settings.amount(Setting::payload_max, UINT64_MAX));
  if (spec.payload.size() > payload) {
    return Error{Errc::payload_too_large,
                 "payload_max: the payload has " + std::to_string(spec.payload.size()) +
                     " bytes; at most " + std::to_string(payload) + " are allowed here",
                 "payload"};
  }
  const bool of_queue = queue.submissions.opens_at(1) > now;
  if (of_queue || tenant.submissions.opens_at(1) > now) {
    const Instant at = std::max(queue.submissions.opens_at(1), tenant.submissions.opens_at(1));
    return Error{Errc::rate_limited,
                 "submit_rate: " + (of_queue ? "queue " + queue.name : "tenant " + tenant.name) +
                     " takes no more submissions now",
                 of_queue ? "queue" : "tenant", at - now};
  }
  return {};
}

void Core::count_submission(std::uint32_t index, Instant now) {
  Queue& queue = queues_[index];
  Tenant& tenant = queues_.tenant(queue.tenant_number);
  if (queue.submissions.is_limited()) queue.submissions.take(1, now);
  if (tenant.submissions.is_limited()) tenant.submissions.take(1, now);
}

// The queue that has room for one more task.
Result<std::uint32_t> Core::room_for(const TaskSpec& spec, std::string_view tenant, Instant now) {
  if (draining_) return Error{Errc::draining, "the broker is stopping", {}, 1s};
  if (storage_full_)
    return Error{Errc::storage_full, "the store has no room for new tasks", {}, 5s};
  if (memory_short_) {
    return Error{Errc::resource_exhausted,
                 "limits.memory_max: the broker's memory is full until tasks end",
                 {},
                 5s};
  }
  const std::string_view name = spec.queue.empty() ? "default" : spec.queue;
  const auto queue = queues_.find_or_add(tenant, name, options_.queues);
  if (queue == kNone) {
    return Error{Errc::resource_exhausted,
                 "limits.queues: there are " + std::to_string(options_.queues) + " queues already",
                 "queue", 1min};
  }
  now_ = now;
  furnish(queue);
  if (auto ok = within_limits(queue, spec, now); !ok) return ok.error();
  return queue;
}

// A full table makes room by forgetting the oldest key of a task that is forgotten already.
Result<void> Core::room_for_key(const TaskSpec& spec, Instant now) {
  if (spec.idempotency_key.empty() || keys_.size() < options_.idempotency_max) return {};
  keys_.expire(now, options_.idempotency_max - 1,
               [&](const KeyEntry& entry) { live_bytes_ -= entry.where.length; });
  if (keys_.size() < options_.idempotency_max) return {};
  return Error{Errc::resource_exhausted,
               "tasks.idempotency_max: " + std::to_string(options_.idempotency_max) +
                   " idempotency keys are in use",
               "idempotency_key", 1min};
}

// Whose a demand of the queue's tasks is; nobody's where workers are not bound.
Core::Home Core::owner_of(std::uint32_t queue) const {
  if (!options_.scoped) return {};
  return {queues_[queue].tenant, queues_[queue].name};
}

void Core::fill(TaskSlot& slot, const TaskSpec& spec, Instant now) {
  slot.admission = next_admission_++;
  slot.priority = spec.priority.value_or(Priority::normal);
  slot.created_at = now;
  Policy policy = options_.policy;
  policy.timeout = spec.timeout.value_or(policy.timeout);
  policy.max_attempts = spec.max_attempts.value_or(policy.max_attempts);
  policy.backoff = spec.backoff.value_or(policy.backoff);
  policy.result_ttl = spec.result_ttl.value_or(policy.result_ttl);
  slot.policy = policies_.acquire(policy);
  const Instant due = spec.not_before.value_or(now + spec.delay.value_or(0ms));
  slot.state = due > now ? TaskState::scheduled : TaskState::ready;
  slot.ready_at = std::max(due, now);
  slot.until = due > now ? due : kNever;
  slot.expires_at = spec.ttl ? now + *spec.ttl : spec.expires_at.value_or(kNever);
  if (!needs_labels(spec)) return;
  Labels& labels = slot.label_part();
  labels.idempotency_key = spec.idempotency_key;
  labels.user_id = spec.user_id;
  labels.agent_id = spec.agent_id;
  labels.traceparent = spec.traceparent;
}

Result<Admitted> Core::submit(const wire::SubmittedTask& submitted, Instant now, Output& out) {
  if (submitted.fault) return *submitted.fault;
  const TaskSpec& spec = submitted.spec;
  // What is known was good when it came: a repeat is not refused because time has passed since.
  const auto good = check(spec, options_.limits, now);
  const bool is_known = tasks_.find(spec.id) != kNone && !planted(Planted::repeat_refused);
  if (!good && !is_known) return good.error();
  const std::string_view tenant = spec.tenant.empty() ? "default" : spec.tenant;
  const std::uint64_t hash = spec.idempotency_key.empty() ? 0 : hash_of(spec);
  auto duplicate = find_duplicate(spec, tenant, hash, now);
  if (!duplicate) return duplicate.error();
  if (*duplicate) {
    ++duplicates_;
    return **duplicate;
  }
  if (auto ok = room_for_key(spec, now); !ok) return ok.error();
  const auto queue = room_for(spec, tenant, now);
  if (!queue) return queue.error();
  const Home owner = owner_of(*queue);
  const auto demand =
      demands_.acquire(spec.type, requirements_of(spec), options_.kinds, owner.tenant, owner.queue);
  if (demand == kNone) {
    return Error{Errc::resource_exhausted, "there are too many types of waiting tasks", "type",
                 1min};
  }

  const TaskIndex task = tasks_.insert(spec.id);
  TaskSlot& slot = tasks_[task];
  slot.queue = *queue;
  slot.demand = demand;
  fill(slot, spec, now);
  acquire_keys(slot, spec);
  count_submission(*queue, now);
  if (!spec.idempotency_key.empty()) {
    slot.labels->payload_hash = hash;
    const KeyEntry* old = keys_.find(tenant, spec.idempotency_key);
    if (old && old->forgotten) live_bytes_ -= old->where.length;  // its window is over
    keys_.put(tenant, spec.idempotency_key,
              {spec.id, hash, now + options_.idempotency_window, {}, slot.state, false});
  }
  Change change{RecordKind::created, slot.state};
  change.blob = submitted.bytes;
  write(task, change, now, out);
  place_waiting(task);
  return Admitted{spec.id, slot.state, false, !fleet_.can_ever_run(demand)};
}

Result<TaskState> Core::cancel(const TaskId& id, Instant now, Output& out) {
  const TaskIndex task = tasks_.find(id);
  if (task == kNone) return not_found();
  TaskSlot& slot = tasks_[task];
  if (slot.state == TaskState::cancelled) return slot.state;
  if (has_ended(slot.state)) return wrong_state(slot.state);
  const TaskState from = slot.state;
  const bool is_held = slot.place == Place::leased;
  const WorkerIndex worker = is_held ? stop_later(task, /*cancelled=*/true, now) : kNone;
  if (!is_held) {
    unplace(task);
    stop_counting(slot);  // it ran before the broker was started, and nobody has spoken of it
  }
  slot.state = TaskState::cancelled;
  slot.until = now;
  if (is_held && planted(Planted::cancel_before_record)) tell_to_stop(worker, task, out);
  write(task, Change{RecordKind::cancelled, from}, now, out);
  if (is_held) tell_to_stop(worker, task, out);
  end(task, now, out);
  return TaskState::cancelled;
}

Result<TaskState> Core::retry(const TaskId& id, Instant now, Output& out) {
  const TaskIndex task = tasks_.find(id);
  if (task == kNone) return not_found();
  TaskSlot& slot = tasks_[task];
  const TaskState from = slot.state;
  if (from != TaskState::dead && from != TaskState::cancelled && from != TaskState::expired &&
      from != TaskState::retrying) {
    return wrong_state(from);
  }
  unplace(task);
  if (from != TaskState::retrying) {
    slot.failures = 0;
    slot.strikes = 0;
    slot.reason = DeathReason::none;
  }
  if (slot.expires_at <= now) slot.expires_at = kNever;  // a person wants it all the same
  slot.state = TaskState::ready;
  slot.ready_at = now;
  slot.until = kNever;
  Change change{RecordKind::requeued, from};
  change.reason = "retry";
  write(task, change, now, out);
  place_waiting(task);
  return slot.state;
}

Result<void> Core::wait(Peer peer, std::uint64_t request, const TaskId& id, Duration timeout,
                        Instant now, Output& out) {
  const TaskIndex task = tasks_.find(id);
  if (task == kNone) return not_found();
  if (has_ended(tasks_[task].state)) {
    out.wait_over(peer, request, id, true);
    return {};
  }
  if (waits_.size() >= options_.waits) {
    return Error{Errc::resource_exhausted, "too many callers wait for tasks", {}, 1s};
  }
  if (waits_.of(peer) >= options_.waits_of_peer) {
    return Error{Errc::resource_exhausted,
                 "limits.peer_waits: this connection waits for " +
                     std::to_string(options_.waits_of_peer) + " tasks already",
                 {},
                 1s};
  }
  waits_.add(task, {peer, request, now + std::clamp(timeout, Duration(0), options_.wait_max)});
  return {};
}

}  // namespace drover::broker
