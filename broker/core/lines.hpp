// The lines: which of the ready tasks goes next.
//
//   level (priority, strict) > lane (a demand) > flow (a tenant) > first in, first out
//
// Within a level tenants share by weight: each tenant's account has a virtual time that moves on by
// 1 / weight with each task taken, and the account that is furthest behind goes first; one that
// comes back from idleness starts where the level is now. This is start-time fair queueing (P.
// Goyal, H. Vin, H. Cheng, SIGCOMM 1996): the shares of deficit round robin, in the finest
// interleaving. Equal accounts (so, all of one tenant's tasks) go in the order in which they
// joined.
//
// Waiting makes urgent: for each `aging` that a flow's head has stood in line, the flow stands one
// level higher, at most at `high`. A flow goes back as its head is taken and the next is younger.
//
// Only heads are ever asked, so a deep line costs no more than a short one: join and leave are
// O(log tenants), best looks at the level's lanes that have tasks, and aging costs one look a flow
// and `aging`. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "broker/core/demands.hpp"
#include "broker/core/indexed_heap.hpp"
#include "broker/core/task_table.hpp"

namespace drover::broker {

class Lines {
 public:
  // `tasks` must outlive the lines. `aging` 0 = waiting makes nothing more urgent.
  Lines(TaskTable& tasks, Duration aging) : tasks_(tasks), aging_(aging) {}

  // Adds a ready task to its line; its ready_at says when it joined: at the end, or where it
  // belongs by age, if a gate has let it out again. `tenant` is any number that stands for its
  // tenant.
  void join(TaskIndex task, std::uint32_t tenant);

  // Takes a task out, wherever it stands.
  void leave(TaskIndex task, std::uint32_t tenant);

  // Takes the head that `best` gave, and charges its tenant for it.
  void take(TaskIndex task, std::uint32_t tenant);

  // A tenant's share, 1 to 100; 1 unless it is set.
  void set_weight(std::uint32_t tenant, std::uint32_t weight);

  // It is `now`: raises those that have waited long enough, a bounded number.
  void age(Instant now);
  // When the next may have; kNever if there is none.
  Instant next_aging() const { return agings_.empty() ? kNever : agings_.begin()->first; }

  // The task that goes next at a level among those whose demand `can_run` accepts; kNone if none.
  template <class CanRun>
  TaskIndex best(Priority level, const CanRun& can_run) const {
    const Level& l = levels_[static_cast<std::size_t>(level)];
    std::uint32_t best_flow = kNone;
    for (const std::uint32_t lane : l.busy) {
      if (!can_run(lanes_[lane].demand)) continue;
      const std::uint32_t flow = lanes_[lane].flows.front();
      if (best_flow == kNone || before(flow, best_flow)) best_flow = flow;
    }
    return best_flow == kNone ? kNone : flows_[best_flow].tasks.head;
  }

  // Calls `visit(task)` for the first `most` tasks of every line, `in_all` at the most.
  template <class Visit>
  void visit_heads(std::uint32_t most, std::uint32_t in_all, const Visit& visit) const {
    for (const Flow& flow : flows_) {
      TaskIndex task = flow.tasks.head;
      for (std::uint32_t i = 0; i < most && task != kNone; ++i, task = tasks_[task].next) {
        if (in_all-- == 0) return;
        visit(task);
      }
    }
  }

 private:
  struct Flow {
    TaskList tasks;
    Priority priority{};  // of its tasks
    DemandIndex demand = kNone;
    std::uint32_t tenant = 0;
    Instant noted = kNever;      // in agings_
    std::uint8_t level = 0;      // where it stands now
    std::uint32_t lane = kNone;  // likewise; kNone while it has no tasks
    std::uint32_t account = kNone;
    std::uint32_t position = kNone;  // in the lane's heap
  };
  struct FlowRules {
    Lines* lines;
    bool before(std::uint32_t a, std::uint32_t b) const { return lines->before(a, b); }
    void moved(std::uint32_t flow, std::uint32_t position) {
      lines->flows_[flow].position = position;
    }
  };
  struct Lane {
    DemandIndex demand;
    std::uint32_t busy_position = kNone;  // in the level's list of lanes with tasks
    IndexedHeap<std::uint32_t, FlowRules> flows;
  };
  struct Account {
    std::uint64_t virtual_time = 0;
    std::vector<std::uint32_t> flows;  // that have tasks
    std::uint32_t raised = 0;          // of these: a lane may have several of one account
  };
  struct Level {
    std::vector<std::uint32_t> busy;  // lanes with tasks
    std::uint64_t virtual_time = 0;   // of the account served last
    absl::flat_hash_map<DemandIndex, std::uint32_t> lanes;
    absl::flat_hash_map<std::uint32_t, std::uint32_t> accounts;  // by tenant
    absl::flat_hash_map<std::uint64_t, std::uint32_t> flows;     // of this priority
  };

  bool before(std::uint32_t a, std::uint32_t b) const;
  std::uint32_t flow_of(Priority priority, DemandIndex demand, std::uint32_t tenant);
  std::uint32_t lane_of(std::uint8_t level, DemandIndex demand);
  std::uint32_t account_of(std::uint8_t level, std::uint32_t tenant);
  std::uint8_t level_of(const Flow& flow) const;
  static bool is_raised(const Flow& flow) {
    return flow.level != static_cast<std::uint8_t>(flow.priority);
  }
  void seat(std::uint32_t flow);
  void unseat(std::uint32_t flow);
  void charge(std::uint32_t account, std::uint64_t by);
  void reseat(std::uint32_t flow);
  void note_aging(std::uint32_t flow);
  void give_up(std::uint32_t flow);
  void remove(TaskIndex task, std::uint32_t flow);
  std::uint32_t weight_of(std::uint32_t tenant) const {
    return tenant < weights_.size() ? weights_[tenant] : 1;
  }

  TaskTable& tasks_;
  Duration aging_;
  Instant now_{};
  std::array<Level, kPriorities> levels_;
  std::vector<Lane> lanes_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_flows_;
  std::vector<Account> accounts_;
  std::vector<std::uint32_t> weights_;                  // by tenant
  std::set<std::pair<Instant, std::uint32_t>> agings_;  // flows to look at
};

}  // namespace drover::broker
