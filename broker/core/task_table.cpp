#include "broker/core/task_table.hpp"

#include <absl/hash/hash.h>

#include "common/base/assert.hpp"

namespace drover::broker {
namespace {

constexpr std::array<std::string_view, 4> kReasonNames = {"", "attempts", "fatal", "poison"};

}  // namespace

std::string_view name_of(DeathReason reason) {
  return kReasonNames[static_cast<std::size_t>(reason)];
}

DeathReason parse_death_reason(std::string_view text) {
  for (std::size_t i = 0; i < kReasonNames.size(); ++i) {
    if (kReasonNames[i] == text) return static_cast<DeathReason>(i);
  }
  return DeathReason::none;
}

// Ids come from outside: the hash is seeded for each process, so nobody can choose colliding ones.
std::size_t TaskTable::ById::operator()(const TaskId& id) const {
  return absl::Hash<std::array<std::uint8_t, 16>>()(id.bytes);
}

TaskTable::TaskTable() : index_(0, ById{this}, SameId{this}) {}

TaskIndex TaskTable::insert(const TaskId& id) {
  TaskIndex index;
  if (free_.empty()) {
    index = end_++;
    if (index / kChunk == chunks_.size()) chunks_.push_back(std::make_unique<TaskSlot[]>(kChunk));
  } else {
    index = free_.back();
    free_.pop_back();
  }
  TaskSlot& slot = (*this)[index];
  slot.id = id;
  slot.in_use = true;
  const bool is_new = index_.insert(index).second;
  DROVER_ASSERT(is_new);
  return index;
}

void TaskTable::erase(TaskIndex index) {
  TaskSlot& slot = (*this)[index];
  DROVER_ASSERT(slot.in_use && slot.place == Place::none && slot.timer == kNone);
  index_.erase(index);
  slot = TaskSlot{};
  free_.push_back(index);
}

TaskIndex TaskTable::find(const TaskId& id) const {
  const auto at = index_.find(id);
  return at == index_.end() ? kNone : *at;
}

void TaskList::push_back(TaskTable& tasks, TaskIndex index) {
  TaskSlot& slot = tasks[index];
  slot.prev = tail;
  slot.next = kNone;
  if (tail == kNone) {
    head = index;
  } else {
    tasks[tail].next = index;
  }
  tail = index;
  ++count;
}

void TaskList::insert_by_age(TaskTable& tasks, TaskIndex index) {
  TaskSlot& slot = tasks[index];
  const auto is_older = [&](const TaskSlot& other) {
    return other.ready_at != slot.ready_at ? other.ready_at < slot.ready_at
                                           : other.admission < slot.admission;
  };
  TaskIndex next = head, last = tail;
  for (;; next = tasks[next].next, last = tasks[last].prev) {
    if (next == kNone || is_older(tasks[tail])) return push_back(tasks, index);
    if (!is_older(tasks[next])) break;
    if (!is_older(tasks[last])) continue;
    next = tasks[last].next;
    break;
  }
  slot.next = next;
  slot.prev = tasks[next].prev;
  (slot.prev == kNone ? head : tasks[slot.prev].next) = index;
  tasks[next].prev = index;
  ++count;
}

void TaskList::remove(TaskTable& tasks, TaskIndex index) {
  TaskSlot& slot = tasks[index];
  if (slot.prev == kNone) {
    head = slot.next;
  } else {
    tasks[slot.prev].next = slot.next;
  }
  if (slot.next == kNone) {
    tail = slot.prev;
  } else {
    tasks[slot.next].prev = slot.prev;
  }
  slot.prev = slot.next = kNone;
  --count;
}

}  // namespace drover::broker
