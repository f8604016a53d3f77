// The lives of a disk: journals are opened on it, used, and ended by kills and power cuts, at any
// call of theirs and of their recoveries. One seed is one such story.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/faults/rig.hpp"

namespace drover::test {

// A bug to be found.
struct Plant {
  SimDisk::Lies lies;
  std::function<void(std::string& bytes)> rewrite;  // of everything that is written
};

struct Life {
  std::optional<std::string> wrong;  // the first thing, if any
  std::uint64_t acknowledged = 0;    // records
  std::uint64_t cuts = 0, kills = 0, torn_tails = 0, carried_bytes = 0;
};

Life live(std::uint64_t seed, const Plant& plant = {});

}  // namespace drover::test
