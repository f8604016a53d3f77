// `drover doctor --repair`: what is whole in a damaged store becomes a new one, and what is missing
// is told.
#pragma once

#include <string>

#include "cli/command_line.hpp"
#include "cli/context.hpp"

namespace drover::cli {

struct RepairOptions {
  bool wanted = false;
  std::string to;  // "" = beside the old one, with .repaired behind its name
};

void add_repair_options(Verb& verb, RepairOptions& options);

// `directory`: the damaged store, "" = store.url's. Returns the exit code.
int repair(Context& context, const std::string& directory, const RepairOptions& options);

}  // namespace drover::cli
