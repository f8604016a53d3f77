#include "tests/simulation/order_book.hpp"

#include <algorithm>

#include "common/base/assert.hpp"

namespace drover::sim {
namespace {

constexpr Duration kRising = 2s;  // around the instant at which a task rises

}  // namespace

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

// Where waiting has brought it.
std::size_t OrderBook::level_at(TaskNumber task, Instant now) const {
  constexpr auto kTop = static_cast<std::size_t>(Priority::high);
  const auto own = static_cast<std::size_t>(ledger_[task].facts.priority);
  if (aging_ <= 0ms || own >= kTop || now < places_[task].at) return own;
  return std::min(kTop, own + static_cast<std::size_t>((now - places_[task].at) / aging_));
}

// The heads of all lines, raised by their wait, against a level.
TaskNumber OrderBook::any_above(std::size_t level, const CanRun& can_run, Instant now) const {
  for (std::size_t own = kPriorities; own-- > 0;) {
    for (std::uint32_t kind = 0; kind < kinds_; ++kind) {
      if (!can_run(kind)) continue;
      for (std::uint32_t tenant = 0; tenant < kTenantsMax; ++tenant) {
        const Line& line = lines_[line_of(own, tenant, kind)];
        if (line.empty()) continue;
        const TaskNumber head = std::get<TaskNumber>(*line.begin());
        if ((exact_ ? level_at(head, now) : own) > level) return head;
      }
    }
  }
  return kNoTask;
}

// A head of its tenant that waiting has brought to its level, and that joined before it.
TaskNumber OrderBook::raised_before(TaskNumber task, std::size_t level, const CanRun& can_run,
                                    Instant now) const {
  if (!exact_) return kNoTask;
  const TaskFacts& facts = ledger_[task].facts;
  for (std::size_t own = 0; own < static_cast<std::size_t>(facts.priority); ++own) {
    for (std::uint32_t kind = 0; kind < kinds_; ++kind) {
      const Line& line = lines_[line_of(own, facts.tenant_number, kind)];
      if (!can_run(kind) || line.empty()) continue;
      const TaskNumber head = std::get<TaskNumber>(*line.begin());
      const bool is_older = places_[head].at < places_[task].at && went_before(head, task);
      if (is_older && level_at(head, now) >= level) return head;
    }
  }
  return kNoTask;
}

TaskNumber OrderBook::passed_over(TaskNumber task, const CanRun& can_run, Instant now) const {
  const TaskFacts& facts = ledger_[task].facts;
  const auto level = static_cast<std::size_t>(facts.priority);
  // The broker looks at heads when they are due to rise, and at those behind them when the heads
  // have gone: who is about to rise may have, or not.
  const std::size_t mine =
      exact_ ? level_at(task, now + kRising) : std::max(level, level_at(task, kNever - 1ms));
  if (const auto above = any_above(mine, can_run, now - kRising); above != kNoTask) return above;
  if (const auto raised = raised_before(task, mine, can_run, now - kRising); raised != kNoTask) {
    return raised;
  }
  for (std::uint32_t kind = 0; kind < kinds_; ++kind) {
    if (!can_run(kind)) continue;
    const Line& line = lines_[line_of(level, facts.tenant_number, kind)];
    if (const auto other = earlier_in(line, task); other != kNoTask) return other;
  }
  return kNoTask;
}

TaskNumber OrderBook::first(const CanRun& can_run, Instant now) const {
  std::size_t highest = 0;
  Key best{kNever, UINT64_MAX, kNoTask};
  for (std::size_t own = 0; own < kPriorities; ++own) {
    for (std::uint32_t kind = 0; kind < kinds_; ++kind) {
      if (!can_run(kind)) continue;
      for (std::uint32_t tenant = 0; tenant < kTenantsMax; ++tenant) {
        const Line& line = lines_[line_of(own, tenant, kind)];
        if (line.empty()) continue;
        const std::size_t level = level_at(std::get<TaskNumber>(*line.begin()), now);
        if (level > highest) best = {kNever, UINT64_MAX, kNoTask};
        if (level < highest) continue;
        highest = level;
        best = std::min(best, *line.begin());
      }
    }
  }
  return std::get<TaskNumber>(best);
}

}  // namespace drover::sim
