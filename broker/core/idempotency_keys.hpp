// The idempotency keys: which task was the first with a key, for as long as the key's window lasts.
//
// A key lives at least as long as its task is known and at most until its window ends; after its
// task is forgotten it costs about its own bytes and 64 more. Beyond `most` keys the oldest whose
// task is forgotten makes room, and is counted. Pure; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "broker/core/record.hpp"
#include "common/base/time.hpp"

namespace drover::broker {

struct KeyEntry {
  TaskId task;
  std::uint64_t payload_hash = 0;
  Instant until;      // the end of the window
  Locator where;      // the record that still tells it, once the task is forgotten
  TaskState state{};  // the task's last, once it is forgotten
  bool forgotten = false;
};

class IdempotencyKeys {
 public:
  // The entry of a key, or nullptr. Valid until the next change.
  KeyEntry* find(std::string_view tenant, std::string_view key);

  // Adds or replaces the entry of a key.
  void put(std::string_view tenant, std::string_view key, const KeyEntry& entry);

  // Ends the windows that are over, and makes room down to `most`. Calls `gone(entry)` for each key
  // of a forgotten task that ends. Bounded work a call.
  template <class Gone>
  void expire(Instant now, std::size_t most, const Gone& gone) {
    for (int i = 0; i < 1000 && !order_.empty(); ++i) {
      const bool too_many = entries_.size() > most;
      if (order_.front().until > now && !too_many) return;
      const Order oldest = std::move(order_.front());
      order_.pop_front();
      const auto at = entries_.find(oldest.key);
      if (at == entries_.end() || at->second.until != oldest.until) continue;  // replaced since
      if (!at->second.forgotten) {  // the task's own end will remove it, or a later window
        if (too_many && oldest.until > now) order_.push_back(oldest);
        if (oldest.until <= now) entries_.erase(at);
        continue;
      }
      if (oldest.until > now) ++evicted_;
      gone(at->second);
      entries_.erase(at);
    }
  }

  // The end of the earliest window, kNever when there are no keys.
  Instant earliest() const { return order_.empty() ? kNever : order_.front().until; }

  std::size_t size() const { return entries_.size(); }
  std::uint64_t evicted() const { return evicted_; }

 private:
  struct Order {
    Instant until;
    std::string key;
  };
  static std::string key_of(std::string_view tenant, std::string_view key);

  absl::flat_hash_map<std::string, KeyEntry> entries_;
  std::deque<Order> order_;  // by admission, so nearly by the end of the window
  std::uint64_t evicted_ = 0;
};

}  // namespace drover::broker
