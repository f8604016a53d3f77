// The command line that every service has: --config FILE, --help, --version, and any setting as
// --path=value or --path value, such as --broker.clients.bind=tcp://127.0.0.1:7800.
//
//   const auto arguments = read_arguments(argc, argv, "drover-broker: keeps tasks and hands them
//   out"); if (arguments.exit_code) return *arguments.exit_code; auto loaded =
//   load_settings(find_settings_file(arguments.config, environment), environment,
//                               arguments.overrides);
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/load.hpp"

namespace drover::config {

struct Arguments {
  std::optional<std::string> config;
  std::vector<Override> overrides;
  std::optional<int> exit_code;  // all is said: leave with it (0 help or version, 2 usage)
};

// Prints help and version to stdout and what is wrong to stderr.
Arguments read_arguments(int argc, const char* const* argv, std::string_view purpose);

}  // namespace drover::config
