// The five priorities.
// They are strict: a waiting task of a higher one always goes first.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace drover {

enum class Priority : std::uint8_t { low, normal, high, urgent, critical };

inline constexpr std::size_t kPriorities = 5;

// "low" to "critical".
std::string_view name_of(Priority priority);

// Reads a name in any letter case; `medium` is normal.
std::optional<Priority> parse_priority(std::string_view text);

}  // namespace drover
