// The queues and their books: how many tasks of each queue are where, and how many there ever were.
//
// A queue belongs to a tenant, appears with its first task and stays. In its books
//
//   submitted = blocked + scheduled + ready + running + retrying + dead
//             + completed + cancelled + expired + purged
//
// holds after every decision: blocked to dead count what is there now, the others since the store
// was made. A task's step from one state to another moves one unit. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "broker/core/meter.hpp"
#include "broker/core/settings.hpp"
#include "broker/core/task_table.hpp"
#include "common/base/result.hpp"
#include "common/task/task_state.hpp"

namespace drover::broker {

struct QueueBooks {
  std::uint64_t submitted = 0;
  std::uint64_t purged = 0;
  std::array<std::uint64_t, kTaskStates> by_state{};

  std::uint64_t& operator[](TaskState state) { return by_state[static_cast<std::size_t>(state)]; }
  std::uint64_t operator[](TaskState state) const {
    return by_state[static_cast<std::size_t>(state)];
  }
  // Waiting and dead tasks: what limits.queue_length bounds.
  std::uint64_t length() const;
  bool balance() const;
};

struct Queue {
  std::string tenant;
  std::string name;
  std::uint32_t tenant_number = 0;  // the same for all queues of a tenant
  QueueBooks books;
  Settings settings;                                     // that hold
  GateIndex pause = kNone, limit = kNone, rate = kNone;  // its gates; all have a limit
  Meter submissions;
};

struct Tenant {
  std::string name;
  std::uint64_t length = 0;  // of all its queues
  Settings settings;         // that hold
  GateIndex limit = kNone, rate = kNone;
  Meter submissions;
};

class Queues {
 public:
  // The index of a queue, made if it is new; kNone if that would be more than `most` queues.
  std::uint32_t find_or_add(std::string_view tenant, std::string_view name, std::size_t most);
  std::uint32_t find(std::string_view tenant, std::string_view name) const;
  // Of a tenant that has a queue or a setting; kNone of others.
  std::uint32_t tenant_number(std::string_view tenant) const;
  std::uint32_t find_or_add_tenant(std::string_view tenant);

  // A task of the queue is, or is not any more, in this state.
  void enter(std::uint32_t queue, TaskState state) { count(queue, state, 1); }
  void leave(std::uint32_t queue, TaskState state) { count(queue, state, -1); }

  // The broker has just started: nothing is known of the submissions before.
  void spend_all(Instant now);

  Queue& operator[](std::uint32_t index) { return queues_[index]; }
  const Queue& operator[](std::uint32_t index) const { return queues_[index]; }
  std::size_t size() const { return queues_.size(); }
  Tenant& tenant(std::uint32_t number) { return tenants_[number]; }
  const Tenant& tenant(std::uint32_t number) const { return tenants_[number]; }
  std::size_t tenants() const { return tenants_.size(); }

  // The totals of all queues as bytes for the `books` record, and back: `load` replaces the totals
  // and leaves the counts of what is there now to be made from the tasks.
  std::string save(std::uint64_t next_admission) const;
  Result<std::uint64_t> load(std::string_view bytes);

 private:
  static std::string key_of(std::string_view tenant, std::string_view name);
  void count(std::uint32_t queue, TaskState state, int by);

  std::vector<Queue> queues_;
  std::vector<Tenant> tenants_;
  absl::flat_hash_map<std::string, std::uint32_t> tenant_by_name_;
  absl::flat_hash_map<std::string, std::uint32_t> by_name_;
};

}  // namespace drover::broker
