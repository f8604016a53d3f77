// The store that a command is about, and what is said of one that cannot be used.
//
// Commands for stores take a folder, or mean the one of the setting store.url.
#pragma once

#include <string>

#include "cli/context.hpp"

namespace drover::cli {

// `word`, or the folder of store.url if it is empty. Errors: BAD_CONFIGURATION, also for a store
// that has no folder.
Result<std::string> store_place(Context& context, const std::string& word);

// Says why the store in `directory` cannot be used; with --json also as {"ok":false,...} on stdout.
// Returns the exit code.
int fail_with_store(Context& context, const std::string& directory, const Error& error);

}  // namespace drover::cli
