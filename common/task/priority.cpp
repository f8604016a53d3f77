#include "common/task/priority.hpp"

#include <algorithm>

namespace drover {
namespace {

constexpr std::array<std::string_view, kPriorities> kNames = {"low", "normal", "high", "urgent",
                                                              "critical"};

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view name_of(Priority priority) { return kNames[static_cast<std::size_t>(priority)]; }

std::optional<Priority> parse_priority(std::string_view text) {
  if (same_letters(text, "medium")) return Priority::normal;
  for (std::size_t i = 0; i < kPriorities; ++i) {
    if (same_letters(text, kNames[i])) return static_cast<Priority>(i);
  }
  return std::nullopt;
}

}  // namespace drover
