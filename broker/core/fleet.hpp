// The fleet: the workers that have said hello, what each holds, and who takes the next task.
//
// A worker is found by session, by its own id and by the connection it speaks from. Free workers
// stand in their offer's buckets by load, so the least loaded that runs a demand is found without
// looking at the others; among equals the one that has waited longest. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "broker/core/demands.hpp"
#include "broker/core/planted.hpp"
#include "broker/core/task_table.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"

namespace drover::broker {

// A connection to one of the broker's sockets: the routing id that ZeroMQ gave it, as a number.
enum class Peer : std::uint64_t {};

using WorkerIndex = std::uint32_t;

// An attempt that is over for the broker while its worker still ends it: it occupies its slot.
struct Stopping {
  TaskId task;
  std::uint32_t attempt = 0;
  Instant until;  // after this the worker is believed to have stopped
  bool cancelled = false;
  // The gates that it still counts at.
  std::array<GateIndex, 3> gates = {kNone, kNone, kNone};
};

// Who a worker is to the broker: the key that it said hello under, and whose tasks it may be given.
struct Bond {
  std::string owner;
  Scope scope;  // nothing, unless CoreOptions::scoped
};

struct Worker {
  SessionId session{};
  Peer peer{};
  WorkerId id;
  std::string host;
  std::uint64_t pid = 0;
  Bond bond;
  OfferIndex offer = 0;
  std::uint32_t slots = 1;
  std::uint32_t window = 1;
  Instant heard_at;               // its newest message
  Instant alive_at;               // our newest heartbeat
  std::uint64_t beats = 0;        // heartbeats and hellos heard
  std::uint64_t welcome_seq = 0;  // its welcome leaves once this record is durable
  TaskList leases;                // what it holds
  std::vector<Stopping> stopping;
  TaskIndex reserved = kNone;  // a task that waits until this worker holds nothing else
  bool exclusive = false;      // runs a task that must be alone
  bool draining = false;
  bool gave_back = false;  // gave work back: gets none before it has said how it is (a heartbeat)
  bool in_use = false;
  Instant unreachable_since = kNever;  // sends have found no connection since then
  std::uint32_t bucket = kNone;        // the load it is filed under while free
  WorkerIndex free_prev = kNone, free_next = kNone;

  // Slots in use, its window counts them all.
  std::uint32_t load() const { return leases.count + static_cast<std::uint32_t>(stopping.size()); }
  bool takes_work() const {
    return in_use && !draining && !gave_back && !exclusive && reserved == kNone &&
           (load() < window || planted(Planted::window_ignored));
  }
};

class Fleet {
 public:
  // `demands` must outlive the fleet.
  explicit Fleet(const Demands& demands) : demands_(demands) {}

  WorkerIndex add(const WorkerId& id, SessionId session, Peer peer);
  // The worker must hold nothing.
  void remove(WorkerIndex index);

  WorkerIndex find(SessionId session) const { return find_in(by_session_, session); }
  WorkerIndex find(const WorkerId& id) const { return find_in(by_id_, id); }
  WorkerIndex find(Peer peer) const { return find_in(by_peer_, peer); }

  void set_session(WorkerIndex index, SessionId session);
  void set_peer(WorkerIndex index, Peer peer);

  // Files the worker anew after anything that takes_work or load depend on has changed. `offer`
  // says what it runs from now on.
  void refile(WorkerIndex index) { refile(index, workers_[index].offer); }
  void refile(WorkerIndex index, OfferIndex offer);

  // The least loaded free worker that runs the demand; kNone if there is none.
  WorkerIndex pick(DemandIndex demand) const;
  bool can_run_now(DemandIndex demand) const { return free_ > 0 && pick(demand) != kNone; }
  // Whether any worker, busy or not, runs it.
  bool can_ever_run(DemandIndex demand) const;
  std::size_t free_workers() const { return free_; }

  Worker& operator[](WorkerIndex index) { return workers_[index]; }
  const Worker& operator[](WorkerIndex index) const { return workers_[index]; }
  WorkerIndex end() const { return static_cast<WorkerIndex>(workers_.size()); }
  std::size_t size() const { return by_id_.size(); }

 private:
  struct Bucket {
    WorkerIndex head = kNone, tail = kNone;
  };
  struct Crew {  // the workers of one offer
    std::vector<Bucket> free_by_load;
    std::uint32_t lowest = 0;  // no bucket below it has a worker
    std::uint32_t members = 0;
    std::uint32_t free = 0;
  };

  template <class Map, class Key>
  static WorkerIndex find_in(const Map& map, const Key& key) {
    const auto at = map.find(key);
    return at == map.end() ? kNone : at->second;
  }
  void unfile(WorkerIndex index);
  void file(WorkerIndex index);

  const Demands& demands_;
  std::vector<Worker> workers_;
  std::vector<WorkerIndex> unused_;
  std::vector<Crew> crews_;  // by offer
  std::size_t free_ = 0;
  absl::flat_hash_map<SessionId, WorkerIndex> by_session_;
  absl::flat_hash_map<WorkerId, WorkerIndex, std::hash<WorkerId>> by_id_;
  absl::flat_hash_map<Peer, WorkerIndex> by_peer_;
};

}  // namespace drover::broker
