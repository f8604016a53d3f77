// How a task is tried: what never changes after admission and most tasks share, each kind kept once
// and counted.
#pragma once

#include <cstdint>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "common/task/backoff.hpp"

namespace drover::broker {

struct Policy {
  Duration timeout = 5min;
  Duration result_ttl = 24h;
  std::uint32_t max_attempts = 5;
  Backoff backoff;

  bool operator==(const Policy&) const = default;

  template <class H>
  friend H AbslHashValue(H h, const Policy& p) {
    return H::combine(std::move(h), p.timeout.count(), p.result_ttl.count(), p.max_attempts,
                      p.backoff.kind, p.backoff.base.count(), p.backoff.factor_permille,
                      p.backoff.max.count(), p.backoff.jitter);
  }
};

class Policies {
 public:
  std::uint32_t acquire(const Policy& policy) {
    const auto [at, is_new] = index_.try_emplace(policy, 0);
    if (is_new) {
      if (free_.empty()) {
        at->second = static_cast<std::uint32_t>(entries_.size());
        entries_.push_back({policy, 0});
      } else {
        at->second = free_.back();
        free_.pop_back();
        entries_[at->second] = {policy, 0};
      }
    }
    ++entries_[at->second].uses;
    return at->second;
  }

  void release(std::uint32_t index) {
    if (--entries_[index].uses > 0) return;
    index_.erase(entries_[index].policy);
    free_.push_back(index);
  }

  const Policy& operator[](std::uint32_t index) const { return entries_[index].policy; }

 private:
  struct Entry {
    Policy policy;
    std::uint32_t uses;
  };
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  absl::flat_hash_map<Policy, std::uint32_t> index_;
};

}  // namespace drover::broker
