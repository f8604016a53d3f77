// Values as people read them: durations, ages, counts, sizes and texts of any length.
// Pure: whoever wants an age says what time it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/time.hpp"

namespace drover::cli {

// "350 ms", "1.2 s", "45 s", "2 m 05 s", "3 h 12 m", "4 d 02 h".
std::string human(Duration duration);

// "1,234,567"
std::string grouped(std::uint64_t number);

// "3.4 MiB"
std::string human_size(std::uint64_t bytes);

// "8 s ago"; "in 8 s" for what is to come.
std::string ago(Instant at, Instant now);

// "1 task", "2 tasks"
std::string counted(std::uint64_t number, std::string_view noun);

// How many columns of a terminal a UTF-8 text takes, each character counted as one.
std::size_t width_of(std::string_view text);

// The text in at most `columns`, ending in "..." where it was cut; control characters as spaces.
std::string fitted(std::string_view text, std::size_t columns);

}  // namespace drover::cli
