// How the values of settings are spelled: numbers, sizes and texts, read strictly and written so
// that they read back the same.
//
// Durations are read by common/base/time.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drover::config {

// Digits only: no sign, no leading zero (010 would be 8 to some), nothing behind.
std::optional<std::uint64_t> parse_count(std::string_view text);

// A number with at most three digits behind the point: 2, 1.5.
std::optional<double> parse_factor(std::string_view text);

// A count and B, KiB, MiB, GiB or TiB. A bare number is refused.
std::optional<std::uint64_t> parse_size(std::string_view text);

// The largest unit that is exact: 64MiB, 1500B.
std::string size_text(std::uint64_t bytes);

// [A-Za-z0-9._-]{1,64}
bool is_name(std::string_view text);

// A YAML scalar: plain where it reads back as the same text, in double quotes otherwise.
std::string yaml_text(std::string_view text);

}  // namespace drover::config
