// Copies of a store: taken while its broker runs, and put back.
//
// A backup is a store of its own, cut at an event that the broker has said is durable. It needs no
// help from the broker beyond that number:
//
//   - A segment's file is only ever appended to, until it is used again: renamed away, then written
//     from its header on. All files are open and held (File::hold) before the number is asked for,
//     so none that the cut needs can be missing, and the broker takes other files instead of these.
//     Their space comes back as they are copied. A header that is still the same after its file was
//     read proves that nothing was overwritten, even by a broker that was started meanwhile.
//   - The mark is not copied (the broker writes it all the time). The copy gets its own, first of
//     all: until the last group of the cut is there the copy cannot be taken for whole.
//   - What was copied is verified as a broker would read it, before anybody says yes.
//
// A store that is put back is a new store, with a new id: it knows nothing of what came after the
// backup, so whoever follows the events of the old one must be told so (EVENTS_FOREIGN).
//
// Errors: CONFLICT where the target holds a store already, STORE_IN_USE, STORE_DAMAGED, NOT_FOUND,
// STORAGE_FULL, IO_FAILED, and what `pace` says. Nothing of a copy that failed is left.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "broker/store/upkeep/verify.hpp"

namespace drover::broker::upkeep {

// How far a copy is.
struct CopyProgress {
  std::uint64_t bytes = 0;  // copied so far
  std::uint64_t all = 0;    // to copy
};

// Called after each piece of at most 1 MiB. May take its time; an error ends the copy.
using Pace = std::function<Result<void>(const CopyProgress&)>;

// Asks the broker for the number of an event that is durable.
using Announce = std::function<Result<std::uint64_t>()>;

// Copies the store of a running broker in `from` to the folder `to`, which is made if it is not
// there: everything up to the group of the announced event. CONFLICT too if `from` is not the store
// of this id.
Result<Verified> backup(const std::string& from, const StoreId& store, const Announce& announce,
                        const std::string& to, const Pace& pace);

// Verifies the store in `from`, which no broker has open, and copies it to `to` as a new store.
Result<Verified> restore(const std::string& from, const std::string& to, const Pace& pace);

}  // namespace drover::broker::upkeep
