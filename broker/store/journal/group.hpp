// A commit group while it is in memory: the records that become durable together.
//
//   open (the loop adds records) -> sealed (waits) -> written and synced by the journal thread
//
// Once sealed, the loop only reads the records' bytes, and the journal thread only fills in the
// headers between them; the two never touch the same byte.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/record.hpp"
#include "broker/store/journal/layout.hpp"

namespace drover::broker::journal {

class Group {
 public:
  // A group that begins at `offset` of the segment. `first_seq`: the number its first event gets.
  // `room` is a guess of how long it becomes.
  Group(std::uint32_t segment, std::uint64_t salt, std::uint32_t offset, std::uint64_t first_seq,
        std::size_t room);

  Locator add(std::string_view record, bool carried);

  // Nothing is added from now on.
  void seal(std::int64_t time_ms);

  // Fills in the headers. The bytes are ready to be written then.
  void finish() { seal_group(bytes_, segment_, offset_, header_); }

  // The record at this place, which lies in this group.
  std::string_view at(const Locator& where) const {
    return std::string_view(bytes_).substr(where.offset - offset_, where.length);
  }

  std::uint32_t segment() const { return segment_; }
  std::uint32_t offset() const { return offset_; }
  std::uint32_t end() const { return offset_ + static_cast<std::uint32_t>(bytes_.size()); }
  std::size_t memory() const { return bytes_.capacity() + sizeof(Group); }
  std::string_view bytes() const { return bytes_; }
  const GroupHeader& header() const { return header_; }
  std::uint64_t next_seq() const { return header_.first_seq + header_.numbered; }

  // Set by whoever seals it: for the first group of a segment, that segment's header.
  std::optional<SegmentHeader> begins;

 private:
  std::uint32_t segment_, offset_;
  GroupHeader header_;
  std::string bytes_;
};

using GroupPtr = std::shared_ptr<Group>;

}  // namespace drover::broker::journal
