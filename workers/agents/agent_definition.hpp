// Agents: named recipes for task types, one YAML file each in config/agents.
//
//   name: code-review                  # a name
//   agent_type: analysis               # what kind of agent, for people and routing
//   description: ...
//   task_types: [code.review]
//   capabilities: [cpp]                # what a worker with this agent has beside its own
//   engine: exec
//   command: [scripts/agents/code-review]
//   requires: [cppcheck]               # programs; a worker without them does not offer the agent
//   input: payload                     # or none
//   output: result                     # or lines
//   timeout: 2m                        # of its own, beside the task's
//   memory_max: 1GiB                   # for each process
//   output_max: 256KiB
//   exit_codes: {fatal: [65], retryable: [64]}   # beside what is usual (exec_recipe.hpp)
//   env: {LANG: C}
//   slots: 2                           # at most so many at once in one worker
//
// name, task_types, engine and command must be there. A command with a slash that is not absolute
// is looked for in the file's folder and then in each folder above it, so that
// scripts/agents/code-review in config/agents/code-review.yaml is the one beside config/. Without a
// slash it is looked for in PATH when it runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "workers/engines/exec_recipe.hpp"

namespace drover::workers {

struct AgentDefinition {
  std::string name;
  std::string agent_type;
  std::string description;
  std::vector<std::string> task_types;
  std::vector<std::string> capabilities;
  std::vector<std::string> requires_programs;
  ExecRecipe recipe;
  std::uint32_t slots = 0;  // 0 = as many as the worker has
  std::string file;
};

// Reads one definition. `usual` gives what the file does not say. Error: BAD_CONFIGURATION with a
// line for each fault: file, line, key and what was expected.
Result<AgentDefinition> read_agent(const std::string& file, const ExecRecipe& usual);

// Reads every *.yaml of a folder, in the order of their names. Also an error: a name or a task type
// that two of them have.
Result<std::vector<AgentDefinition>> read_agents(const std::string& folder,
                                                 const ExecRecipe& usual);

// The first program that the agent requires and this machine lacks; "" if it has all.
std::string missing_program(const AgentDefinition& agent);

}  // namespace drover::workers
