#include "common/config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

namespace drover::config {
namespace {

constexpr std::size_t kNameMax = 64;

struct Unit {
  std::string_view name;
  int shift;
};
constexpr std::array kUnits = {Unit{"TiB", 40}, Unit{"GiB", 30}, Unit{"MiB", 20}, Unit{"KiB", 10},
                               Unit{"B", 0}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' || c == '_' ||
         c == '-';
}

// Texts that YAML would read as something else, and those with a meaning in its grammar.
bool is_plain(std::string_view text) {
  const auto fits = [](char c) {
    return is_name_character(c) || c == '/' || c == ':' || c == '@' || c == '+';
  };
  return !text.empty() && text.back() != ':' && text.front() != '-' && text.front() != '@' &&
         text != "null" && text != "Null" && std::all_of(text.begin(), text.end(), fits);
}

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
  if (!digits || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t number = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

std::optional<double> parse_factor(std::string_view text) {
  const auto point = text.find('.');
  const auto whole = parse_count(text.substr(0, point));
  if (!whole || *whole > 1'000'000) return std::nullopt;
  if (point == std::string_view::npos) return static_cast<double>(*whole);
  const auto fraction = text.substr(point + 1);
  if (fraction.empty() || fraction.size() > 3 ||
      !std::all_of(fraction.begin(), fraction.end(), is_digit)) {
    return std::nullopt;
  }
  int thousandths = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    thousandths = thousandths * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  }
  return static_cast<double>(*whole * 1000 + static_cast<std::uint64_t>(thousandths)) / 1000.0;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  for (const auto& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    const auto number = parse_count(text.substr(0, text.size() - unit.name.size()));
    if (!number || *number > (UINT64_MAX >> unit.shift)) return std::nullopt;
    return *number << unit.shift;
  }
  return std::nullopt;
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& unit : kUnits) {
    const bool exact = bytes >> unit.shift << unit.shift == bytes && bytes >> unit.shift > 0;
    if (exact) return fmt::format("{}{}", bytes >> unit.shift, unit.name);
  }
  return "0B";
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax &&
         std::all_of(text.begin(), text.end(), is_name_character);
}

std::string yaml_text(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(quoted), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace drover::config
