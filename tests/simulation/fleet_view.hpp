// The checker's account of the workers, as one broker process knows them: from what it has heard of
// them and what it has recorded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/core/fleet.hpp"
#include "common/wire/messages.hpp"
#include "tests/simulation/task_ledger.hpp"

namespace drover::sim {

struct WorkerView {
  WorkerId id;
  broker::Peer peer{};
  SessionId session{};  // 0 until its welcome has left
  Instant heard_at;     // on the broker's clock
  std::vector<std::string> types, features;
  std::uint32_t window = 0;
  bool joined = false;
  bool draining = false;
  std::uint32_t unreachable = 0;   // sends in a row that found nobody
  std::vector<TaskNumber> leases;  // what it holds
};

class FleetView {
 public:
  void clear() { workers_.clear(); }

  WorkerView* find(const WorkerId& id) {
    return find_if([&](const WorkerView& w) { return w.id == id; });
  }
  WorkerView* find(SessionId session) {
    if (session == SessionId{}) return nullptr;
    return find_if([&](const WorkerView& w) { return w.session == session; });
  }
  WorkerView* find(broker::Peer peer) {
    return find_if([&](const WorkerView& w) { return w.peer == peer; });
  }
  WorkerView& add(const WorkerId& id) {
    workers_.push_back({});
    workers_.back().id = id;
    return workers_.back();
  }
  void remove(const WorkerId& id) {
    std::erase_if(workers_, [&](const WorkerView& w) { return w.id == id; });
  }

  // Takes a lease from whoever holds it.
  void release(const WorkerId& id, TaskNumber task) {
    if (WorkerView* worker = find(id)) std::erase(worker->leases, task);
  }

  const std::vector<WorkerView>& all() const { return workers_; }

 private:
  template <class Is>
  WorkerView* find_if(Is is) {
    const auto at = std::find_if(workers_.begin(), workers_.end(), is);
    return at == workers_.end() ? nullptr : &*at;
  }

  std::vector<WorkerView> workers_;
};

}  // namespace drover::sim
