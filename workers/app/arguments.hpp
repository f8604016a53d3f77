// The command line of drover-worker: short names for the worker's settings, beside those that every
// service has.
//
//   --connect URL --slots N --prefetch N --types a,b --agents DIR --capability X (again for more)
//   --label K=V (again for more) --drain-timeout D
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config/load.hpp"

namespace drover::workers {

struct WorkerArguments {
  std::optional<std::string> config;
  std::vector<config::Override> overrides;
  std::vector<std::string> types;  // empty = all
  std::optional<int> exit_code;    // all is said: leave with it (0 help or version, 2 usage)
};

// Prints help and version to stdout and what is wrong to stderr.
WorkerArguments read_worker_arguments(int argc, const char* const* argv);

}  // namespace drover::workers
