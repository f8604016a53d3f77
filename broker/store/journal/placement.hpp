// Where the next record goes: the open group, and the segment that it will be written to.
//
// Places are given before anything is written, so a record's locator is known at once. Everything
// here is memory; a group that is sealed waits to be taken to the disk.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "broker/store/journal/options.hpp"
#include "broker/store/journal/recent_groups.hpp"
#include "broker/store/journal/segment.hpp"
#include "common/base/random.hpp"

namespace drover::broker::journal {

class Placement {
 public:
  // Appends behind the newest of `segments`, which is not empty. All must outlive this.
  Placement(const JournalOptions& options, SegmentList& segments, RecentGroups& recent,
            std::uint64_t next_seq, Random& random);

  // The encoded `books` record that begins a segment.
  void set_books(std::function<std::string()> books) { books_ = std::move(books); }
  // How many of the oldest segments the next new segment's header leaves behind.
  void set_retired(std::function<std::size_t()> retired) { retired_ = std::move(retired); }

  // Makes the open group one that has room for records of so many bytes, framed, as one decision.
  // More than a segment holds is the caller's mistake.
  void make_room(std::uint64_t framed);

  // Adds a record to the open group. make_room came before.
  Locator add(std::string_view record, bool carried);

  bool has_open() const { return open_ != nullptr; }
  void seal();
  // The next group for the disk; null if there is none.
  GroupPtr next_sealed() const { return sealed_.empty() ? nullptr : sealed_.front(); }
  void pop_sealed() { sealed_.pop_front(); }

  std::uint64_t next_seq() const { return next_seq_; }
  std::uint64_t added() const { return added_; }  // records, of both kinds
  // Bytes of groups that were placed, since the start; those of the open one not yet.
  std::uint64_t placed_bytes() const { return placed_bytes_; }
  // Bytes that the newest segment still takes.
  std::uint64_t room() const { return segments_.newest().header.bytes - offset_ - open_bytes(); }
  std::size_t open_bytes() const { return open_ ? open_->bytes().size() : 0; }

 private:
  bool fits(std::uint64_t bytes) const;
  void begin_segment();
  void open_group(std::uint64_t framed);
  std::string current_books() const;

  const JournalOptions& options_;
  SegmentList& segments_;
  RecentGroups& recent_;
  Random& random_;
  std::function<std::string()> books_;
  std::function<std::size_t()> retired_;

  GroupPtr open_;
  std::deque<GroupPtr> sealed_;
  std::uint32_t offset_;  // where the open group begins or, without one, the next will
  std::optional<SegmentHeader> begins_;  // of a segment that waits for its first group
  std::uint64_t next_seq_;
  std::uint64_t added_ = 0;
  std::uint64_t placed_bytes_ = 0;
  std::size_t last_size_ = 0;  // of the group before: a guess for the next
};

}  // namespace drover::broker::journal
