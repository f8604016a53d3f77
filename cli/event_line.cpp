#include "cli/event_line.hpp"

#include <fmt/format.h>

#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "cli/timeline.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

// Whether `text` is what a pattern with * says.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Colour colour_of(const std::string& type) {
  const auto dot = type.rfind('.');
  const auto what = dot == std::string::npos ? type : type.substr(dot + 1);
  if (what == "started") return Colour::cyan;
  if (what == "left") return Colour::yellow;
  return colour_of_state(what);
}

std::string task_details(const json& data) {
  std::string text;
  if (const auto attempt = number_of(data, "attempt"); attempt > 0) {
    text += fmt::format(" attempt {}", attempt);
  }
  const auto code = text_of(data, "code"), message = text_of(data, "message");
  if (!code.empty()) text += " " + code;
  if (!message.empty()) text += (code.empty() ? " " : ": ") + message;
  if (const auto reason = text_of(data, "reason"); !reason.empty()) text += " reason " + reason;
  if (data.contains("percent")) text += fmt::format(" {} %", number_of(data, "percent"));
  if (data.contains("delay_ms")) {
    text += " in " + human(Duration(number_of(data, "delay_ms")));
  }
  return text;
}

}  // namespace

bool fits(const std::string& pattern, const std::string& text) {
  if (pattern.find('*') != std::string::npos) return matches(pattern, text);
  return text == pattern || text.starts_with(pattern + ".");
}

bool wants(const EventFilter& filter, const json& event) {
  const auto& data = object_of(event, "data");
  if (!filter.kind.empty() && !fits(filter.kind, text_of(event, "type"))) return false;
  if (!filter.queue.empty() && text_of(data, "queue") != filter.queue) return false;
  return filter.type.empty() || fits(filter.type, text_of(data, "type"));
}

std::string event_line(const json& event, const Stream& stream) {
  const auto type = text_of(event, "type");
  const auto& data = object_of(event, "data");
  const auto at = instant_of(event, "ts");
  auto line = fmt::format("{}  {}", stream.paint(Colour::dim, at ? clock_text(*at) : "-"),
                          stream.paint(colour_of(type), fmt::format("{:<15}", type)));
  if (type.starts_with("worker.")) {
    line += fmt::format("  {}  {} pid {}", text_of(event, "subject"), text_of(data, "host"),
                        number_of(data, "pid"));
  } else {
    line += fmt::format("  {}  {}  {}", text_of(data, "type"), text_of(data, "queue"),
                        text_of(event, "subject"));
  }
  return line + fitted(task_details(data), 300);
}

}  // namespace drover::cli
