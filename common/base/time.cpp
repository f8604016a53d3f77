#include "common/base/time.hpp"

#include <array>
#include <cstdio>

namespace drover {
namespace {

using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;

Error not_an_instant(std::string_view text) {
  return {Errc::invalid_argument,
          "'" + std::string(text) + "' is no instant such as 2026-01-31T08:05:09.007Z"};
}

Error not_a_duration(std::string_view text) {
  return {Errc::invalid_argument,
          "'" + std::string(text) + "' is no duration such as 250ms, 5s, 2m, 1h or 7d"};
}

// Reads exactly `digits` digits at `at` and moves past them; -1 if there are not that many.
int take_number(std::string_view text, std::size_t& at, int digits) {
  int number = 0;
  for (int i = 0; i < digits; ++i, ++at) {
    if (at >= text.size() || text[at] < '0' || text[at] > '9') return -1;
    number = number * 10 + (text[at] - '0');
  }
  return number;
}

bool take_char(std::string_view text, std::size_t& at, char wanted) {
  if (at >= text.size() || text[at] != wanted) return false;
  ++at;
  return true;
}

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array kUnits = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"ms", 1},
                               Unit{"m", 60'000}, Unit{"s", 1000}};

}  // namespace

std::string to_rfc3339(Instant instant) {
  using namespace std::chrono;
  const auto since = instant.time_since_epoch();
  const auto day = floor<Days>(since);
  const year_month_day date{sys_days(duration_cast<days>(day))};
  const hh_mm_ss time{since - day};
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return text.data();
}

Result<Instant> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  std::size_t at = 0;
  const int y = take_number(text, at, 4);
  const bool dash1 = take_char(text, at, '-');
  const int m = take_number(text, at, 2);
  const bool dash2 = take_char(text, at, '-');
  const int d = take_number(text, at, 2);
  if (!dash1 || !dash2 || y < 0 || m < 0 || d < 0) return not_an_instant(text);
  if (!take_char(text, at, 'T') && !take_char(text, at, 't') && !take_char(text, at, ' ')) {
    return not_an_instant(text);
  }
  const int hour = take_number(text, at, 2);
  const bool colon1 = take_char(text, at, ':');
  const int minute = take_number(text, at, 2);
  const bool colon2 = take_char(text, at, ':');
  const int second = take_number(text, at, 2);
  if (!colon1 || !colon2 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60) {
    return not_an_instant(text);
  }
  std::int64_t ms = 0;
  if (take_char(text, at, '.')) {
    int digits = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      if (digits < 3) ms = ms * 10 + (text[at] - '0');
    }
    if (digits == 0) return not_an_instant(text);
    for (; digits < 3; ++digits) ms *= 10;
  }
  minutes offset{0};
  if (!take_char(text, at, 'Z') && !take_char(text, at, 'z')) {
    const bool plus = take_char(text, at, '+');
    if (!plus && !take_char(text, at, '-')) return not_an_instant(text);
    const int hours_off = take_number(text, at, 2);
    const bool colon = take_char(text, at, ':');
    const int minutes_off = take_number(text, at, 2);
    if (!colon || hours_off < 0 || hours_off > 23 || minutes_off < 0 || minutes_off > 59) {
      return not_an_instant(text);
    }
    offset = minutes(hours_off * 60 + minutes_off);
    if (!plus) offset = -offset;
  }
  const year_month_day date{year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d))};
  if (at != text.size() || !date.ok()) return not_an_instant(text);
  const auto day_start = duration_cast<milliseconds>(sys_days(date).time_since_epoch());
  return Instant(day_start + hours(hour) + minutes(minute) + seconds(second) + milliseconds(ms) -
                 offset);
}

Result<Duration> parse_duration(std::string_view text) {
  constexpr std::int64_t kMost = 100LL * 366 * 86'400'000;  // a hundred years: no sum overflows
  if (text == "0") return Duration(0);
  std::int64_t total = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    std::int64_t number = 0;
    const std::size_t first = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      number = number * 10 + (text[at] - '0');
      if (number > kMost) return not_a_duration(text);
    }
    if (at == first) return not_a_duration(text);
    const Unit* unit = nullptr;
    for (const auto& candidate : kUnits) {
      if (text.substr(at).starts_with(candidate.name)) {
        unit = &candidate;
        break;
      }
    }
    if (!unit || number > kMost / unit->ms) return not_a_duration(text);
    total += number * unit->ms;
    if (total > kMost) return not_a_duration(text);
    at += unit->name.size();
  }
  if (text.empty()) return not_a_duration(text);
  return Duration(total);
}

std::string to_string(Duration duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string text;
  for (const auto name : {"d", "h", "m", "s", "ms"}) {
    for (const auto& unit : kUnits) {
      if (unit.name != name || left < unit.ms) continue;
      text += std::to_string(left / unit.ms) + std::string(unit.name);
      left %= unit.ms;
    }
  }
  return text;
}

}  // namespace drover
