// One group's way to the disk, in two steps that each wait for it: write, then sync.
//
// This is the only code that writes to segments. The order of its calls is what recovery
// (recovery.hpp) relies on:
//
//   write   the first group of a segment: header into the spare, sync, rename, sync the directory;
//           then the group itself
//   sync    the file; only then the mark
//
// Runs on the journal thread and touches only what it holds.
#pragma once

#include <memory>
#include <string>

#include "broker/store/journal/group.hpp"
#include "broker/store/journal/io.hpp"

namespace drover::broker::journal {

struct Commit {
  GroupPtr group;
  std::shared_ptr<File> file;  // of the group's segment
  std::string spare;           // the file's name so far, where the group begins the segment
  std::shared_ptr<File> mark;
  StoreId store;

  // What came of it.
  Result<void> outcome;
  std::uint64_t microseconds = 0;

  // Each is called once, in this order; the second only if the first succeeded.
  void write(Io& io);
  void sync();
};

// Writes where the log is durable up to. Not synced: it may be behind, never ahead.
Result<void> write_mark(File& mark, const Mark& value);

// Makes a file that has its full size into the segment of this header, durably.
Result<void> begin_segment(Io& io, File& file, const std::string& spare,
                           const SegmentHeader& header);

}  // namespace drover::broker::journal
