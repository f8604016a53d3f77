// Damage: where a journal is not as it was written, as a value and as an error.
//
// Everything that reads the journal says it in the same words, "FILE, offset N: WHAT", so that a
// tool can take them apart again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace drover::broker::journal {

struct Damage {
  std::string file;  // its name in the store's directory
  std::uint64_t offset = 0;
  std::string what;

  bool operator==(const Damage&) const = default;
};

// STORE_DAMAGED.
Error damaged(std::string_view file, std::uint64_t offset, std::string_view what);

// What such an error says; nullopt of any other.
std::optional<Damage> damage_of(const Error& error);

}  // namespace drover::broker::journal
