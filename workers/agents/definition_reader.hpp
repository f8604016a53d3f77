// From a file's YAML to an agent's definition, strictly: what is unknown, missing or out of bounds
// is told with file, line and key.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/config/yaml_tree.hpp"
#include "workers/agents/agent_definition.hpp"

namespace drover::workers {

// Reads the map of keys that agent_definition.hpp describes; `usual` gives what it does not say.
// Error: BAD_CONFIGURATION with a line for each fault.
Result<AgentDefinition> read_definition(const config::YamlNode& root, const std::string& file,
                                        const ExecRecipe& usual);

}  // namespace drover::workers
