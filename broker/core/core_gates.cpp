// The gates of a task, and the settings that open and close them.

#include <algorithm>
#include <utility>

#include "broker/core/core.hpp"
#include "broker/core/planted.hpp"
#include "common/base/assert.hpp"

namespace drover::broker {
namespace {

constexpr std::size_t kLetOutAtOnce = 1000;  // bounds the work of one turn
constexpr std::size_t kSettingsMax = 20'000;
constexpr std::size_t kGatesTold = 10'000;

Result<void> check_holder(const SettingHolder& holder) {
  const auto bad_name = [](std::string_view field) {
    return Error{Errc::bad_name,
                 std::string(field) + " must be 1 to 64 of the characters A-Z a-z 0-9 . _ -",
                 std::string(field)};
  };
  if (!is_name(holder.tenant) || holder.tenant == kSystemTenant) return bad_name("tenant");
  if (holder.of == SettingOf::queue && !is_name(holder.name)) return bad_name("queue");
  if (holder.of == SettingOf::tenant && !holder.name.empty()) {
    return Error{Errc::invalid_argument, "what is set of a tenant has no other name", "name"};
  }
  if (holder.of != SettingOf::key || is_key(holder.name)) return {};
  return Error{Errc::invalid_argument,
               "key must be 1 to 128 bytes of text without control characters", "key"};
}

RecordKind kind_of(SettingOf of, const Settings& before, const Settings& after) {
  const bool turned = before.is_closed() != after.is_closed();
  switch (of) {
    case SettingOf::queue:
      if (!turned) return RecordKind::queue_changed;
      return after.is_closed() ? RecordKind::queue_paused : RecordKind::queue_resumed;
    case SettingOf::tenant: return RecordKind::tenant_changed;
    case SettingOf::key: break;
  }
  if (!turned) return RecordKind::gate_changed;
  return after.is_closed() ? RecordKind::gate_closed : RecordKind::gate_opened;
}

RecordKind carried_kind_of(SettingOf of) {
  if (of == SettingOf::queue) return RecordKind::queue_settings;
  return of == SettingOf::tenant ? RecordKind::tenant_settings : RecordKind::key_settings;
}

SettingHolder holder_of(const Record& record) {
  SettingHolder holder{SettingOf::key, std::string(record.tenant), std::string(record.queue)};
  switch (record.kind) {
    case RecordKind::queue_changed:
    case RecordKind::queue_paused:
    case RecordKind::queue_resumed:
    case RecordKind::queue_settings: holder.of = SettingOf::queue; break;
    case RecordKind::tenant_changed:
    case RecordKind::tenant_settings: holder.of = SettingOf::tenant; break;
    default: break;
  }
  return holder;
}

}  // namespace

// --- tasks at gates

// In the order in which they are told to whoever asks what a task waits for.
Passage Core::passage_of(const TaskSlot& slot) const {
  const Queue& queue = queues_[slot.queue];
  const Tenant& tenant = queues_.tenant(queue.tenant_number);
  Passage p;
  p.add(queue.pause);
  if (slot.labels) p.add(slot.labels->gate);
  p.add(queue.limit);
  p.add(tenant.limit);
  if (slot.labels) p.add(slot.labels->concurrency);
  p.add(queue.rate);
  p.add(tenant.rate);
  if (slot.labels) {
    p.add(slot.labels->rate);
    p.rate_cost = std::max(1U, slot.labels->rate_cost);
  }
  return p;
}

// True if nobody is left who may go. Who is let out for the first time joins its line now; later it
// comes back to where it stood.
bool Core::let_out(Instant now) {
  return gates_.let_out(now, kLetOutAtOnce, [&](TaskIndex task) {
    TaskSlot& slot = tasks_[task];
    if (!slot.was_let_out) slot.ready_at = now;
    lines_.join(task, tenant_number(slot));
    slot.was_let_out = true;
  });
}

void Core::wait_at(TaskIndex task, GateIndex gate) {
  lines_.leave(task, tenant_number(tasks_[task]));
  gates_.left_line(task);
  gates_.wait(task, gate);
}

std::array<GateIndex, 3> Core::gates_of_running(const TaskSlot& slot) const {
  const Queue& queue = queues_[slot.queue];
  return {queue.limit, queues_.tenant(queue.tenant_number).limit,
          slot.labels ? slot.labels->concurrency : kNone};
}

void Core::count_running(TaskSlot& slot) {
  if (planted(Planted::key_lost_in_crash)) return;
  for (const GateIndex gate : gates_of_running(slot)) {
    if (gate != kNone) gates_.count(gate);
  }
  slot.cold_part().runs = true;
}

// Its attempt is over, or was never heard of again.
void Core::stop_counting(TaskSlot& slot) {
  if (!slot.cold || !slot.cold->runs) return;
  for (const GateIndex gate : gates_of_running(slot)) {
    if (gate != kNone) gates_.let_go(gate);
  }
  slot.cold->runs = false;
}

// The task said what it would take of its rate_key; its tokens tell what it took.
void Core::correct_rate(const TaskSlot& slot, const Usage& usage) {
  const std::uint64_t real = std::min(usage.input_tokens, std::uint64_t{kRateCostMax}) +
                             std::min(usage.output_tokens, std::uint64_t{kRateCostMax});
  if (real > 0) gates_.correct(slot.labels->rate, slot.labels->rate_cost, real, now_);
}

void Core::acquire_keys(TaskSlot& slot, const TaskSpec& spec) {
  const std::uint32_t tenant = tenant_number(slot);
  if (!spec.gate.empty()) {
    slot.label_part().gate = key_gate(GateKind::pause, tenant, spec.gate);
  }
  if (!spec.concurrency_key.empty()) {
    slot.label_part().concurrency = key_gate(GateKind::concurrency, tenant, spec.concurrency_key);
  }
  if (!spec.rate_key.empty()) {
    slot.label_part().rate = key_gate(GateKind::rate, tenant, spec.rate_key);
    slot.labels->rate_cost = spec.rate_cost.value_or(0);
  }
}

void Core::release_keys(TaskSlot& slot) {
  if (!slot.labels) return;
  for (GateIndex* gate : {&slot.labels->gate, &slot.labels->concurrency, &slot.labels->rate}) {
    if (*gate != kNone) gates_.release(*gate);
    *gate = kNone;
  }
}

GateIndex Core::key_gate(GateKind kind, std::uint32_t tenant, std::string_view key) {
  const GateIndex gate = gates_.acquire(kind, SettingOf::key, queues_.tenant(tenant).name, key);
  if (gates_.is_new(gate)) apply_to_key(gate, now_);
  return gate;
}

// --- settings

// What a new queue needs before a task is put into it.
void Core::furnish(std::uint32_t index) {
  Queue& queue = queues_[index];
  if (queue.limit != kNone) return;
  queue.limit = gates_.acquire(GateKind::limit, SettingOf::queue, queue.tenant, queue.name);
  if (queues_.tenant(queue.tenant_number).limit == kNone)
    apply_to_tenant(queue.tenant_number, now_);
  apply_to_queue(index, now_);
}

Core::Setup Core::settings_of(const SettingHolder& holder) const {
  const auto at = settings_.find(holder);
  if (at == settings_.end()) return {};
  return {at->second.made.over(at->second.configured), at->second.made};
}

std::vector<SettingHolder> Core::holders() const {
  std::vector<SettingHolder> all;
  for (const auto& [holder, entry] : settings_) all.push_back(holder);
  return all;
}

void Core::apply(const SettingHolder& holder, Instant now) {
  const std::uint32_t tenant = queues_.find_or_add_tenant(holder.tenant);
  switch (holder.of) {
    case SettingOf::queue: {
      const std::uint32_t queue = queues_.find(holder.tenant, holder.name);
      furnish(queue);
      return apply_to_queue(queue, now);
    }
    case SettingOf::tenant: return apply_to_tenant(tenant, now);
    case SettingOf::key:
      hold_rate(holder);
      for (const GateKind kind : {GateKind::pause, GateKind::concurrency, GateKind::rate}) {
        const GateIndex gate = gates_.find(kind, SettingOf::key, holder.tenant, holder.name);
        if (gate != kNone) apply_to_key(gate, now);
      }
  }
}

// A rate that is set goes on between one task and the next.
void Core::hold_rate(const SettingHolder& holder) {
  const bool is_set = settings_of(holder).all[Setting::rate].has_value();
  GateIndex& gate = settings_[holder].rate;
  if (is_set == (gate != kNone)) return;
  if (is_set) {
    gate = gates_.acquire(GateKind::rate, SettingOf::key, holder.tenant, holder.name);
  } else {
    gates_.release(std::exchange(gate, kNone));
  }
}

void Core::apply_to_queue(std::uint32_t index, Instant now) {
  Queue& queue = queues_[index];
  const Settings all = settings_of({SettingOf::queue, queue.tenant, queue.name}).all;
  queue.settings = all;
  queue.submissions.set_rate(all[Setting::submit_rate].value_or(SettingValue{}), now);
  gates_.set_most(queue.limit, all.amount(Setting::concurrency, 0));
  if (all.is_closed() && queue.pause == kNone) {
    queue.pause = gates_.acquire(GateKind::pause, SettingOf::queue, queue.tenant, queue.name);
  }
  if (queue.pause != kNone) gates_.set_closed(queue.pause, all.is_closed());
  if (all[Setting::rate] && queue.rate == kNone) {
    queue.rate = gates_.acquire(GateKind::rate, SettingOf::queue, queue.tenant, queue.name);
  }
  if (queue.rate != kNone) {
    gates_.set_rate(queue.rate, all[Setting::rate].value_or(SettingValue{}), now);
  }
}

void Core::apply_to_tenant(std::uint32_t number, Instant now) {
  Tenant& tenant = queues_.tenant(number);
  const Settings all = settings_of({SettingOf::tenant, tenant.name, {}}).all;
  const bool same_keys = all[Setting::key_concurrency] == tenant.settings[Setting::key_concurrency];
  tenant.settings = all;
  tenant.submissions.set_rate(all[Setting::submit_rate].value_or(SettingValue{}), now);
  lines_.set_weight(number, static_cast<std::uint32_t>(all.amount(Setting::weight, 1)));
  if (tenant.limit == kNone) {
    tenant.limit = gates_.acquire(GateKind::limit, SettingOf::tenant, tenant.name, {});
  }
  gates_.set_most(tenant.limit, all.amount(Setting::concurrency, 0));
  if (all[Setting::rate] && tenant.rate == kNone) {
    tenant.rate = gates_.acquire(GateKind::rate, SettingOf::tenant, tenant.name, {});
  }
  if (tenant.rate != kNone) {
    gates_.set_rate(tenant.rate, all[Setting::rate].value_or(SettingValue{}), now);
  }
  if (same_keys) return;
  for (GateIndex gate = 0; gate < gates_.end(); ++gate) {
    const bool is_key = gates_.in_use(gate) && gates_.kind(gate) == GateKind::concurrency;
    if (is_key && gates_.tenant(gate) == tenant.name) apply_to_key(gate, now);
  }
}

void Core::apply_to_key(GateIndex gate, Instant now) {
  const std::string tenant(gates_.tenant(gate));
  const Settings all = settings_of({SettingOf::key, tenant, std::string(gates_.name(gate))}).all;
  switch (gates_.kind(gate)) {
    case GateKind::pause: return gates_.set_closed(gate, all.is_closed());
    case GateKind::rate:
      return gates_.set_rate(gate, all[Setting::rate].value_or(SettingValue{}), now);
    case GateKind::limit:
    case GateKind::concurrency: break;
  }
  const Settings& of_tenant = queues_.tenant(queues_.find_or_add_tenant(tenant)).settings;
  gates_.set_most(gate,
                  all.amount(Setting::concurrency, of_tenant.amount(Setting::key_concurrency, 1)));
}

Result<Settings> Core::set(const SettingHolder& holder, std::span<const SettingChange> changes,
                           Instant now, Output& out) {
  now_ = now;
  if (auto ok = check_holder(holder); !ok) return ok.error();
  for (const SettingChange& change : changes) {
    if (auto ok = check(holder.of, change); !ok) return ok.error();
  }
  const Setup before = settings_of(holder);
  Settings made = before.made;
  for (const auto& [setting, value] : changes) made[setting] = value;
  if (made == before.made) return before.all;
  if (!settings_.contains(holder) && settings_.size() >= kSettingsMax) {
    return Error{Errc::resource_exhausted,
                 "there are settings of " + std::to_string(kSettingsMax) +
                     " queues, tenants and keys already",
                 "name", 1min};
  }
  if (holder.of == SettingOf::queue &&
      queues_.find_or_add(holder.tenant, holder.name, options_.queues) == kNone) {
    return Error{Errc::resource_exhausted,
                 "limits.queues: there are " + std::to_string(options_.queues) + " queues already",
                 "queue", 1min};
  }
  SettingEntry& entry = settings_[holder];
  entry.made = made;
  const Settings all = made.over(entry.configured);
  const std::string blob = encode_settings(made);
  Record r;
  r.kind = kind_of(holder.of, before.all, all);
  r.at = now;
  r.tenant = holder.tenant;
  r.queue = holder.name;
  r.blob = blob;
  const auto place = out.append(std::span(&r, 1));
  if (entry.where) out.forget(entry.where);
  note_written(queues_.find_or_add_tenant(holder.tenant), place.first_seq);
  live_bytes_ -= entry.where.length;
  entry.where = made.empty() ? Locator{} : place.where;
  live_bytes_ += entry.where.length;
  apply(holder, now);
  if (made.empty() && entry.configured.empty()) settings_.erase(holder);
  return all;
}

Result<void> Core::recover_settings(const Record& record, const Locator& where) {
  const auto made = decode_settings(record.blob);
  if (!made) return made.error();
  const SettingHolder holder = holder_of(record);
  if (holder.of == SettingOf::queue) queues_.find_or_add(holder.tenant, holder.name, SIZE_MAX);
  SettingEntry& entry = settings_[holder];
  live_bytes_ -= entry.where.length;
  entry.made = *made;
  entry.where = made->empty() ? Locator{} : where;
  live_bytes_ += entry.where.length;
  return {};  // what is empty now may have been applied: finish_recovery does that again
}

void Core::carry_settings(const Record& record, const Locator& where, Instant now, Output& out) {
  const auto at = settings_.find(holder_of(record));
  if (at == settings_.end() || at->second.where != where) return;
  Record r;
  r.kind = carried_kind_of(at->first.of);
  r.at = now;
  r.tenant = at->first.tenant;
  r.queue = at->first.name;
  const std::string blob = encode_settings(at->second.made);
  r.blob = blob;
  out.forget(where);
  live_bytes_ -= at->second.where.length;
  at->second.where = out.carry(r);
  live_bytes_ += at->second.where.length;
}

std::vector<GateView> Core::gates(Instant now) const {
  std::vector<GateView> views;
  for (GateIndex gate = 0; gate < gates_.end() && views.size() < kGatesTold; ++gate) {
    if (!gates_.in_use(gate)) continue;
    GateView view = gates_.view(gate, now);
    const bool is_default = view.kind == GateKind::concurrency || view.most == 0;
    if (is_default && view.is_open && view.waiting == 0 && view.rate.amount == 0) continue;
    views.push_back(std::move(view));
  }
  // Closed, and no task has named it yet.
  for (const auto& [holder, entry] : settings_) {
    if (views.size() == kGatesTold) break;
    if (holder.of != SettingOf::key || !settings_of(holder).all.is_closed()) continue;
    if (gates_.find(GateKind::pause, holder.of, holder.tenant, holder.name) != kNone) continue;
    GateView& view = views.emplace_back();
    view.kind = GateKind::pause;
    view.of = holder.of;
    view.tenant = holder.tenant;
    view.name = holder.name;
    view.is_open = false;
  }
  return views;
}

}  // namespace drover::broker
