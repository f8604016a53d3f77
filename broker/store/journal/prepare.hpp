// What opening a journal changes on the disk, once recovery has found nothing wrong with it.
//
// Everything here may be cut short by a crash and is done again, to the same end, at the next
// start.
#pragma once

#include <memory>
#include <vector>

#include "broker/store/journal/io.hpp"
#include "broker/store/journal/options.hpp"
#include "broker/store/journal/recovery.hpp"
#include "broker/store/journal/spares.hpp"
#include "common/base/random.hpp"

namespace drover::broker::journal {

// In a directory without a journal: makes the first segment, and with it the store's id. Returns
// what recovering it would.
Result<Recovered> create_journal(Io& io, const JournalOptions& options, Random& random);

struct Prepared {
  std::shared_ptr<File> mark;
  std::vector<Spare> spares;
};

// Makes what was recovered durable (a killed process may have left it in the system's cache only),
// before anybody is told of it. Removes leftovers, and spares of another size; writes the mark.
Result<Prepared> prepare(Io& io, const JournalOptions& options, const Recovered& recovered);

}  // namespace drover::broker::journal
