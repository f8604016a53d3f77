// The roster: which engine runs tasks of which type in this worker.
//
// Filled at the start, then read by all slots.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/engines/engine.hpp"

namespace drover::workers {

class Roster {
 public:
  // False if the type has an engine already; nothing changes then.
  bool add(std::string type, std::shared_ptr<Engine> engine);

  // nullptr if this worker does not run the type.
  Engine* find(std::string_view type) const;

  // In the order of the alphabet.
  std::vector<std::string> types() const;

  bool empty() const { return engines_.empty(); }

 private:
  std::map<std::string, std::shared_ptr<Engine>, std::less<>> engines_;
};

}  // namespace drover::workers
