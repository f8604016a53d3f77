// The crew: everything that this worker runs, from its options: built-in types, agents, one
// command.
//
// The roster says which engine runs which type; the capabilities are the worker's own and those of
// its agents.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "workers/app/worker.hpp"
#include "workers/engines/child_keeper.hpp"
#include "workers/runtime/roster.hpp"

namespace drover::workers {

struct Crew {
  std::shared_ptr<Roster> roster = std::make_shared<Roster>();
  std::vector<std::string> capabilities;
  std::vector<std::string> notes;  // sentences for the log: agents that are not offered, and why
};

// `keeper` outlives the crew. Error: BAD_CONFIGURATION (an agent's file, a type that nobody runs,
// nothing to run at all).
Result<Crew> muster(const WorkerOptions& options, ChildKeeper& keeper);

}  // namespace drover::workers
