#include "workers/engines/json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace drover::workers {
namespace {

// How deep brackets are nested, strings left aside; at least the depth of the value, if it is one.
int depth_of(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

std::optional<nlohmann::json> parse_json(std::string_view text) {
  if (depth_of(text) > kJsonDepthMax) return std::nullopt;
  auto value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

bool is_json(std::string_view text) {
  return depth_of(text) <= kJsonDepthMax && nlohmann::json::accept(text);
}

}  // namespace drover::workers
