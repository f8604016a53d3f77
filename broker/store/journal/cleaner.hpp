// Cleaning, oldest first: what still counts in the oldest segment moves to the newest end, and the
// oldest can go.
//
// The bound is what the log may take: what is to be retained, or the room that the disk has for it.
// From an eighth below it on, every byte appended earns the handing out of two or more bytes of the
// oldest segment, and the more the nearer the bound is: a stretch of the log in which everything
// still counts is passed slowly, one in which little does quickly, and the log stays within.
//
// A segment whose records have all been handed out is `retired`. The next segment's header leaves
// it behind, and by then the copies made of its records are durable, because groups become durable
// in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "broker/store/journal/hands.hpp"
#include "broker/store/journal/segment.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::journal {

class Cleaner {
 public:
  // All must outlive this.
  Cleaner(Hands& hands, SegmentList& segments, std::uint64_t segment_bytes,
          std::uint64_t retain_bytes)
      : hands_(hands),
        segments_(segments),
        segment_bytes_(segment_bytes),
        retain_bytes_(retain_bytes) {}

  void set_live_bytes(std::uint64_t bytes) { live_bytes_ = bytes; }
  // What the disk has for the log beside the spares.
  void set_room(std::uint64_t bytes) { room_bytes_ = bytes; }
  // True while there is so much that counts that cleaning has next to nothing to gain.
  bool is_crowded() const { return live_bytes_ > room_bytes_ / 4 * 3; }

  // Bytes that the caller added to the log, copies made by cleaning not among them.
  void earned(std::uint64_t bytes);

  // Nothing may be appended before there is room: a step is free, if there is anything to gain.
  void hasten();
  // Bytes of the oldest segment that were not handed out yet.
  std::uint64_t left_of_target() const;

  // The next record of the oldest segment, if its turn has come. Its view lasts until the next
  // call, by which the caller has added a copy if it needs one.
  std::optional<Kept> next();

  // How many of the oldest segments have been handed out whole.
  std::size_t retired() const { return retired_; }
  // The oldest segment is gone.
  void dropped(const Segment& segment);

  // The oldest segment cannot be read: it can be neither kept for ever nor dropped.
  const std::optional<Error>& failure() const { return failure_; }

  std::uint64_t bound() const { return std::min(wanted_bytes(), room_bytes_); }
  // How many segments were retired that would have been kept if the disk had had room.
  std::uint64_t trimmed_early() const { return trimmed_early_; }

 private:
  // Groups read from disk, which follow each other.
  struct Chunk {
    std::string groups;
    std::uint32_t offset;
  };

  const Segment& target() const { return segments_.all()[retired_]; }
  std::uint64_t wanted_bytes() const;
  std::uint64_t kept_bytes() const;
  std::uint64_t begin_above(std::uint64_t bound) const;
  bool is_due() const;
  bool find_record();
  bool next_group();
  void read_on();
  void came(Result<std::string> groups);
  void retire();

  Hands& hands_;
  SegmentList& segments_;
  std::uint64_t segment_bytes_, retain_bytes_;
  std::uint64_t live_bytes_ = 0;
  std::uint64_t room_bytes_ = UINT64_MAX;
  std::uint64_t allowance_ = 0;  // bytes that may be handed out
  std::size_t retired_ = 0;
  std::uint64_t retired_bytes_ = 0;
  std::uint64_t trimmed_early_ = 0;

  // The target: where reading goes on, what was read, and where in it the next record stands.
  std::uint32_t read_to_ = kSegmentHeaderBytes;
  bool reading_ = false;
  std::deque<Chunk> chunks_;
  std::size_t in_chunk_ = 0;
  RecordWalk walk_{{}, 0};
  std::optional<RecordView> record_;
  std::uint64_t seq_ = 0;  // of the next event
  std::optional<Error> failure_;
};

}  // namespace drover::broker::journal
