#include "workers/app/crew.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/config/nearest.hpp"
#include "common/task/task_spec.hpp"
#include "workers/agents/agent_definition.hpp"
#include "workers/agents/builtin.hpp"
#include "workers/engines/exec_engine.hpp"
#include "workers/engines/limited_engine.hpp"
#include "workers/engines/native_engine.hpp"

namespace drover::workers {
namespace {

Error bad(std::string message, std::string field = {}) {
  return {Errc::bad_configuration, std::move(message), std::move(field)};
}

class Muster {
 public:
  Muster(const WorkerOptions& options, ChildKeeper& keeper) : options_(options), keeper_(keeper) {
    usual_.output_max = options.output_max;
    crew_.capabilities = options.capabilities;
  }

  Result<Crew> all() {
    if (options_.command) return command_alone();
    if (options_.builtin) add_builtin();
    if (auto added = add_agents(); !added) return added.error();
    if (auto known = check_types(); !known) return known.error();
    if (crew_.roster->empty()) {
      return bad("this worker has nothing to run: no agents, and the built-in types are off");
    }
    tidy_capabilities();
    return std::move(crew_);
  }

 private:
  bool wanted(const std::string& type) {
    offered_.push_back(type);
    const auto& types = options_.types;
    return types.empty() || std::find(types.begin(), types.end(), type) != types.end();
  }

  Result<Crew> command_alone() {
    const auto& [type, argv] = *options_.command;
    if (!is_name(type)) return bad(fmt::format("'{}' is no name of a task type", type));
    if (argv.empty() || argv[0].empty()) return bad("there is no command to run");
    ExecRecipe recipe = usual_;
    recipe.command = argv;
    crew_.roster->add(type, std::make_shared<ExecEngine>(std::move(recipe), keeper_));
    tidy_capabilities();
    return std::move(crew_);
  }

  void add_builtin() {
    for (auto& [type, handler] : builtin_handlers()) {
      if (wanted(type)) crew_.roster->add(type, std::make_shared<NativeEngine>(std::move(handler)));
    }
  }

  Result<void> add_agents() {
    const bool there = std::filesystem::is_directory(options_.agents_dir);
    if (options_.agents_dir.empty() || (!there && !options_.agents_wanted)) return {};
    auto agents = read_agents(options_.agents_dir, usual_);
    if (!agents) return agents.error();
    for (auto& agent : *agents) {
      if (auto added = add_agent(agent); !added) return added.error();
    }
    return {};
  }

  Result<void> add_agent(AgentDefinition& agent) {
    std::vector<std::string> types;
    std::copy_if(agent.task_types.begin(), agent.task_types.end(), std::back_inserter(types),
                 [this](const auto& type) { return wanted(type); });
    if (types.empty()) return {};
    if (const auto program = missing_program(agent); !program.empty()) {
      crew_.notes.push_back(
          fmt::format("the agent {} is not offered: there is no {} here", agent.name, program));
      return {};
    }
    std::shared_ptr<Engine> engine = std::make_shared<ExecEngine>(agent.recipe, keeper_);
    if (agent.slots > 0) engine = std::make_shared<LimitedEngine>(std::move(engine), agent.slots);
    for (const auto& type : types) {
      if (!crew_.roster->add(type, engine)) {
        return bad(fmt::format("{}: task_types has {}, which is built in", agent.file, type));
      }
    }
    crew_.capabilities.insert(crew_.capabilities.end(), agent.capabilities.begin(),
                              agent.capabilities.end());
    return {};
  }

  Result<void> check_types() const {
    for (const auto& type : options_.types) {
      if (std::find(offered_.begin(), offered_.end(), type) != offered_.end()) continue;
      return bad(fmt::format("nothing here runs tasks of type {}.{}", type,
                             config::did_you_mean(type, offered_)),
                 "types");
    }
    return {};
  }

  void tidy_capabilities() {
    auto& list = crew_.capabilities;
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }

  const WorkerOptions& options_;
  ChildKeeper& keeper_;
  ExecRecipe usual_;
  Crew crew_;
  std::vector<std::string> offered_;  // every type that there is, wanted or not
};

}  // namespace

Result<Crew> muster(const WorkerOptions& options, ChildKeeper& keeper) {
  return Muster(options, keeper).all();
}

}  // namespace drover::workers
