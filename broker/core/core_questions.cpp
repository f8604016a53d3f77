// What the core answers when asked.

#include <algorithm>

#include "broker/core/core.hpp"

namespace drover::broker {
namespace {

constexpr std::uint32_t kLooksAtOnce = 20'000;
constexpr std::uint32_t kPageMax = 1000;
constexpr std::uint32_t kHeadsAsked = 1000;

}  // namespace

Core::Core(const CoreOptions& options, Random random)
    : options_(options), random_(random), lines_(tasks_, options.aging) {
  for (const auto& [holder, settings] : options_.settings) {
    settings_[holder].configured = settings;
  }
}

TaskView Core::view_of(TaskIndex task) const {
  const TaskSlot& slot = tasks_[task];
  const Policy& policy = policy_of(slot);
  TaskView v;
  v.id = slot.id;
  v.tenant = tenant_of(slot);
  v.queue = queues_[slot.queue].name;
  v.type = demands_[slot.demand].type;
  v.priority = slot.priority;
  v.state = slot.state;
  v.attempt = slot.attempt;
  v.failures = slot.failures;
  v.max_attempts = policy.max_attempts;
  v.timeout = policy.timeout;
  v.backoff = policy.backoff;
  v.created_at = slot.created_at;
  v.expires_at = slot.expires_at;
  v.reason = name_of(slot.reason);
  v.where = slot.where;
  const bool waits_for_time =
      slot.state == TaskState::scheduled || slot.state == TaskState::retrying;
  if (waits_for_time) {
    v.waiting_for = "time";
    v.due_at = slot.until;
  } else {
    v.ready_at = slot.ready_at;
    if (has_ended(slot.state)) v.finished_at = slot.until;
    if (slot.place == Place::gate) {
      v.waiting_for = name_of(gates_.kind(slot.gate));
    } else if (slot.state == TaskState::ready && !fleet_.can_ever_run(slot.demand)) {
      v.waiting_for = "capability";
    }
  }
  if (slot.labels) v.labels = *slot.labels;
  if (!slot.cold) return v;
  const Cold& cold = *slot.cold;
  v.worker = cold.worker;
  v.started_at = cold.started_at;
  v.attempts = cold.history;
  if (slot.state == TaskState::completed) {
    v.attempts.push_back({slot.attempt,
                          cold.worker,
                          cold.started_at,
                          slot.until,
                          Outcome::completed,
                          {},
                          v.labels.usage});
  } else if (slot.state == TaskState::running) {
    v.attempts.push_back(
        {slot.attempt, cold.worker, cold.started_at, kNever, Outcome::none, {}, {}});
  }
  if (const auto note = notes_.find(task); note != notes_.end()) {
    v.progress_percent = note->second.percent;
    v.progress_message = note->second.message;
  }
  return v;
}

std::optional<TaskView> Core::show(const TaskId& id) const {
  const TaskIndex task = tasks_.find(id);
  return task == kNone ? std::nullopt : std::optional(view_of(task));
}

std::optional<Core::Home> Core::home_of(const TaskId& id) const {
  const TaskIndex task = tasks_.find(id);
  if (task == kNone) return std::nullopt;
  const Queue& queue = queues_[tasks_[task].queue];
  return Home{queue.tenant, queue.name};
}

bool Core::matches(const TaskSlot& slot, const TaskFilter& f) const {
  const auto is_here = [&](const std::string& name) { return queues_[slot.queue].name == name; };
  return slot.in_use && (!f.state || slot.state == *f.state) &&
         (f.queue.empty() || is_here(f.queue)) &&
         (f.queues.empty() || std::any_of(f.queues.begin(), f.queues.end(), is_here)) &&
         (f.type.empty() || demands_[slot.demand].type == f.type) &&
         (f.tenant.empty() || tenant_of(slot) == f.tenant) &&
         (f.reason.empty() || name_of(slot.reason) == f.reason) &&
         (f.since == kNever || slot.created_at >= f.since);
}

TaskPage Core::list(const TaskFilter& filter, std::uint32_t limit, std::uint64_t cursor) const {
  TaskPage page;
  limit = std::clamp(limit, 1U, kPageMax);
  auto task = static_cast<TaskIndex>(std::min<std::uint64_t>(cursor, tasks_.end()));
  for (std::uint32_t looked = 0; task < tasks_.end(); ++task, ++looked) {
    if (looked == kLooksAtOnce || page.tasks.size() == limit) {
      page.next = task;
      break;
    }
    if (matches(tasks_[task], filter)) page.tasks.push_back(view_of(task));
  }
  return page;
}

Result<TaskPage> Core::dead_letters(const TaskFilter& filter, std::uint32_t limit,
                                    std::optional<std::uint64_t> cursor) const {
  TaskIndex task = dead_.head;
  if (cursor) {
    const bool good =
        *cursor < tasks_.end() && tasks_[static_cast<TaskIndex>(*cursor)].place == Place::dead;
    if (!good) return Error{Errc::bad_cursor, "the list has changed; begin again", "cursor"};
    task = static_cast<TaskIndex>(*cursor);
  }
  TaskPage page;
  limit = std::clamp(limit, 1U, kPageMax);
  for (std::uint32_t looked = 0; task != kNone; task = tasks_[task].next, ++looked) {
    if (looked == kLooksAtOnce || page.tasks.size() == limit) {
      page.next = task;
      break;
    }
    if (matches(tasks_[task], filter)) page.tasks.push_back(view_of(task));
  }
  return page;
}

std::vector<QueueView> Core::queues(Instant now) const {
  std::vector<QueueView> views;
  for (std::uint32_t i = 0; i < queues_.size(); ++i) {
    const Queue& queue = queues_[i];
    views.push_back(
        {queue.tenant, queue.name, queue.books, std::nullopt, queue.settings.is_closed()});
  }
  const auto note = [&](TaskIndex task) {
    auto& oldest = views[tasks_[task].queue].oldest_ready;
    oldest = std::max(oldest.value_or(0ms), now - tasks_[task].ready_at);
  };
  lines_.visit_heads(kHeadsAsked, kLooksAtOnce, note);
  gates_.visit_heads(kHeadsAsked, kLooksAtOnce, note);
  return views;
}

std::vector<WorkerView> Core::workers() const {
  std::vector<WorkerView> views;
  for (WorkerIndex index = 0; index < fleet_.end(); ++index) {
    const Worker& w = fleet_[index];
    if (!w.in_use) continue;
    const Offer& offer = demands_.offer_at(w.offer);
    const char* state = w.draining ? "draining" : w.load() > 0 ? "busy" : "idle";
    views.push_back({w.id, w.host, w.pid, state, offer.types, offer.features, w.bond.scope.tenant,
                     w.slots, w.window, w.load(), w.heard_at});
  }
  return views;
}

std::uint64_t Core::newest_seq_of(std::string_view tenant) const {
  if (!options_.scoped) return UINT64_MAX;
  const std::uint32_t number = queues_.tenant_number(tenant);
  return number < newest_seqs_.size() ? newest_seqs_[number] : 0;
}

const Bond* Core::bond_of(SessionId session) const {
  const WorkerIndex index = fleet_.find(session);
  return index == kNone ? nullptr : &fleet_[index].bond;
}

CoreFigures Core::figures() const {
  CoreFigures f;
  f.tasks = tasks_.size();
  for (std::uint32_t i = 0; i < queues_.size(); ++i) {
    const QueueBooks& b = queues_[i].books;
    f.running += b[TaskState::running];
    f.dead += b[TaskState::dead];
    f.waiting += b.length() - b[TaskState::dead];
  }
  f.workers = fleet_.size();
  f.free_workers = fleet_.free_workers();
  f.keys = keys_.size();
  f.keys_evicted = keys_.evicted();
  f.results_evicted = results_evicted_;
  f.live_bytes = live_bytes_;
  f.duplicates = duplicates_;
  f.stale = stale_;
  f.poisoned = poisoned_;
  return f;
}

}  // namespace drover::broker
