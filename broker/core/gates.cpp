#include "broker/core/gates.hpp"

#include <algorithm>

#include "broker/core/planted.hpp"
#include "common/base/assert.hpp"

namespace drover::broker {
namespace {

constexpr std::uint32_t kOutMost = 1000;  // of a line of a gate, at a time

}  // namespace

std::string_view name_of(GateKind kind) {
  constexpr std::array<std::string_view, kGateKinds> kNames = {"pause", "limit", "concurrency",
                                                               "rate"};
  return kNames[static_cast<std::size_t>(kind)];
}

bool Gates::counts(GateKind kind) {
  return kind == GateKind::limit || kind == GateKind::concurrency;
}

std::string Gates::key_of(GateKind kind, SettingOf of, std::string_view tenant,
                          std::string_view name) {
  std::string key;
  key += static_cast<char>(kind);
  key += static_cast<char>(of);
  key += tenant;
  key += '/';  // not a character of names
  key += name;
  return key;
}

Gates::LineKey Gates::key_of(const TaskSlot& slot) {
  const auto level = static_cast<std::uint8_t>(slot.priority);
  return {static_cast<std::uint8_t>(kPriorities - 1 - level), slot.demand};
}

GateIndex Gates::find(GateKind kind, SettingOf of, std::string_view tenant,
                      std::string_view name) const {
  const auto at = by_key_.find(key_of(kind, of, tenant, name));
  return at == by_key_.end() ? kNone : at->second;
}

GateIndex Gates::acquire(GateKind kind, SettingOf of, std::string_view tenant,
                         std::string_view name) {
  GateIndex index = find(kind, of, tenant, name);
  if (index == kNone) {
    if (free_.empty()) {
      index = end();
      gates_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    Gate& gate = gates_[index];
    gate.kind = kind;
    gate.of = of;
    gate.tenant = tenant;
    gate.name = name;
    by_key_.emplace(key_of(kind, of, tenant, name), index);
  }
  ++gates_[index].uses;
  return index;
}

void Gates::release(GateIndex index) {
  Gate& gate = gates_[index];
  if (--gate.uses > 0) return;
  DROVER_ASSERT(gate.waiting == 0 && gate.running == 0);
  by_key_.erase(key_of(gate.kind, gate.of, gate.tenant, gate.name));
  if (gate.noted != kNever) openings_.erase({gate.noted, index});
  stirred_.erase(index);
  gate = Gate();
  free_.push_back(index);
}

void Gates::set_closed(GateIndex gate, bool closed) {
  gates_[gate].closed = closed;
  stir(gate);
}

void Gates::set_most(GateIndex gate, std::uint64_t most) {
  gates_[gate].most = most;
  stir(gate);
}

void Gates::set_rate(GateIndex gate, const SettingValue& rate, Instant now) {
  gates_[gate].meter.set_rate(rate, now);
  stir(gate);
}

void Gates::spend_all(Instant now) {
  for (Gate& gate : gates_) gate.meter.spend_all(now);
}

std::uint64_t Gates::cost_of(const Gate& gate, std::uint64_t rate_cost) {
  return gate.of == SettingOf::key ? rate_cost : 1;
}

std::uint64_t Gates::rate_cost_of(TaskIndex task) const {
  const TaskSlot& slot = tasks_[task];
  return slot.labels ? std::max(1U, slot.labels->rate_cost) : 1;
}

// Those of `ahead` have been let out and are about to pass.
bool Gates::admits(const Gate& gate, const Line& ahead, std::uint64_t rate_cost, Instant now) {
  if (gate.closed) return false;
  if (gate.kind == GateKind::concurrency && planted(Planted::key_ignored)) return true;
  if (gate.most > 0 && gate.running + ahead.out >= gate.most) return false;
  return gate.meter.opens_at(cost_of(gate, rate_cost), ahead.out_cost) <= now;
}

GateIndex Gates::closed(const TaskSlot& slot, const Passage& passage, Instant now) const {
  for (std::size_t i = 0; i < passage.count; ++i) {
    const GateIndex index = passage.gates[i];
    const Gate& gate = gates_[index];
    if (!admits(gate, {}, passage.rate_cost, now)) return index;
    if (gate.kind != GateKind::rate || gate.waiting == 0 || slot.gate == index) continue;
    const auto line = gate.lines.find(key_of(slot));
    const bool others = line != gate.lines.end() && (!line->second.empty() || line->second.out > 0);
    if (others) return index;
  }
  return kNone;
}

void Gates::take(const Passage& passage, Instant now) {
  for (std::size_t i = 0; i < passage.count; ++i) {
    Gate& gate = gates_[passage.gates[i]];
    if (counts(gate.kind)) ++gate.running;
    if (gate.meter.is_limited()) gate.meter.take(cost_of(gate, passage.rate_cost), now);
  }
}

void Gates::count(GateIndex gate) { ++gates_[gate].running; }

void Gates::let_go(GateIndex index) {
  Gate& gate = gates_[index];
  DROVER_ASSERT(gate.running > 0);
  --gate.running;
  if (!planted(Planted::gate_stays_shut)) stir(index);
}

void Gates::correct(GateIndex rate, std::uint64_t told, std::uint64_t real, Instant now) {
  gates_[rate].meter.correct(told, real, now);
  stir(rate);
}

void Gates::wait(TaskIndex task, GateIndex index) {
  TaskSlot& slot = tasks_[task];
  DROVER_ASSERT(slot.place == Place::none && slot.gate == kNone);
  Gate& gate = gates_[index];
  slot.place = Place::gate;
  slot.gate = index;
  TaskList& list = gate.lines[key_of(slot)].of(slot);
  if (slot.was_let_out) {
    list.insert_by_age(tasks_, task);
  } else {
    list.push_back(tasks_, task);
  }
  ++gate.waiting;
  opens_later(index);
}

void Gates::leave(TaskIndex task) {
  TaskSlot& slot = tasks_[task];
  DROVER_ASSERT(slot.place == Place::gate);
  Gate& gate = gates_[slot.gate];
  gate.lines[key_of(slot)].of(slot).remove(tasks_, task);
  --gate.waiting;
  tidy(gate, key_of(slot));
  stir(slot.gate);  // who stood behind it may ask for less
  slot.place = Place::none;
  slot.gate = kNone;
}

void Gates::left_line(TaskIndex task) {
  TaskSlot& slot = tasks_[task];
  if (slot.gate == kNone) return;
  Gate& gate = gates_[slot.gate];
  Line& line = gate.lines[key_of(slot)];
  --line.out;
  line.out_cost -= cost_of(gate, rate_cost_of(task));
  tidy(gate, key_of(slot));
  stir(slot.gate);
  slot.gate = kNone;
}

// The most urgent that may go; kNone if nobody may.
TaskIndex Gates::next_out(GateIndex index, Instant now) const {
  const Gate& gate = gates_[index];
  if (!admits(gate, {}, 0, now)) return kNone;
  for (const auto& [key, line] : gate.lines) {
    const TaskIndex head = line.head();
    if (head == kNone) continue;
    if (line.out < kOutMost && admits(gate, line, rate_cost_of(head), now)) return head;
    // What it still lacks of the rate is not for those who are less urgent.
    if (gate.kind == GateKind::rate && line.out == 0) return kNone;
  }
  return kNone;
}

void Gates::pass_out(TaskIndex task) {
  TaskSlot& slot = tasks_[task];
  Gate& gate = gates_[slot.gate];
  Line& line = gate.lines[key_of(slot)];
  line.of(slot).remove(tasks_, task);
  ++line.out;
  line.out_cost += cost_of(gate, rate_cost_of(task));
  --gate.waiting;
  slot.place = Place::none;
}

// Nobody may go now: notes when the rate opens for the next.
void Gates::opens_later(GateIndex index) {
  Gate& gate = gates_[index];
  if (!gate.meter.is_limited() && gate.noted == kNever) return;
  Instant at = kNever;
  if (gate.meter.is_limited() && !gate.closed) {
    for (const auto& [key, line] : gate.lines) {
      if (line.empty()) continue;
      const auto cost = cost_of(gate, rate_cost_of(line.head()));
      at = std::min(at, gate.meter.opens_at(cost, line.out_cost));
    }
  }
  if (at == gate.noted) return;
  if (gate.noted != kNever) openings_.erase({gate.noted, index});
  if (at != kNever) openings_.insert({at, index});
  gate.noted = at;
}

void Gates::advance(Instant now) {
  while (!openings_.empty() && openings_.begin()->first <= now) {
    const GateIndex gate = openings_.begin()->second;
    openings_.erase(openings_.begin());
    gates_[gate].noted = kNever;
    stir(gate);
  }
}

Instant Gates::next_opening() const {
  return openings_.empty() ? kNever : openings_.begin()->first;
}

void Gates::stir(GateIndex gate) {
  if (gates_[gate].waiting > 0) stirred_.insert(gate);
}

void Gates::tidy(Gate& gate, LineKey key) {
  const auto at = gate.lines.find(key);
  if (at->second.empty() && at->second.out == 0) gate.lines.erase(at);
}

GateView Gates::view(GateIndex index, Instant now) const {
  const Gate& gate = gates_[index];
  GateView v;
  v.kind = gate.kind;
  v.of = gate.of;
  v.tenant = gate.tenant;
  v.name = gate.name;
  v.is_open = admits(gate, {}, 1, now);
  v.most = gate.most;
  v.running = gate.running;
  v.rate = gate.meter.rate();
  v.waiting = gate.waiting;
  if (gate.meter.is_limited()) v.opens_at = gate.meter.opens_at(1);
  return v;
}

}  // namespace drover::broker
