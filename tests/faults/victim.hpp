// A journal to be damaged, and what a start says of it afterwards.
//
// It has records of every kind and is left as a killed process leaves it: everything in it was
// acknowledged, so that whatever is done to it must be found, or make no difference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/store/journal/options.hpp"
#include "broker/store/store.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::test {

struct VictimOptions {
  std::uint64_t seed = 1;  // of its records
  std::uint64_t segment_bytes = 4 * 1024;
  std::size_t segments = 4;
};

struct Victim {
  explicit Victim(const VictimOptions& options);

  enum class Verdict { same, shorter, refused, wrong };

  // What a start says of the disk as it is now. `wrong` is a state that the journal never had, and
  // a refusal that does not say where.
  Verdict verdict();

  struct Seen {
    std::uint64_t seq;
    broker::Locator where;
    std::string bytes;
  };

  broker::journal::JournalOptions options;
  SimDisk disk;
  std::vector<Seen> expected;
  std::vector<std::string> segments;  // names, oldest first
  std::uint64_t end = 0;              // of the newest segment's groups
  std::string said;                   // the newest refusal
};

}  // namespace drover::test
