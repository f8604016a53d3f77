#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "common/config/load.hpp"
#include "common/config/option_list.hpp"

namespace drover::config {
namespace {

constexpr std::size_t kWidth = 100;

constexpr const char* kOpening =
    "# Drover's settings, each at its default. A variable such as DROVER_BROKER__CLIENTS__BIND "
    "goes\n"
    "# before this file, a flag before both; `drover config show --origin` tells what holds and "
    "who said\n"
    "# it. A key that is not known stops the start.\n";

// The text as comment lines of at most kWidth characters.
std::string comment(const std::string& text, std::size_t indent) {
  const std::string start = std::string(indent, ' ') + "#";
  std::string lines, line = start;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line.size() + 1 + word.size() > kWidth) {
      lines += line + "\n";
      line = start;
    }
    line += " " + word;
  }
  return lines + line + "\n";
}

std::vector<std::string> levels_of(const std::string& path) {
  std::vector<std::string> levels;
  std::istringstream in(path);
  for (std::string level; std::getline(in, level, '.');) levels.push_back(level);
  return levels;
}

class Writer {
 public:
  explicit Writer(const OptionList& options) : options_(options) {}

  std::string write() {
    text_ = kOpening;
    for (const auto& option : options_.options()) add(option);
    return text_;
  }

 private:
  void add(const Option& option) {
    const auto levels = levels_of(option.path);
    open_sections(levels);
    const auto indent = 2 * (levels.size() - 1);
    const auto bounds = option.bounds.empty() ? "" : " (" + option.bounds + ")";
    text_ += comment(option.says + bounds, indent);
    text_ += fmt::format("{:{}}{}: {}\n", "", indent, levels.back(), option.default_text);
  }

  // Writes the keys of those sections in which the option before did not stand.
  void open_sections(const std::vector<std::string>& levels) {
    std::size_t same = 0;
    while (same + 1 < levels.size() && same < open_.size() && open_[same] == levels[same]) ++same;
    for (std::size_t i = same; i + 1 < levels.size(); ++i) {
      if (i == 0) text_ += "\n" + comment(says_of(levels[0]), 0);
      text_ += fmt::format("{:{}}{}:\n", "", 2 * i, levels[i]);
    }
    open_.assign(levels.begin(), levels.end() - 1);
  }

  std::string says_of(const std::string& section) const {
    for (const auto& [path, says] : options_.sections()) {
      if (path == section) return says;
    }
    return "";
  }

  const OptionList& options_;
  std::string text_;
  std::vector<std::string> open_;
};

}  // namespace

std::string default_file() {
  Settings settings;
  const auto options = declare_options(settings);
  return Writer(options).write();
}

}  // namespace drover::config
