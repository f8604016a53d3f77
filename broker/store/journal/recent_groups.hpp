// The newest end of the log in memory: the groups that are not durable yet, and before them as many
// as the bound allows. The oldest leaves first; one whose records are all forgotten leaves at once.
//
// The groups are kept as they were written, so a record costs nothing beyond its place in one. A
// queue that is short enough is served from here alone.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "broker/store/journal/group.hpp"

namespace drover::broker::journal {

class RecentGroups {
 public:
  explicit RecentGroups(std::uint64_t bound) : bound_(bound) {}

  // Groups come in the order of the log, when they begin to take records. They count from when they
  // are sealed.
  void add(GroupPtr group);
  void sealed(const Group& group) { bytes_ += group.memory(); }

  // The groups that begin before this place are durable and may leave.
  void durable_until(std::uint32_t segment, std::uint32_t offset);

  // A record's bytes, if its group is here; valid until anything is added or said to be durable.
  std::optional<std::string_view> find(const Locator& where) const;
  void forget(const Locator& where);

  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::uint64_t place;      // of the group
    GroupPtr group;           // null when all of it was forgotten
    std::uint32_t forgotten;  // records
  };

  static std::uint64_t place(std::uint32_t segment, std::uint32_t offset) {
    return (std::uint64_t{segment} << 32) | offset;
  }
  const Entry* entry_of(const Locator& where) const;
  void drop(Entry& entry);
  void shrink();

  std::uint64_t bound_;
  std::uint64_t bytes_ = 0;
  std::uint64_t durable_ = 0;  // the place of the first group that is not
  std::deque<Entry> entries_;
};

}  // namespace drover::broker::journal
