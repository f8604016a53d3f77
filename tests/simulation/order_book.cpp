#include "tests/simulation/order_book.hpp"

#include <algorithm>

#include "common/base/assert.hpp"

namespace drover::sim {

void OrderBook::clear() {
  places_.clear();
  timers_.clear();
  apart_.clear();
  for (Line& line : lines_) line.clear();
}

OrderBook::Key OrderBook::key_of(TaskNumber task) const {
  return {places_[task].at, ledger_[task].facts.admission, task};
}

OrderBook::Line& OrderBook::line_of(TaskNumber task) {
  if (places_[task].apart) return apart_;
  const TaskFacts& facts = ledger_[task].facts;
  DROVER_ASSERT(facts.tenant_number < kTenantsMax && facts.kind < kKindsMax);
  kinds_ = std::max(kinds_, facts.kind + 1);
  return lines_[line_of(static_cast<std::size_t>(facts.priority), facts.tenant_number, facts.kind)];
}

void OrderBook::wait(TaskNumber task, Instant due, bool apart) {
  if (places_.size() <= task) places_.resize(task + 1);
  places_[task] = {Place::Where::timers, due, apart, {}};
  timers_.insert(key_of(task));
}

void OrderBook::join(TaskNumber task, Instant ready_at, const Joined& joined, bool apart) {
  if (places_.size() <= task) places_.resize(task + 1);
  places_[task] = {Place::Where::line, ready_at, apart, joined};
  line_of(task).insert(key_of(task));
}

void OrderBook::remove(TaskNumber task) {
  if (places_.size() <= task) return;
  Place& place = places_[task];
  if (place.where == Place::Where::timers) timers_.erase(key_of(task));
  if (place.where == Place::Where::line) line_of(task).erase(key_of(task));
  place.where = Place::Where::nowhere;
}

void OrderBook::pass(Instant now, std::uint64_t turn) {
  while (!timers_.empty() && std::get<Instant>(*timers_.begin()) <= now) {
    const auto [due, admission, task] = *timers_.begin();
    remove(task);
    join(task, due, {turn, kTimersPhase, 0, now}, places_[task].apart);
  }
}

// Both stand in lines of one tenant and level, `one` for longer. Within a kind the order is exact.
// Between kinds the broker compares heads, and a head may be younger than what stands behind it by
// the time that its turn took: who joined before `other` was ready is before it for certain.
bool OrderBook::went_before(TaskNumber one, TaskNumber other) const {
  const Joined& a = places_[one].joined;
  const Joined& b = places_[other].joined;
  const bool same_kind = ledger_[one].facts.kind == ledger_[other].facts.kind;
  const bool waited = a.phase == kTimersPhase || b.phase == kTimersPhase;
  if (!exact_ && (!same_kind || waited || a.turn == 0)) return false;
  if (a.turn == 0 && b.turn == 0) return a.order < b.order;
  if (!same_kind) return a.turn < b.turn && a.at < places_[other].at;
  if (a.turn != b.turn) return a.turn < b.turn;
  if (a.phase != b.phase) return a.phase < b.phase;
  return a.phase == kTimersPhase || a.order < b.order;
}

TaskNumber OrderBook::earlier_in(const Line& line, TaskNumber task) const {
  for (const Key& key : line) {
    if (key >= key_of(task)) return kNoTask;
    const TaskNumber other = std::get<TaskNumber>(key);
    if (went_before(other, task)) return other;
  }
  return kNoTask;
}

TaskNumber OrderBook::any_above(std::size_t level, const CanRun& can_run) const {
  for (std::size_t above = kPriorities; above-- > level + 1;) {
    for (std::uint32_t kind = 0; kind < kinds_; ++kind) {
      if (!can_run(kind)) continue;
      for (std::uint32_t tenant = 0; tenant < kTenantsMax; ++tenant) {
        const Line& line = lines_[line_of(above, tenant, kind)];
        if (!line.empty()) return std::get<TaskNumber>(*line.begin());
      }
    }
  }
  return kNoTask;
}

TaskNumber OrderBook::passed_over(TaskNumber task, const CanRun& can_run) const {
  const TaskFacts& facts = ledger_[task].facts;
  const auto level = static_cast<std::size_t>(facts.priority);
  if (const auto above = any_above(level, can_run); above != kNoTask) return above;
  for (std::uint32_t kind = 0; kind < kinds_; ++kind) {
    if (!can_run(kind)) continue;
    const Line& line = lines_[line_of(level, facts.tenant_number, kind)];
    if (const auto other = earlier_in(line, task); other != kNoTask) return other;
  }
  return kNoTask;
}

TaskNumber OrderBook::first(const CanRun& can_run) const {
  for (std::size_t level = kPriorities; level-- > 0;) {
    Key best{kNever, UINT64_MAX, kNoTask};
    for (std::uint32_t kind = 0; kind < kinds_; ++kind) {
      if (!can_run(kind)) continue;
      for (std::uint32_t tenant = 0; tenant < kTenantsMax; ++tenant) {
        const Line& line = lines_[line_of(level, tenant, kind)];
        if (!line.empty()) best = std::min(best, *line.begin());
      }
    }
    if (std::get<TaskNumber>(best) != kNoTask) return std::get<TaskNumber>(best);
  }
  return kNoTask;
}

}  // namespace drover::sim
