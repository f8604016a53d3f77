#include "cli/finding.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::cli {
namespace {

Colour colour_of(Level level) {
  if (level == Level::ok) return Colour::green;
  return level == Level::warning ? Colour::yellow : Colour::red;
}

}  // namespace

std::string_view name_of(Level level) {
  if (level == Level::ok) return "ok";
  return level == Level::warning ? "warning" : "problem";
}

bool is_well(const std::vector<Finding>& findings) {
  return std::ranges::all_of(findings, [](const Finding& f) { return f.level == Level::ok; });
}

std::string findings_text(const std::vector<Finding>& findings, const Stream& stream) {
  std::size_t width = 0;
  for (const auto& finding : findings) width = std::max(width, finding.check.size());
  std::string text;
  for (const auto& f : findings) {
    const auto level = stream.paint(colour_of(f.level), fmt::format("{:<7}", name_of(f.level)));
    text += fmt::format("{}  {:<{}}  {}\n", level, f.check, width, f.says);
    if (!f.advice.empty()) text += fmt::format("{:{}}-> {}\n", "", 7 + 2 + width + 2, f.advice);
  }
  return text;
}

nlohmann::json findings_json(const std::vector<Finding>& findings) {
  auto all = nlohmann::json::array();
  for (const auto& f : findings) {
    nlohmann::json one = {
        {"check", f.check}, {"level", name_of(f.level)}, {"says", f.says}, {"figures", f.figures}};
    if (!f.advice.empty()) one["advice"] = f.advice;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace drover::cli
