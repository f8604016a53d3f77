// The table of tasks: one compact slot for each task that the broker knows, found by id.
//
// A slot holds what decisions need; what a task rarely has (a lease, a history, labels) hangs on it
// as `Cold`. Payloads and results are in the store, `where` says where. A waiting task costs about
// 120 bytes here.
//
// Slots never move, so an index stays good until `erase`. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "broker/core/record.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/task/attempt.hpp"
#include "common/task/priority.hpp"
#include "common/task/task_state.hpp"

namespace drover::broker {

using TaskIndex = std::uint32_t;
using GateIndex = std::uint32_t;  // in Gates
inline constexpr std::uint32_t kNone = UINT32_MAX;

// Why a task is dead.
enum class DeathReason : std::uint8_t { none, attempts, fatal, poison };
std::string_view name_of(DeathReason reason);
DeathReason parse_death_reason(std::string_view text);

// The list that a task is linked into. It is in one at most.
enum class Place : std::uint8_t {
  none,      // scheduled and retrying tasks wait in the timers alone
  line,      // ready
  gate,      // ready, and a gate is closed to it
  reserved,  // ready; a worker is being emptied for it
  leased,    // running, on its worker's list
  orphaned,  // running, but its worker has not said hello since the broker started
  finished,  // completed, cancelled, expired
  dead,
};

// What only some tasks have.
struct Labels {
  std::string idempotency_key;
  std::uint64_t payload_hash = 0;
  std::string user_id;
  std::string agent_id;
  std::string traceparent;
  std::string content_type;  // of the result; that of the payload is in the task as submitted
  Usage usage;               // of the completed attempt
  // The gates that it names; their names are in Gates.
  GateIndex gate = kNone, concurrency = kNone, rate = kNone;
  std::uint32_t rate_cost = 0;  // as stated; 0 = not, which counts as 1

  bool names_gates() const { return gate != kNone || concurrency != kNone || rate != kNone; }
};

// What a task has from its first lease on.
struct Cold {
  WorkerId worker;               // who held the newest lease
  Instant started_at = kNever;   // of the newest lease
  std::uint64_t lease_seq = 0;   // of its `started` record; its assign leaves when that is durable
  std::uint64_t heard = 0;       // the newest heartbeat that listed it
  std::uint32_t holder = kNone;  // index of the worker that holds it now
  std::uint8_t missed = 0;       // heartbeats in a row that did not list it
  bool runs = false;             // counts among those that run at once
  std::vector<Attempt> history;  // attempts that ended, but for the one that completed

  void remember(Attempt attempt) {
    if (history.size() >= kHistoryMax) history.erase(history.begin());
    history.push_back(std::move(attempt));
  }
};

struct TaskSlot {
  TaskId id;
  std::uint64_t admission = 0;
  Instant created_at;
  Instant ready_at;
  Instant until = kNever;  // see Record::until
  Instant expires_at = kNever;
  Locator where;                // the newest whole record
  std::uint32_t queue = 0;      // index in Queues
  std::uint32_t demand = 0;     // index in Demands
  std::uint32_t policy = 0;     // index in Policies
  std::uint32_t attempt = 0;    // leases so far
  std::uint32_t timer = kNone;  // position in Timers
  GateIndex gate = kNone;       // where it waits, or was let out and now stands in line
  TaskIndex prev = kNone, next = kNone;
  std::uint16_t failures = 0;
  std::uint8_t strikes = 0;
  Priority priority = Priority::normal;
  TaskState state = TaskState::ready;
  Place place = Place::none;
  DeathReason reason = DeathReason::none;
  bool in_use = false;
  bool was_let_out = false;  // of a gate, since it became ready
  std::unique_ptr<Cold> cold;
  std::unique_ptr<Labels> labels;

  Cold& cold_part() {
    if (!cold) cold = std::make_unique<Cold>();
    return *cold;
  }
  Labels& label_part() {
    if (!labels) labels = std::make_unique<Labels>();
    return *labels;
  }
};

class TaskTable {
 public:
  TaskTable();

  // An empty slot for an id that the table does not know.
  TaskIndex insert(const TaskId& id);
  void erase(TaskIndex index);

  // The slot of an id, or kNone.
  TaskIndex find(const TaskId& id) const;

  TaskSlot& operator[](TaskIndex index) { return chunks_[index / kChunk][index % kChunk]; }
  const TaskSlot& operator[](TaskIndex index) const {
    return chunks_[index / kChunk][index % kChunk];
  }

  std::size_t size() const { return index_.size(); }
  std::uint64_t spare_bytes() const { return free_.size() * sizeof(TaskSlot); }
  // Indices below this have been used; `in_use` tells which are now.
  TaskIndex end() const { return end_; }

 private:
  static constexpr std::uint32_t kChunk = 4096;

  struct ById {
    using is_transparent = void;
    const TaskTable* table;
    std::size_t operator()(const TaskId& id) const;
    std::size_t operator()(TaskIndex index) const { return (*this)((*table)[index].id); }
  };
  struct SameId {
    using is_transparent = void;
    const TaskTable* table;
    const TaskId& id_of(const TaskId& id) const { return id; }
    const TaskId& id_of(TaskIndex index) const { return (*table)[index].id; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return id_of(a) == id_of(b);
    }
  };

  TaskTable(const TaskTable&) = delete;

  std::vector<std::unique_ptr<TaskSlot[]>> chunks_;
  std::vector<TaskIndex> free_;
  TaskIndex end_ = 0;
  absl::flat_hash_set<TaskIndex, ById, SameId> index_;
};

// A first-in-first-out list of tasks, linked through their slots.
struct TaskList {
  TaskIndex head = kNone, tail = kNone;
  std::uint32_t count = 0;

  bool empty() const { return head == kNone; }
  void push_back(TaskTable& tasks, TaskIndex index);
  // Before the first that joined the line later. Costs a step for each between it and the nearer
  // end.
  void insert_by_age(TaskTable& tasks, TaskIndex index);
  void remove(TaskTable& tasks, TaskIndex index);
};

}  // namespace drover::broker
