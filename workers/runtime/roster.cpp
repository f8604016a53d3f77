#include "workers/runtime/roster.hpp"

#include <utility>

namespace drover::workers {

bool Roster::add(std::string type, std::shared_ptr<Engine> engine) {
  return engines_.try_emplace(std::move(type), std::move(engine)).second;
}

Engine* Roster::find(std::string_view type) const {
  const auto found = engines_.find(type);
  return found == engines_.end() ? nullptr : found->second.get();
}

std::vector<std::string> Roster::types() const {
  std::vector<std::string> names;
  for (const auto& [type, engine] : engines_) names.push_back(type);
  return names;
}

}  // namespace drover::workers
