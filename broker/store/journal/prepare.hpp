// Opening a journal: recovery, and what is changed on the disk once it has found nothing wrong.
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

// The options with what they leave open filled in from the disk. Errors: BAD_CONFIGURATION,
// IO_FAILED.
Result<JournalOptions> complete(JournalOptions options, Io& io);

// A journal that is ready to be appended to.
struct Prepared {
  Recovered recovered;
  std::shared_ptr<File> mark;
  std::vector<Spare> spares;
};

// Recovers the journal, or makes one where there is none (its first segment, and with it the
// store's id). Then makes what was recovered durable, since a killed process may have left it in
// the system's cache only and it is about to be told; removes leftovers, and spares of another
// size; writes the mark. `random` gives ids and salts.
Result<Prepared> prepare(Io& io, const JournalOptions& options, Random& random, const Visit& visit);

}  // namespace drover::broker::journal
