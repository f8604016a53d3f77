#include "workers/core/attempt_table.hpp"

#include "common/base/assert.hpp"

namespace drover::workers {

AttemptTable::Entry* AttemptTable::find(const Hold& hold) {
  const auto found = entries_.find(hold);
  return found == entries_.end() ? nullptr : &found->second;
}

AttemptTable::Entry* AttemptTable::sibling(const Hold& hold) {
  Entry* newest = nullptr;
  for (auto at = entries_.lower_bound({hold.task, 0});
       at != entries_.end() && at->first.task == hold.task; ++at) {
    if (at->second.held && at->first.attempt != hold.attempt) newest = &at->second;
  }
  return newest;
}

AttemptTable::Place AttemptTable::place_of(const Entry& entry) {
  return {-static_cast<int>(entry.order.priority), entry.arrival};
}

void AttemptTable::set_due(Entry& entry, Instant due) {
  if (entry.due != kNever) dues_.erase({entry.due, entry.order.hold});
  entry.due = due;
  if (due != kNever) dues_.insert({due, entry.order.hold});
}

void AttemptTable::enqueue(AttemptOrder order) {
  const Hold hold = order.hold;
  const Instant deadline = order.deadline;
  auto [at, added] = entries_.try_emplace(hold);
  DROVER_ASSERT(added);
  Entry& entry = at->second;
  entry.order = std::move(order);
  entry.arrival = arrivals_++;
  set_due(entry, deadline);
  line_.emplace(place_of(entry), hold);
  ++held_;
}

AttemptTable::Entry* AttemptTable::start_next() {
  if (line_.empty() || slots_taken_ >= slots_) return nullptr;
  Entry& entry = entries_.at(line_.begin()->second);
  line_.erase(line_.begin());
  entry.phase = Phase::running;
  ++slots_taken_;
  return &entry;
}

void AttemptTable::stop(Entry& entry, StopReason reason, Instant due) {
  DROVER_ASSERT(entry.phase == Phase::running || entry.phase == Phase::stopping);
  entry.phase = Phase::stopping;
  entry.reason = reason;
  set_due(entry, due);
}

void AttemptTable::lose(Entry& entry) {
  DROVER_ASSERT(entry.phase == Phase::stopping);
  entry.phase = Phase::lost;
  set_due(entry, kNever);
  disown(entry);
  ++lost_;
}

void AttemptTable::disown(Entry& entry) {
  if (entry.held) --held_;
  entry.held = false;
}

void AttemptTable::remove(Entry& entry) {
  disown(entry);
  set_due(entry, kNever);
  if (entry.phase == Phase::queued) {
    line_.erase(place_of(entry));
  } else {
    --slots_taken_;
  }
  if (entry.phase == Phase::lost) --lost_;
  const Hold hold = entry.order.hold;
  entries_.erase(hold);
}

AttemptTable::Entry* AttemptTable::due(Instant now) {
  return next_due() <= now ? find(dues_.begin()->second) : nullptr;
}

std::vector<AttemptTable::Entry*> AttemptTable::queued() {
  std::vector<Entry*> found;
  for (const auto& [place, hold] : line_) found.push_back(&entries_.at(hold));
  return found;
}

std::vector<AttemptTable::Entry*> AttemptTable::running_and_held() {
  std::vector<Entry*> found;
  for (auto& [hold, entry] : entries_) {
    if (entry.held && entry.phase != Phase::queued) found.push_back(&entry);
  }
  return found;
}

void AttemptTable::list_held(std::vector<Hold>& out) const {
  for (const auto& [hold, entry] : entries_) {
    if (entry.held) out.push_back(hold);
  }
}

}  // namespace drover::workers
