// Who waits for the end of which task, and until when.
// Pure; one thread. A task's waiters are told when it ends, however it ends.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "broker/core/fleet.hpp"
#include "broker/core/task_table.hpp"

namespace drover::broker {

struct Waiter {
  Peer peer{};
  std::uint64_t request = 0;
  Instant until;
};

class Waits {
 public:
  void add(TaskIndex task, const Waiter& waiter) {
    waiters_[task].push_back(waiter);
    ++by_peer_[waiter.peer];
    order_.insert({waiter.until, {task, waiter.request}});
  }

  // All who wait for a task that has ended; they wait no more.
  std::vector<Waiter> take(TaskIndex task) {
    const auto at = waiters_.find(task);
    if (at == waiters_.end()) return {};
    std::vector<Waiter> taken = std::move(at->second);
    waiters_.erase(at);
    for (const auto& w : taken) {
      order_.erase(order_.find({w.until, {task, w.request}}));
      over(w.peer);
    }
    return taken;
  }

  // One who has waited long enough by `now`; he waits no more.
  bool pop_expired(Instant now, Waiter& out) {
    if (order_.empty() || order_.begin()->first > now) return false;
    const Instant until = order_.begin()->first;
    const auto [task, request] = order_.begin()->second;
    order_.erase(order_.begin());
    auto& list = waiters_[task];
    for (auto at = list.begin(); at != list.end(); ++at) {
      if (at->request != request || at->until != until) continue;
      out = *at;
      over(at->peer);
      list.erase(at);
      break;
    }
    if (list.empty()) waiters_.erase(task);
    return true;
  }

  Instant earliest() const { return order_.empty() ? kNever : order_.begin()->first; }
  std::size_t size() const { return order_.size(); }
  std::size_t of(Peer peer) const {
    const auto at = by_peer_.find(peer);
    return at == by_peer_.end() ? 0 : at->second;
  }

 private:
  void over(Peer peer) {
    const auto at = by_peer_.find(peer);
    if (--at->second == 0) by_peer_.erase(at);
  }

  absl::flat_hash_map<TaskIndex, std::vector<Waiter>> waiters_;
  absl::flat_hash_map<Peer, std::size_t> by_peer_;
  std::multiset<std::pair<Instant, std::pair<TaskIndex, std::uint64_t>>> order_;
};

}  // namespace drover::broker
