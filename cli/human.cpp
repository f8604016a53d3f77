#include "cli/human.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace drover::cli {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

}  // namespace

std::string human(Duration duration) {
  const auto ms = std::max<std::int64_t>(0, duration.count());
  const auto seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 9950) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (minutes < 60) return fmt::format("{} m {:02} s", minutes, seconds % 60);
  if (hours < 24) return fmt::format("{} h {:02} m", hours, minutes % 60);
  return fmt::format("{} d {:02} h", days, hours % 24);
}

std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1024; value >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string ago(Instant at, Instant now) {
  return at > now ? "in " + human(at - now) : human(now - at) + " ago";
}

std::string counted(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(number), noun, number == 1 ? "" : "s");
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string fitted(std::string_view text, std::size_t columns) {
  std::string out;
  const bool cut = width_of(text) > columns;
  const std::size_t most = cut && columns > 3 ? columns - 3 : columns;
  std::size_t width = 0;
  for (const char c : text) {
    if (!continues(c) && width++ == most) break;
    out += is_control(c) ? ' ' : c;
  }
  return cut && columns > 3 ? out + "..." : out;
}

}  // namespace drover::cli
