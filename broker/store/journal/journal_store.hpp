// The journal of a broker: on a real disk, with its threads.
//
// A broker makes one of these for `file:` and knows nothing else of this folder.
#pragma once

#include <memory>
#include <string>

#include "broker/store/journal/options.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::journal {

// A store in this directory, which is made if it is not there. Nothing in it is read or changed
// before `open`. Errors: IO_FAILED.
Result<std::unique_ptr<Store>> make_journal_store(const std::string& directory,
                                                  const JournalOptions& options = {});

}  // namespace drover::broker::journal
