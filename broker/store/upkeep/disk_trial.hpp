// How fast this disk makes things durable: what the journal does, measured.
//
// Writes 4 KiB and syncs it, again and again, into a preallocated file that nobody else sees: its
// name is gone before the first write. Harmless beside a running broker, whose commits wait a
// little longer meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/base/result.hpp"

namespace drover::broker::upkeep {

struct DiskTrial {
  std::uint64_t syncs = 0;
  std::chrono::microseconds p50{0}, p99{0}, max{0}, mean{0};

  // How many commits a second that allows, one after the other.
  double commits_a_second() const;
};

// Measures for about so long, with one sync at least. Errors: those of the disk.
Result<DiskTrial> try_disk(const std::string& directory, std::chrono::milliseconds how_long);

}  // namespace drover::broker::upkeep
