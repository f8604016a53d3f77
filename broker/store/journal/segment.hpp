// What the journal knows of each of its segments, oldest first, while it runs.
//
// One thread, the loop, owns this. The files themselves are shared with whoever reads or writes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "broker/store/journal/io.hpp"
#include "broker/store/journal/layout.hpp"

namespace drover::broker::journal {

// A place at which the reading of a segment can begin: a group, and the number of the first event
// that can be in it.
struct Landmark {
  std::uint64_t seq = 0;
  std::uint32_t offset = 0;
};

struct Segment {
  SegmentHeader header;
  std::shared_ptr<File> file;               // null until it has one
  std::uint32_t end = kSegmentHeaderBytes;  // of its durable groups
  bool closed = false;                      // all its groups are durable, and no more will come
  std::vector<Landmark> landmarks;          // about every kLandmarkBytes

  std::uint32_t number() const { return header.number; }

  // Notes that a group begins at `offset`, if the last landmark is far enough behind.
  void pass(std::uint64_t seq, std::uint32_t offset);

  // The last place from which on all events with this number or a higher one are found.
  std::uint32_t start_for(std::uint64_t seq) const;
};

class SegmentList {
 public:
  bool empty() const { return list_.empty(); }
  std::size_t size() const { return list_.size(); }
  Segment& oldest() { return list_.front(); }
  const Segment& oldest() const { return list_.front(); }
  Segment& newest() { return list_.back(); }
  const Segment& newest() const { return list_.back(); }
  const std::deque<Segment>& all() const { return list_; }

  void add(Segment segment);
  Segment take_oldest();

  // The segment of this number, which must be there.
  Segment& at(std::uint32_t number);

  // The position in `all` of the segment in which the event of this number is, or would be.
  std::size_t index_for(std::uint64_t seq) const;

  // Of all their files.
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::deque<Segment> list_;  // numbered without a gap
  std::uint64_t bytes_ = 0;
};

}  // namespace drover::broker::journal
