#include "tests/simulation/task_ledger.hpp"

#include <algorithm>
#include <utility>

namespace drover::sim {
namespace {

std::size_t ended_place(TaskState state) {
  return static_cast<std::size_t>(state) - static_cast<std::size_t>(TaskState::completed);
}

template <class Map>
std::uint32_t number_of(Map& map, const std::string& name) {
  return map.try_emplace(name, static_cast<std::uint32_t>(map.size())).first->second;
}

void end_lease(TaskLife& life, const Record& record, std::uint64_t seq) {
  if (life.leases.empty()) return;
  Lease& lease = life.leases.back();
  if (record.kind == RecordKind::cancelled) {
    if (record.from != TaskState::running) return;
    lease.cancelled = true;
    lease.ended_seq = seq;
  } else if (record.outcome != Outcome::none) {
    lease.outcome = record.outcome;
    if (lease.ended_seq == 0) lease.ended_seq = seq;
  }
}

}  // namespace

TaskNumber TaskLedger::find_key(const std::string& tenant, const std::string& key) const {
  const auto at = by_key_.find(tenant + '\n' + key);
  return at == by_key_.end() ? kNoTask : at->second;
}

std::uint32_t TaskLedger::queue_number(const std::string& tenant, const std::string& queue) {
  const auto number = number_of(queues_, tenant + '/' + queue);
  if (number >= books_.size()) books_.resize(number + 1);
  return number;
}

std::uint32_t TaskLedger::tenant_number(const std::string& tenant) {
  return number_of(tenants_, tenant);
}

// A task's one unit in the books, where it stands now.
void TaskLedger::count(const TaskEntry& entry, std::int64_t sign) {
  LedgerBooks& books = books_[entry.facts.queue_number];
  const TaskState state = entry.life.state;
  if (entry.life.purged) {
    books.purged += sign;
  } else if (has_ended(state)) {
    books.ended[ended_place(state)] += sign;
  } else {
    (state == TaskState::running ? books.running : books.waiting) += sign;
  }
}

LedgerBooks TaskLedger::total(std::string_view tenant) const {
  LedgerBooks sum;
  for (const auto& [name, number] : queues_) {
    if (!tenant.empty() && !name.starts_with(std::string(tenant) + '/')) continue;
    const LedgerBooks& books = books_[number];
    sum.submitted += books.submitted;
    sum.purged += books.purged;
    sum.waiting += books.waiting;
    sum.running += books.running;
    for (std::size_t i = 0; i < sum.ended.size(); ++i) sum.ended[i] += books.ended[i];
  }
  return sum;
}

TaskNumber TaskLedger::create(TaskFacts facts, const Record& record, std::uint64_t seq) {
  const auto task = size();
  facts.earlier = find(facts.id);
  facts.created_seq = seq;
  TaskEntry& entry = tasks_.emplace_back();
  entry.facts = std::move(facts);
  TaskLife& life = entry.life;
  life.state = record.state;
  life.ready_at = record.ready_at;
  life.until = record.until;
  life.wait = record.wait;
  life.expires_at = record.expires_at;
  life.seq = seq;
  by_id_[entry.facts.id] = task;
  if (!entry.facts.key.empty()) by_key_[entry.facts.tenant + '\n' + entry.facts.key] = task;
  newest_admission_ = std::max(newest_admission_, entry.facts.admission);
  ++books_[entry.facts.queue_number].submitted;
  count(entry, 1);
  undo_.push_back({seq, task, true, {}});
  return task;
}

void TaskLedger::apply(TaskNumber task, const Record& record, std::uint64_t seq) {
  TaskEntry& entry = tasks_[task];
  TaskLife& life = entry.life;
  undo_.push_back({seq, task, false, life});
  count(entry, -1);
  life.seq = seq;
  if (record.kind == RecordKind::purged) {
    life.purged = true;
    return count(entry, 1);
  }
  if (record.kind == RecordKind::started) {
    life.leases.push_back({record.worker, seq, record.at});
  } else {
    end_lease(life, record, seq);
  }
  life.state = record.state;
  life.failures = record.failures;
  life.strikes = record.strikes;
  life.ready_at = record.ready_at;
  life.until = record.until;
  life.wait = record.wait;
  life.expires_at = record.expires_at;
  if (record.kind == RecordKind::dead) life.reason = broker::parse_death_reason(record.reason);
  const bool ends = has_ended(record.state) && record.kind != RecordKind::stopped;
  if (ends && life.ended[ended_place(record.state)] == 0) {
    life.ended[ended_place(record.state)] = seq;
  }
  count(entry, 1);
}

void TaskLedger::made_durable(std::uint64_t seq) {
  while (!undo_.empty() && undo_.front().seq <= seq) undo_.pop_front();
}

void TaskLedger::take_back(std::uint64_t seq) {
  while (!undo_.empty() && undo_.back().seq > seq) {
    Undo undo = std::move(undo_.back());
    undo_.pop_back();
    TaskEntry& entry = tasks_[undo.task];
    count(entry, -1);
    if (!undo.created) {
      entry.life = std::move(undo.life);
      count(entry, 1);
      continue;
    }
    --books_[entry.facts.queue_number].submitted;
    if (entry.facts.earlier == kNoTask) {
      by_id_.erase(entry.facts.id);
    } else {
      by_id_[entry.facts.id] = entry.facts.earlier;
    }
    tasks_.pop_back();  // nothing younger is left
  }
  index_keys();
}

void TaskLedger::index_keys() {
  by_key_.clear();
  newest_admission_ = 0;
  for (TaskNumber task = 0; task < size(); ++task) {
    const TaskFacts& facts = tasks_[task].facts;
    newest_admission_ = std::max(newest_admission_, facts.admission);
    if (!facts.key.empty()) by_key_[facts.tenant + '\n' + facts.key] = task;
  }
}

}  // namespace drover::sim
