// A walk over a damaged store: all that is whole, in the order in which it was written, and between
// it what is not.
//
// Recovery stops at the first damage; this goes on behind it. A group that is not whole is looked
// through for single records, whose checksums stand for themselves. A segment whose header is gone
// is read by the salt that its groups begin with, if the checksum of one of them confirms it. A
// torn tail is no damage and is left out.
//
// Reads only. Memory: a segment's worth where one is damaged, otherwise a window. The same store
// gives the same walk every time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "broker/store/journal/io.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::upkeep {

// A stretch that could not be read.
struct Gap {
  std::string file;                // in the store's directory
  std::uint64_t from = 0, to = 0;  // offsets; 0, 0 = all of it, which is not there
  std::string what;
  std::uint64_t records_saved = 0;  // single ones, read from within
  // The numbers of the events that it may have held, as what stands around it tells; 0 = nothing
  // tells where they began, or how far they went.
  bool may_hold_events = true;
  std::uint64_t first_seq = 0, last_seq = 0;
};

struct Surveyor {
  // A record that is whole. `seq` is 0 for carried ones, and for single ones from within a gap.
  std::function<void(const Kept&)> record;
  // Behind the records that were saved from it.
  std::function<void(const Gap&)> gap;
};

struct Surveyed {
  StoreId store;
  std::uint64_t segments = 0;       // that were read, in part at least
  std::uint64_t segment_bytes = 0;  // of the newest
  std::uint64_t gaps = 0;
};

// Errors: NOT_FOUND where there is no segment, STORE_TOO_NEW, IO_FAILED.
Result<Surveyed> survey(journal::Io& io, const Surveyor& surveyor);

}  // namespace drover::broker::upkeep
