// The checker's own account of every task, kept from the records alone.
//
// It knows what the broker has decided, and which of it is durable. What was decided and then lost
// in a crash is taken back, so the ledger always says what a broker that kept its promises knows.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/core/record.hpp"
#include "broker/core/task_table.hpp"

namespace drover::sim {

using broker::DeathReason;
using broker::Record;
using broker::RecordKind;

using TaskNumber = std::uint32_t;  // in the ledger; an id that is used again gets another one
inline constexpr TaskNumber kNoTask = UINT32_MAX;

constexpr bool waits(TaskState state) {
  return state == TaskState::scheduled || state == TaskState::ready || state == TaskState::retrying;
}

// What never changes about a task.
struct TaskFacts {
  TaskId id;
  std::string tenant, queue, type;
  std::uint32_t tenant_number = 0, queue_number = 0, kind = 0;
  Priority priority = Priority::normal;
  std::uint64_t admission = 0;
  Instant created_at;
  Duration timeout{0}, result_ttl{0};
  std::uint32_t max_attempts = 0;
  Backoff backoff;
  std::string key, concurrency_key;
  std::uint64_t payload_hash = 0;
  std::uint32_t bytes_crc = 0;  // of the task as submitted
  std::uint64_t created_seq = 0;
  TaskNumber earlier = kNoTask;  // that had the same id
};

// One attempt. Attempt n of a task is the n-th of its leases.
struct Lease {
  WorkerId worker;
  std::uint64_t seq = 0;  // of its `started` record
  Instant at;
  Outcome outcome = Outcome::none;
  std::uint64_t ended_seq = 0;  // 0 while it is live
  bool cancelled = false;       // ended by a cancel; its outcome may follow
  bool shared = false;          // its worker held another one at the same time
};

struct TaskLife {
  TaskState state = TaskState::ready;  // as recorded: a scheduled task may be ready by now
  std::uint32_t failures = 0, strikes = 0;
  Instant ready_at;
  Instant until = kNever;
  Instant expires_at = kNever;
  Duration wait{0};
  DeathReason reason = DeathReason::none;
  bool purged = false;
  std::uint64_t seq = 0;                 // of its newest record
  std::array<std::uint64_t, 4> ended{};  // the seq at which it completed, died, ... first
  std::vector<Lease> leases;

  std::uint32_t attempt() const { return static_cast<std::uint32_t>(leases.size()); }
  bool is_live(std::uint32_t number) const {
    return state == TaskState::running && number == attempt();
  }
};

struct TaskEntry {
  TaskFacts facts;
  TaskLife life;
  bool orphaned = false;       // running, and its worker has not come back since the restart
  Instant back_at;             // when it did
  std::uint8_t unlisted = 0;   // heartbeats in a row of its worker that left it out
  std::vector<bool> assigned;  // by attempt: it was handed to a worker
};

// What one queue's books should say.
struct LedgerBooks {
  std::int64_t submitted = 0, purged = 0, waiting = 0, running = 0;
  std::array<std::int64_t, 4> ended{};  // completed, dead, cancelled, expired

  bool operator==(const LedgerBooks&) const = default;
};

class TaskLedger {
 public:
  TaskNumber find(const TaskId& id) const {
    const auto at = by_id_.find(id);
    return at == by_id_.end() ? kNoTask : at->second;
  }
  TaskEntry& operator[](TaskNumber task) { return tasks_[task]; }
  const TaskEntry& operator[](TaskNumber task) const { return tasks_[task]; }
  TaskNumber size() const { return static_cast<TaskNumber>(tasks_.size()); }

  // The newest with this key, or kNoTask.
  TaskNumber find_key(const std::string& tenant, const std::string& key) const;

  // A decision, in the order in which they are made. `created` needs the facts.
  TaskNumber create(TaskFacts facts, const Record& record, std::uint64_t seq);
  void apply(TaskNumber task, const Record& record, std::uint64_t seq);

  // Everything up to `seq` can never be taken back.
  void made_durable(std::uint64_t seq);
  // Everything after `seq` never happened.
  void take_back(std::uint64_t seq);

  const LedgerBooks& books(std::uint32_t queue) const { return books_[queue]; }
  // Of all queues, or of one tenant's.
  LedgerBooks total(std::string_view tenant = {}) const;
  std::uint32_t queue_number(const std::string& tenant, const std::string& queue);
  std::uint32_t tenant_number(const std::string& tenant);
  std::size_t queues() const { return books_.size(); }
  std::size_t keys() const { return by_key_.size(); }
  std::uint64_t newest_admission() const { return newest_admission_; }

 private:
  struct Undo {
    std::uint64_t seq;
    TaskNumber task;
    bool created;
    TaskLife life;
  };
  void count(const TaskEntry& entry, std::int64_t sign);
  void index_keys();

  std::deque<TaskEntry> tasks_;
  std::unordered_map<TaskId, TaskNumber> by_id_;
  std::map<std::string, TaskNumber> by_key_;  // tenant, a line feed, key
  std::map<std::string, std::uint32_t> queues_, tenants_;
  std::deque<LedgerBooks> books_;
  std::deque<Undo> undo_;
  std::uint64_t newest_admission_ = 0;
};

}  // namespace drover::sim
