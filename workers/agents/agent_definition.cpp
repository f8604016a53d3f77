#include "workers/agents/agent_definition.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "common/config/yaml_tree.hpp"
#include "workers/agents/definition_reader.hpp"
#include "workers/engines/child_process.hpp"

namespace drover::workers {
namespace {

namespace fs = std::filesystem;

// Names and types are unique among all agents of a worker.
std::vector<std::string> clashes(const std::vector<AgentDefinition>& agents) {
  std::map<std::string, std::string> names, types;
  std::vector<std::string> found;
  for (const auto& agent : agents) {
    if (const auto [at, added] = names.emplace(agent.name, agent.file); !added) {
      found.push_back(fmt::format("{}: name {} is that of {}", agent.file, agent.name, at->second));
    }
    for (const auto& type : agent.task_types) {
      if (const auto [at, added] = types.emplace(type, agent.file); !added) {
        found.push_back(
            fmt::format("{}: task_types has {}, as {} has", agent.file, type, at->second));
      }
    }
  }
  return found;
}

Result<std::vector<std::string>> definition_files(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const auto extension = at->path().extension();
    if (extension == ".yaml" || extension == ".yml") files.push_back(at->path().string());
  }
  if (error) {
    return Error{Errc::bad_configuration,
                 fmt::format("{}: the agents cannot be read: {}", folder, error.message()),
                 "worker.agents_dir"};
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<AgentDefinition> read_agent(const std::string& file, const ExecRecipe& usual) {
  const auto root = config::read_yaml_file(file);
  if (!root) return root.error();
  return read_definition(*root, file, usual);
}

Result<std::vector<AgentDefinition>> read_agents(const std::string& folder,
                                                 const ExecRecipe& usual) {
  const auto files = definition_files(folder);
  if (!files) return files.error();
  std::vector<AgentDefinition> agents;
  std::vector<std::string> faults;
  for (const auto& file : *files) {
    auto agent = read_agent(file, usual);
    if (agent) {
      agents.push_back(std::move(*agent));
    } else {
      faults.push_back(agent.error().message);
    }
  }
  for (auto& clash : clashes(agents)) faults.push_back(std::move(clash));
  if (faults.empty()) return agents;
  return Error{Errc::bad_configuration, fmt::format("{}", fmt::join(faults, "\n")), {}};
}

std::string missing_program(const AgentDefinition& agent) {
  const char* path = std::getenv("PATH");
  for (const auto& program : agent.requires_programs) {
    const auto file = find_program(program, path ? path : "");
    if (file.empty() || access(file.c_str(), X_OK) != 0) return program;
  }
  return {};
}

}  // namespace drover::workers
