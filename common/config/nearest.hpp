// "Did you mean": the known word that a mistyped one is nearest to.
//
// Near means few letters added, left out, changed or swapped with their neighbour (the restricted
// Damerau-Levenshtein distance): one for short words, up to a third of the letters for longer ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::config {

std::size_t edit_distance(std::string_view a, std::string_view b);

// The first of the nearest candidates, or nothing when none is near.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

// " Did you mean X?", or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace drover::config
