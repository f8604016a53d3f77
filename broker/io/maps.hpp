// Small maps that both answers and events contain.
// Each is one msgpack value, or "" when there is nothing to say (MapWriter::raw leaves that out).
#pragma once

#include <string>

#include "common/task/attempt.hpp"
#include "common/wire/map_writer.hpp"

namespace drover::broker {

inline std::string usage_map(const Usage& usage) {
  std::string out;
  if (usage == Usage{}) return out;
  wire::MapWriter m(out);
  m.uint("input_tokens", usage.input_tokens).uint("output_tokens", usage.output_tokens);
  m.real("cost_usd", static_cast<double>(usage.cost_micro_usd) / 1e6).finish();
  return out;
}

}  // namespace drover::broker
