// The checker's account of the workers, as one broker process knows them: from what it has heard of
// them and what it has recorded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/fleet.hpp"
#include "common/wire/messages.hpp"
#include "tests/simulation/task_ledger.hpp"

namespace drover::sim {

struct WorkerView {
  WorkerId id;
  broker::Peer peer{};
  std::size_t key = 0;       // it speaks under, in SimOptions::keys
  std::uint64_t hellos = 0;  // heard from it
  SessionId session{};       // the newest hello's; 0 until its welcome has left
  Instant heard_at;          // on the broker's clock
  std::vector<std::string> types, features;
  std::uint32_t window = 0;
  bool joined = false;
  bool draining = false;
  std::uint32_t unreachable = 0;   // sends in a row that found nobody
  std::vector<TaskNumber> leases;  // what it holds
};

class FleetView {
 public:
  void clear() { workers_.clear(), unanswered_.clear(); }

  // A hello was heard from this connection; its welcome will leave to it, in the same order. Over
  // the same connection the session may go on.
  void greeted(WorkerView& worker, broker::Peer peer) {
    if (worker.peer != peer) worker.session = {};
    worker.peer = peer;
    unanswered_[peer].emplace_back(worker.id, ++worker.hellos);
  }
  // The worker that is welcomed; nullptr if it has gone, or has said hello over another connection
  // since. Over the same one its session goes on.
  WorkerView* welcomed(broker::Peer peer) {
    auto& waiting = unanswered_[peer];
    if (waiting.empty()) return nullptr;
    const auto [id, hello] = waiting.front();
    waiting.pop_front();
    WorkerView* worker = find(id);
    return worker && (worker->hellos == hello || worker->peer == peer) ? worker : nullptr;
  }

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
  std::map<broker::Peer, std::deque<std::pair<WorkerId, std::uint64_t>>> unanswered_;
};

}  // namespace drover::sim
