// The settings of a queue, a tenant or a key: changed and shown alike, whatever they are of.
// Each prints, and returns the exit code.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/context.hpp"

namespace drover::cli {

// What some settings are of, as words on the command line.
struct SettingsOf {
  std::string of;      // queue | tenant | key
  std::string tenant;  // "" = the key's own, or default
  std::string name;    // "" of a tenant
};

// Prints the broker's answer.
int print_settings(Context& context, const nlohmann::json& setup);

// Prints all that holds.
int show_settings(Context& context, const SettingsOf& holder);

// `changes` are NAME=VALUE; NAME= unsets. Prints what holds then.
int change_settings(Context& context, const SettingsOf& holder,
                    const std::vector<std::string>& changes);

// Pauses or resumes a queue, closes or opens a gate; `done` says what it is then.
int set_closed(Context& context, const SettingsOf& holder, bool closed, const std::string& done);

}  // namespace drover::cli
