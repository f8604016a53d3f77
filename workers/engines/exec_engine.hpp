// The exec engine: attempts run as a command, a process group of its own for each.
//
// The whole group gets SIGTERM when the attempt is to stop (or the recipe's own timeout is over)
// and SIGKILL when patience ends; what is left of it once the command itself has ended is killed.
// run() comes back when all of it is gone and reaped, so that an attempt leaves nothing behind: no
// process, no zombie, no descriptor.
#pragma once

#include "workers/engines/child_keeper.hpp"
#include "workers/engines/engine.hpp"
#include "workers/engines/exec_recipe.hpp"

namespace drover::workers {

class ExecEngine : public Engine {
 public:
  // `keeper` outlives the engine. The environment is read when an attempt starts.
  ExecEngine(ExecRecipe recipe, ChildKeeper& keeper)
      : recipe_(std::move(recipe)), keeper_(keeper) {}

  AttemptResult run(const AttemptContext& attempt) override;

  const ExecRecipe& recipe() const { return recipe_; }

 private:
  ExecRecipe recipe_;
  ChildKeeper& keeper_;
};

}  // namespace drover::workers
