// Looking at a store that no broker has open: is it whole, and what is in it?
//
// All read with the broker's own recovery, segment by segment through a window of 256 KiB, and
// change nothing. The store is claimed as long as they read: a broker that is started meanwhile
// finds it in use, and others may look at the same time.
//
// Errors: NOT_FOUND (no directory, or no journal in it), STORE_IN_USE, STORE_DAMAGED with file and
// offset, STORE_TOO_NEW, IO_FAILED.
#pragma once

#include <functional>
#include <string>

#include "broker/core/record.hpp"
#include "broker/store/journal/io.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::upkeep {

struct Verified {
  StoreId store;
  std::uint64_t segments = 0;
  std::uint64_t groups = 0;
  std::uint64_t records = 0;          // events and carried ones
  std::uint64_t newest_seq = 0;       // 0 = there was no event yet
  std::uint64_t oldest_seq = 0;       // that can be replayed; newest + 1 when there is none
  std::uint64_t tasks = 0;            // that are still known
  std::uint64_t torn_tail_bytes = 0;  // under way when the power went, never acknowledged
  bool marked = false;                // the mark, which would tell of a lost end, was there
  Instant newest_at{};                // when the newest decision was made
};

// Checksums, order and sequence of everything, then the books.
Result<Verified> verify(const std::string& directory);
// The same of a store that the caller has claimed.
Result<Verified> verify(journal::Io& io);

// Hands over every record, oldest first. What `visit` returns as an error ends the reading.
Result<void> read_records(const std::string& directory,
                          const std::function<Result<void>(const Kept&, const Record&)>& visit);

}  // namespace drover::broker::upkeep
