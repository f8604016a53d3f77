// How much of the fault programme is run: all of it, unless DROVER_FAULTS_PERCENT says less; above
// 100 it is so many times the random cases, for a night's run.
//
// The whole takes two minutes of one core in a release build, and ten times that under the
// sanitizers: there, `DROVER_FAULTS_PERCENT=5` is a good look.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace drover::test {

inline std::uint64_t percent() {
  const char* said = std::getenv("DROVER_FAULTS_PERCENT");
  const auto number = said ? std::strtoull(said, nullptr, 10) : 100;
  return std::clamp<std::uint64_t>(number, 1, 100'000);
}

// A share of so many random cases.
inline std::uint64_t share_of(std::uint64_t all) {
  return std::max<std::uint64_t>(1, all * percent() / 100);
}

// The step at which to walk through cases that are all tried when nothing is left out.
inline std::uint64_t stride() { return std::max<std::uint64_t>(1, 100 / percent()); }

}  // namespace drover::test
