#include "common/observe/line.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iterator>

#include "common/base/utf8.hpp"

namespace drover::log {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"trace", "debug", "info",
                                                    "warn",  "error", "off"};
constexpr std::array<std::string_view, 5> kColours = {"\x1b[2m", "\x1b[2m", "\x1b[32m", "\x1b[33m",
                                                      "\x1b[31m"};

// A control character as "\n" or "\u001b"; JSON reads both.
void escape_control(unsigned char c, std::string& out) {
  switch (c) {
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
  }
}

// Appends the text, safe to stand in one line and (with `quoted`) between double quotes.
void append_text(std::string_view text, bool quoted, std::string& out) {
  const std::size_t end = out.size() + kTextMax;
  while (!text.empty()) {
    if (out.size() >= end) {
      out += "...";
      return;
    }
    const auto length = character_length(text);
    const auto c = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      out += "\xEF\xBF\xBD";  // U+FFFD, the replacement character
    } else if (c < 0x20 || c == 0x7F) {
      escape_control(c, out);
    } else {
      if (quoted && (c == '"' || c == '\\')) out += '\\';
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  append_text(text, /*quoted=*/true, out);
  out += '"';
}

void append_number(double number, std::string& out) {
  if (std::isfinite(number)) {
    fmt::format_to(std::back_inserter(out), "{}", number);
  } else {
    out += "null";
  }
}

// Writes a value; `text` says how a text is written.
template <class Text>
void append_value(const Field::Value& value, Text text, std::string& out) {
  if (const auto* s = std::get_if<std::string_view>(&value)) {
    text(*s);
  } else if (const auto* real = std::get_if<double>(&value)) {
    append_number(*real, out);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*number);
  } else if (const auto* count = std::get_if<std::uint64_t>(&value)) {
    out += std::to_string(*count);
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"=\\") != std::string_view::npos;
}

}  // namespace

std::string_view name_of(Level level) { return kNames[static_cast<std::size_t>(level)]; }

std::string text_line(const Source& source, std::string_view message,
                      std::span<const Field> fields) {
  const auto level = static_cast<std::size_t>(source.level);
  const bool colour = source.colour && level < kColours.size();
  auto line = fmt::format("{} {}{:<5}{} {}  ", to_rfc3339(source.at),
                          colour ? kColours[level] : std::string_view(), name_of(source.level),
                          colour ? "\x1b[0m" : "", source.service);
  append_text(message, /*quoted=*/false, line);
  for (const auto& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(
        field.value,
        [&](std::string_view text) {
          needs_quotes(text) ? append_quoted(text, line) : append_text(text, false, line);
        },
        line);
  }
  return line;
}

std::string json_line(const Source& source, std::string_view message,
                      std::span<const Field> fields) {
  auto line = fmt::format(R"({{"ts":"{}","level":"{}","service":)", to_rfc3339(source.at),
                          name_of(source.level));
  append_quoted(source.service, line);
  fmt::format_to(std::back_inserter(line), R"(,"pid":{},"message":)", source.pid);
  append_quoted(message, line);
  for (const auto& field : fields) {
    line += ',';
    append_quoted(field.key, line);
    line += ':';
    append_value(
        field.value, [&](std::string_view text) { append_quoted(text, line); }, line);
  }
  return line + '}';
}

}  // namespace drover::log
