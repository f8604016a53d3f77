// What the core writes down, and how it comes back.

#include <algorithm>
#include <array>
#include <vector>

#include "broker/core/core.hpp"
#include "broker/core/planted.hpp"
#include "common/base/assert.hpp"
#include "common/wire/codec.hpp"

namespace drover::broker {
namespace {

bool is_total(TaskState state) {
  return state == TaskState::completed || state == TaskState::cancelled ||
         state == TaskState::expired;
}

}  // namespace

Record Core::record_of(const TaskSlot& slot, const Change& change, Instant now) const {
  const Policy& policy = policy_of(slot);
  Record r;
  r.kind = change.kind;
  r.at = now;
  r.task = slot.id;
  r.tenant = tenant_of(slot);
  r.queue = queues_[slot.queue].name;
  r.type = demands_[slot.demand].type;
  r.priority = slot.priority;
  r.from = change.from;
  r.state = slot.state;
  r.admission = slot.admission;
  r.attempt = slot.attempt;
  r.failures = slot.failures;
  r.strikes = slot.strikes;
  r.created_at = slot.created_at;
  r.ready_at = slot.ready_at;
  r.until = slot.until;
  if (slot.until != kNever && slot.until > now) r.wait = slot.until - now;
  r.expires_at = slot.expires_at;
  r.outcome = change.outcome;
  r.error = change.error;
  r.usage = change.usage;
  r.reason = change.reason;
  r.blob = change.blob;
  if (slot.cold) {
    r.worker = slot.cold->worker;
    r.started_at = slot.cold->started_at;
  }
  if (slot.labels) {
    r.user_id = slot.labels->user_id;
    r.agent_id = slot.labels->agent_id;
    r.traceparent = slot.labels->traceparent;
  }
  if (!is_whole(r.kind)) return r;
  r.timeout = policy.timeout;
  r.max_attempts = policy.max_attempts;
  r.backoff = policy.backoff;
  r.result_ttl = policy.result_ttl;
  if (slot.labels) {
    r.idempotency_key = slot.labels->idempotency_key;
    r.payload_hash = slot.labels->payload_hash;
    r.content_type = slot.labels->content_type;
  }
  if (slot.cold) r.history = slot.cold->history;
  return r;
}

void Core::write(TaskIndex task, const Change& change, Instant now, Output& out) {
  write(task, std::span(&change, 1), now, out);
}

void Core::write(TaskIndex task, std::span<const Change> changes, Instant now, Output& out) {
  TaskSlot& slot = tasks_[task];
  std::array<Record, 2> records;
  DROVER_ASSERT(changes.size() <= records.size());
  for (std::size_t i = 0; i < changes.size(); ++i) records[i] = record_of(slot, changes[i], now);
  const auto place = out.append(std::span(records).first(changes.size()));
  note_written(tenant_number(slot), place.first_seq + changes.size() - 1);

  const Change& change = changes.front();
  if (is_whole(change.kind)) {
    if (slot.where) out.forget(slot.where);
    set_where(slot, place.where);
  }
  if (change.kind == RecordKind::started) slot.cold->lease_seq = place.first_seq;
  // The books follow the append, so that a segment which begins with this record begins with the
  // books as they were before it.
  QueueBooks& books = queues_[slot.queue].books;
  if (change.kind == RecordKind::created) {
    ++books.submitted;
    queues_.enter(slot.queue, slot.state);
  } else if (change.kind == RecordKind::purged) {
    ++books.purged;
    queues_.leave(slot.queue, slot.state);
  } else {
    queues_.leave(slot.queue, change.from);
    queues_.enter(slot.queue, slot.state);
  }
}

void Core::note_written(std::uint32_t tenant, std::uint64_t seq) {
  written_seq_ = seq;
  if (!options_.scoped) return;
  if (tenant >= newest_seqs_.size()) newest_seqs_.resize(tenant + 1);
  newest_seqs_[tenant] = seq;
}

void Core::write_worker(const Worker& worker, RecordKind kind, std::string_view reason, Instant now,
                        Output& out) {
  Record r;
  r.kind = kind;
  r.at = now;
  r.worker = worker.id;
  r.host = worker.host;
  r.pid = worker.pid;
  r.reason = reason;
  written_seq_ = out.append(std::span(&r, 1)).first_seq;
}

// A step between states that time makes by itself and that is not written down.
void Core::set_state(TaskSlot& slot, TaskState state) {
  queues_.leave(slot.queue, slot.state);
  queues_.enter(slot.queue, state);
  slot.state = state;
}

void Core::set_where(TaskSlot& slot, const Locator& where) {
  live_bytes_ += where.length;
  live_bytes_ -= slot.where.length;
  if (slot.place == Place::finished) {
    results_bytes_ += where.length;
    results_bytes_ -= slot.where.length;
  }
  slot.where = where;
}

Result<void> Core::recover(const Record& record, const Locator& where) {
  switch (record.kind) {
    case RecordKind::worker_joined:
    case RecordKind::worker_left:
    case RecordKind::worker_draining: return {};
    case RecordKind::books: {
      const auto next = queues_.load(record.blob);
      if (!next) return next.error();
      next_admission_ = std::max(next_admission_, *next);
      return {};
    }
    case RecordKind::key: {
      KeyEntry* known = keys_.find(record.tenant, record.idempotency_key);
      if (known) live_bytes_ -= known->where.length;
      keys_.put(record.tenant, record.idempotency_key,
                {record.task, record.payload_hash, record.until, where, record.state, true});
      live_bytes_ += where.length;
      return {};
    }
    case RecordKind::queue_changed:
    case RecordKind::queue_paused:
    case RecordKind::queue_resumed:
    case RecordKind::queue_settings:
    case RecordKind::tenant_changed:
    case RecordKind::tenant_settings:
    case RecordKind::gate_changed:
    case RecordKind::gate_closed:
    case RecordKind::gate_opened:
    case RecordKind::key_settings: return recover_settings(record, where);
    default: return recover_task(record, where);
  }
}

Result<void> Core::recover_task(const Record& record, const Locator& where) {
  if (planted(Planted::cancel_lost_in_crash) && record.kind == RecordKind::cancelled) return {};
  const auto queue = queues_.find_or_add(record.tenant, record.queue, SIZE_MAX);
  if (is_event(record.kind)) count_recovered(record, queues_[queue].books);
  next_admission_ = std::max(next_admission_, record.admission + 1);
  TaskIndex task = tasks_.find(record.task);
  if (record.kind == RecordKind::purged) {
    if (task != kNone) {
      if (!planted(Planted::purged_key_lost)) recover_key(tasks_[task]);
      drop_recovered(task);
    }
    return {};
  }
  if (task != kNone && record.kind == RecordKind::created) {  // its id was used before
    drop_recovered(task);
    task = kNone;
  }
  if (task == kNone) {
    // A change of a task whose whole record is gone: it was forgotten before the crash.
    if (!is_whole(record.kind)) return {};
    task = tasks_.insert(record.task);
    tasks_[task].queue = queue;
    if (auto ok = recover_kind(tasks_[task], record); !ok) return ok;
  }
  TaskSlot& slot = tasks_[task];
  recover_hot(slot, record);
  if (is_whole(record.kind)) recover_whole(slot, record, where);
  recovered_waits_.erase(task);
  if (record.wait > 0ms) recovered_waits_[task] = record.wait;
  return {};
}

void Core::count_recovered(const Record& record, QueueBooks& books) {
  if (record.kind == RecordKind::created) {
    ++books.submitted;
    return;
  }
  if (record.kind == RecordKind::purged) {
    ++books.purged;
    return;
  }
  if (is_total(record.from)) --books[record.from];
  if (is_total(record.state)) ++books[record.state];
}

// What a new slot never changes, its demand; and an empty policy until the record's own is taken.
Result<void> Core::recover_kind(TaskSlot& slot, const Record& record) {
  std::vector<std::string> requirements;
  const bool asks = record.state != TaskState::completed;  // and otherwise nothing more
  std::optional<TaskSpec> spec;
  if (asks) {
    auto read = wire::decode_task(record.blob);
    if (!read) return read.error();
    spec = std::move(*read);
    requirements = requirements_of(*spec);
  }
  const Home owner = asks ? owner_of(slot.queue) : Home{};
  slot.demand =
      demands_.acquire(record.type, std::move(requirements), SIZE_MAX, owner.tenant, owner.queue);
  slot.policy = policies_.acquire({});
  furnish(slot.queue);
  if (spec) acquire_keys(slot, *spec);
  return {};
}

void Core::recover_hot(TaskSlot& slot, const Record& record) {
  slot.priority = record.priority;
  slot.state = record.state;
  slot.admission = record.admission;
  if (!planted(Planted::attempt_reused) || record.kind != RecordKind::started) {
    slot.attempt = record.attempt;
  }
  slot.failures = static_cast<std::uint16_t>(record.failures);
  slot.strikes = static_cast<std::uint8_t>(record.strikes);
  slot.created_at = record.created_at;
  slot.ready_at = record.ready_at;
  slot.until = record.until;
  slot.expires_at = record.expires_at;
  if (record.state != TaskState::dead) {
    slot.reason = DeathReason::none;
  } else if (!record.reason.empty()) {
    slot.reason = parse_death_reason(record.reason);
  }
  if (record.attempt == 0) return;
  Cold& cold = slot.cold_part();
  cold.worker = record.worker;
  cold.started_at = record.started_at;
  cold.holder = kNone;
  if (record.outcome == Outcome::none || is_whole(record.kind)) return;
  cold.remember(
      {record.attempt,
       record.worker,
       record.started_at,
       record.at,
       record.outcome,
       {std::string(record.error.code), std::string(record.error.message), record.error.retryable},
       record.usage});
}

void Core::recover_whole(TaskSlot& slot, const Record& record, const Locator& where) {
  set_where(slot, where);
  policies_.release(slot.policy);
  slot.policy =
      policies_.acquire({record.timeout, record.result_ttl, record.max_attempts, record.backoff});
  if (!record.history.empty()) {
    slot.cold_part().history.assign(record.history.begin(), record.history.end());
  } else if (slot.cold) {
    slot.cold->history.clear();
  }
  const bool has_labels = !record.idempotency_key.empty() || !record.user_id.empty() ||
                          !record.agent_id.empty() || !record.traceparent.empty() ||
                          !record.content_type.empty() || record.usage != Usage{} ||
                          (slot.labels && slot.labels->names_gates());
  if (!has_labels) {
    slot.labels.reset();
    return;
  }
  Labels& labels = slot.label_part();
  labels.idempotency_key = record.idempotency_key;
  labels.payload_hash = record.payload_hash;
  labels.user_id = record.user_id;
  labels.agent_id = record.agent_id;
  labels.traceparent = record.traceparent;
  labels.content_type = record.content_type;
  labels.usage = record.usage;
}

// The key of a task that is forgotten goes on until its window ends.
void Core::recover_key(const TaskSlot& slot) {
  if (!slot.labels || slot.labels->idempotency_key.empty()) return;
  const auto& key = slot.labels->idempotency_key;
  const Instant until = slot.created_at + options_.idempotency_window;
  if (const KeyEntry* known = keys_.find(tenant_of(slot), key)) {
    if (known->until >= until) return;  // a later task's
    if (known->forgotten) live_bytes_ -= known->where.length;
  }
  keys_.put(tenant_of(slot), key,
            {slot.id, slot.labels->payload_hash, until, slot.where, slot.state, true});
  live_bytes_ += slot.where.length;
}

void Core::drop_recovered(TaskIndex task) {
  TaskSlot& slot = tasks_[task];
  set_where(slot, {});
  demands_.release(slot.demand);
  policies_.release(slot.policy);
  release_keys(slot);
  recovered_waits_.erase(task);
  tasks_.erase(task);
}

Result<void> Core::finish_recovery(Instant now) {
  now_ = now;
  lines_.age(now);
  for (std::uint32_t queue = 0; queue < queues_.size(); ++queue) furnish(queue);
  for (const SettingHolder& holder : holders()) {
    if (holder.of == SettingOf::queue) {
      queues_.find_or_add(holder.tenant, holder.name, SIZE_MAX);
    }
    apply(holder, now);
  }
  std::erase_if(settings_, [](const auto& item) {
    return item.second.made.empty() && item.second.configured.empty();
  });
  gates_.spend_all(now);
  queues_.spend_all(now);
  std::vector<TaskIndex> order;
  order.reserve(tasks_.size());
  for (TaskIndex task = 0; task < tasks_.end(); ++task) {
    if (tasks_[task].in_use) order.push_back(task);
  }
  // Ended tasks by when they ended, the others by when they joined the line.
  const auto key = [&](TaskIndex task) {
    const TaskSlot& slot = tasks_[task];
    return std::pair(has_ended(slot.state) ? slot.until : slot.ready_at, slot.admission);
  };
  if (!planted(Planted::unsorted_after_restart)) {
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
  }
  for (const TaskIndex task : order) place_recovered(task, now);
  recovered_waits_ = {};
  if (!orphans_.empty()) orphans_until_ = now + options_.recovery_grace;
  if (!orphans_.empty() && planted(Planted::grace_ignored)) orphans_until_ = now;
  for (std::uint32_t i = 0; i < queues_.size(); ++i) {
    if (queues_[i].books.balance()) continue;
    return Error{Errc::store_damaged, "the books of queue " + queues_[i].name + " of tenant " +
                                          queues_[i].tenant + " do not balance"};
  }
  return {};
}

void Core::place_recovered(TaskIndex task, Instant now) {
  TaskSlot& slot = tasks_[task];
  if (!is_total(slot.state)) queues_.enter(slot.queue, slot.state);
  const bool has_key = slot.labels && !slot.labels->idempotency_key.empty();
  if (has_key && !planted(Planted::keys_lost_in_crash)) {
    const Instant until = slot.created_at + options_.idempotency_window;
    KeyEntry* known = keys_.find(tenant_of(slot), slot.labels->idempotency_key);
    // Several windows of a key may be open after the clock was set back: the last admitted stands.
    if (until > now && (!known || known->until < until)) {
      if (known && known->forgotten) live_bytes_ -= known->where.length;
      keys_.put(tenant_of(slot), slot.labels->idempotency_key,
                {slot.id, slot.labels->payload_hash, until, {}, slot.state, false});
    }
  }
  if (planted(Planted::delayed_starts_early) && slot.state == TaskState::scheduled)
    slot.until = now;
  if (planted(Planted::retry_delay_redrawn) && slot.state == TaskState::retrying) {
    slot.until = now + draw_delay(policy_of(slot).backoff, slot.failures, random_);
  }
  if (slot.until > now && !has_ended(slot.state) && slot.state != TaskState::ready) {
    // What remains of the wait or the lease, whatever the system clock has done meanwhile.
    slot.until = std::min(slot.until, now + recovered_waits_[task]);
  } else if (slot.state == TaskState::scheduled || slot.state == TaskState::retrying) {
    // It stands in line since it was due: nobody who came later goes before it.
    set_state(slot, TaskState::ready);
    slot.until = kNever;
  }
  if (slot.state == TaskState::running) {
    count_running(slot);
    slot.place = Place::orphaned;
    orphans_.push_back(tasks_, task);
  } else if (has_ended(slot.state)) {
    place_ended(task);
  } else {
    place_waiting(task);
  }
}

void Core::carry(const Record& record, const Locator& where, Instant now, Output& out) {
  if (is_setting(record.kind)) return carry_settings(record, where, now, out);
  const TaskIndex task = tasks_.find(record.task);
  if (task != kNone && tasks_[task].where == where) {
    TaskSlot& slot = tasks_[task];
    if (planted(Planted::carry_forgets_scheduled) && slot.state == TaskState::scheduled) return;
    Change change{RecordKind::whole, slot.state};
    change.blob = record.blob;
    change.reason = name_of(slot.reason);
    if (slot.state == TaskState::completed) {
      change.outcome = Outcome::completed;
      if (slot.labels) change.usage = slot.labels->usage;
    }
    out.forget(where);
    set_where(slot, out.carry(record_of(slot, change, now)));
    return;
  }
  if (record.idempotency_key.empty()) return;
  KeyEntry* entry = keys_.find(record.tenant, record.idempotency_key);
  if (!entry || !entry->forgotten || entry->where != where || entry->until <= now) return;
  Record r;
  r.kind = RecordKind::key;
  r.at = now;
  r.task = entry->task;
  r.tenant = record.tenant;
  r.idempotency_key = record.idempotency_key;
  r.payload_hash = entry->payload_hash;
  r.state = entry->state;
  r.until = entry->until;
  live_bytes_ -= entry->where.length;
  entry->where = out.carry(r);
  live_bytes_ += entry->where.length;
}

}  // namespace drover::broker
