// Recovery: reads a journal from its oldest segment to its end, and says whether it can be trusted.
//
// It only reads. What it accepts follows from how the journal is written:
//
//   - A segment's file gets its name when its header is durable, and keeps its size: a segment that
//     is missing, foreign, of another size or without a whole header is damage.
//   - A segment is begun when all groups of the one before are durable, and says where these end:
//     in every segment but the newest, whatever is not whole is damage.
//   - A group is written when the one before it is durable. So at most one group at the very end
//     was under way when the power went: what is not whole and has no group behind it is a torn
//     tail, never acknowledged, and is left out. What has a group behind it is damage.
//   - The mark names a group that was durable. A journal that ends before it has lost acknowledged
//     records, however well it reads otherwise.
//
// Nothing needs to be done to a torn tail. The next group is written over its beginning, and what
// is left of it behind that group holds no salt, so nobody takes it for a group.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker/store/journal/io.hpp"
#include "broker/store/journal/segment.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::journal {

struct Recovered {
  SegmentList segments;  // with files; empty in a directory without a journal
  std::uint64_t groups = 0;
  std::uint64_t next_seq = 1;          // the number of the next event
  std::uint32_t newest_crc = 0;        // of the last group of the newest segment, 0 = it has none
  std::uint64_t torn_tail_bytes = 0;   // as far as the torn group's header tells
  std::vector<std::string> leftovers;  // segments that are not needed any more
  std::vector<std::string> spares;
  bool has_mark = false;
};

using Visit = std::function<Result<void>(const Kept&)>;

// Hands every record to `visit`, oldest first. Errors: STORE_DAMAGED with file and offset,
// STORE_TOO_NEW, IO_FAILED, and those of `visit`.
Result<Recovered> recover(Io& io, const Visit& visit);

// The mark of a journal that ends where this one does. It has a segment.
Mark mark_of(const Recovered& recovered);

}  // namespace drover::broker::journal
