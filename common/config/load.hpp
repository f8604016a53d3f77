// Reading the settings: default < file < environment < flag.
//
//   file         YAML; unknown keys, duplicates, wrong types and impossible values stop the start
//   environment  DROVER_ and the path with __ between its levels: DROVER_BROKER__CLIENTS__BIND. A
//                single _ between levels is taken while only one setting can be meant. DROVER_URL
//                is client.url. Other names that begin with DROVER_ are warned about.
//   flag         path and value, from whoever reads the command line
//
// A list is written a,b in the environment and in flags, labels a=1,b=2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/config/settings.hpp"

namespace drover::config {

// One setting given on the command line; `flag` is how it was spelled there, for messages.
struct Override {
  std::string path;
  std::string value;
  std::string flag;
};

// One line of `drover config show`.
struct Shown {
  std::string path;
  std::string value;   // as the file would spell it
  std::string origin;  // "default", "config/drover.yaml:12", "DROVER_URL", "--url"
  bool is_default = true;
};

struct Loaded {
  Settings settings;
  std::vector<Shown> shown;           // every setting, in the order of config/drover.yaml
  std::vector<std::string> warnings;  // sentences to say once the log is up
};

// `file`: the path to read, or nothing for none. `environment`: NAME=value, other names than
// DROVER_* are passed over. Error: BAD_CONFIGURATION (a service exits 78) whose message has a line
// for each fault, with file, line, key and what was expected; `field` is the first faulty key.
Result<Loaded> load_settings(const std::optional<std::string>& file,
                             const std::vector<std::string>& environment,
                             const std::vector<Override>& overrides);

// Which file to read: the one asked for, else DROVER_CONFIG, else config/drover.yaml in the current
// folder, else /etc/drover/drover.yaml, where there is one.
std::optional<std::string> find_settings_file(const std::optional<std::string>& asked,
                                              const std::vector<std::string>& environment);

// The process's environment as load_settings takes it.
std::vector<std::string> process_environment();

// config/drover.yaml: every setting at its default, with its comment.
std::string default_file();

}  // namespace drover::config
