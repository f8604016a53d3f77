#include "common/config/option_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/config/value.hpp"

namespace drover::config {
namespace {

YamlNode scalar(std::string_view text) {
  YamlNode node;
  node.kind = YamlNode::Kind::scalar;
  node.text = text;
  return node;
}

// The parts between commas; no part for an empty text.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    parts.push_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

YamlNode list_of(std::string_view text) {
  YamlNode node;
  node.kind = YamlNode::Kind::list;
  for (const auto part : split(text)) node.items.push_back(scalar(part));
  return node;
}

// An entry without `=` becomes one that no map of ours takes.
YamlNode map_of(std::string_view text) {
  YamlNode node;
  node.kind = YamlNode::Kind::map;
  for (const auto part : split(text)) {
    const auto equals = std::min(part.find('='), part.size());
    const auto value = part.substr(std::min(equals + 1, part.size()));
    node.entries.push_back({std::string(part.substr(0, equals)), scalar(value)});
  }
  return node;
}

bool is_scalar(const YamlNode& node) { return node.kind == YamlNode::Kind::scalar; }

// A number or a duration must not be in quotes: those are for texts.
bool is_plain(const YamlNode& node) { return is_scalar(node) && !node.quoted; }

template <class Range, class Write>
std::string joined(const Range& range, Write write) {
  std::string text;
  for (const auto& element : range) text += (text.empty() ? "" : ", ") + write(element);
  return text;
}

std::string or_list(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
  }
  return text;
}

}  // namespace

std::string Option::environment_name() const {
  std::string name = "DROVER_";
  for (const char c : path) {
    if (c == '.') {
      name += "__";
    } else {
      name += (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

bool Option::set_text(std::string_view text) {
  switch (form) {
    case Form::scalar: return set(scalar(text));
    case Form::list: return set(list_of(text));
    case Form::map: return set(map_of(text));
  }
  return false;
}

void OptionList::section(std::string path, std::string says) {
  sections_.push_back({std::move(path), std::move(says)});
}

void OptionList::add(Option option) {
  option.default_text = option.show();
  options_.push_back(std::move(option));
}

void OptionList::text(std::string& target, std::string path, std::string says, std::string expected,
                      std::function<bool(std::string_view)> fits) {
  Option option{std::move(path), std::move(says), "", std::move(expected)};
  option.set = [&target, fits = std::move(fits)](const YamlNode& node) {
    if (!is_scalar(node) || !fits(node.text)) return false;
    target = node.text;
    return true;
  };
  option.show = [&target] { return yaml_text(target); };
  add(std::move(option));
}

void OptionList::flag(bool& target, std::string path, std::string says) {
  Option option{std::move(path), std::move(says), "", "true or false"};
  option.set = [&target](const YamlNode& node) {
    if (!is_plain(node) || (node.text != "true" && node.text != "false")) return false;
    target = node.text == "true";
    return true;
  };
  option.show = [&target] { return std::string(target ? "true" : "false"); };
  add(std::move(option));
}

void OptionList::duration(Duration& target, std::string path, std::string says, Duration least,
                          Duration most) {
  const auto bounds = fmt::format("{} to {}", to_string(least), to_string(most));
  Option option{std::move(path), std::move(says), bounds,
                fmt::format("a duration from {}, with its unit (250ms, 5s, 2m, 1h, 7d)", bounds)};
  option.set = [&target, least, most](const YamlNode& node) {
    const auto value = is_plain(node) ? parse_duration(node.text) : Duration(-1);
    if (!value || *value < least || *value > most) return false;
    target = *value;
    return true;
  };
  option.show = [&target] { return to_string(target); };
  add(std::move(option));
}

void OptionList::size(std::uint64_t& target, std::string path, std::string says,
                      std::uint64_t least, std::uint64_t most) {
  const auto bounds = fmt::format("{} to {}", size_text(least), size_text(most));
  Option option{std::move(path), std::move(says), bounds,
                fmt::format("a size from {}, with its unit (B, KiB, MiB, GiB)", bounds)};
  option.set = [&target, least, most](const YamlNode& node) {
    const auto value = is_plain(node) ? parse_size(node.text) : std::nullopt;
    if (!value || *value < least || *value > most) return false;
    target = *value;
    return true;
  };
  option.show = [&target] { return size_text(target); };
  add(std::move(option));
}

void OptionList::factor(double& target, std::string path, std::string says, double least,
                        double most) {
  const auto bounds = fmt::format("{:g} to {:g}", least, most);
  Option option{std::move(path), std::move(says), bounds,
                fmt::format("a number from {}, with at most three digits after the point", bounds)};
  option.set = [&target, least, most](const YamlNode& node) {
    const auto value = is_plain(node) ? parse_factor(node.text) : std::nullopt;
    if (!value || *value < least || *value > most) return false;
    target = *value;
    return true;
  };
  option.show = [&target] { return fmt::format("{:g}", target); };
  add(std::move(option));
}

void OptionList::names(std::vector<std::string>& target, std::string path, std::string says) {
  Option option{std::move(path), std::move(says), "",
                "a list of names (1 to 64 of A-Z a-z 0-9 . _ -)", Option::Form::list};
  option.set = [&target](const YamlNode& node) {
    if (node.kind != YamlNode::Kind::list) return false;
    std::vector<std::string> values;
    for (const auto& item : node.items) {
      if (!is_scalar(item) || !is_name(item.text)) return false;
      values.push_back(item.text);
    }
    target = std::move(values);
    return true;
  };
  option.show = [&target] { return "[" + joined(target, yaml_text) + "]"; };
  add(std::move(option));
}

void OptionList::labels(std::map<std::string, std::string>& target, std::string path,
                        std::string says) {
  Option option{std::move(path), std::move(says), "",
                "names and values (1 to 64 of A-Z a-z 0-9 . _ -)", Option::Form::map};
  option.set = [&target](const YamlNode& node) {
    if (node.kind != YamlNode::Kind::map) return false;
    std::map<std::string, std::string> values;
    for (const auto& [key, value] : node.entries) {
      const bool good = is_name(key) && is_scalar(value) && is_name(value.text);
      if (!good || !values.emplace(key, value.text).second) return false;
    }
    target = std::move(values);
    return true;
  };
  const auto write = [](const auto& label) {
    return yaml_text(label.first) + ": " + yaml_text(label.second);
  };
  option.show = [&target, write] { return "{" + joined(target, write) + "}"; };
  add(std::move(option));
}

void OptionList::count_by(std::function<std::uint64_t()> get,
                          std::function<void(std::uint64_t)> put, std::string path,
                          std::string says, std::uint64_t least, std::uint64_t most) {
  const auto bounds = fmt::format("{} to {}", least, most);
  Option option{std::move(path), std::move(says), bounds, "a whole number from " + bounds};
  option.set = [put = std::move(put), least, most](const YamlNode& node) {
    const auto value = is_plain(node) ? parse_count(node.text) : std::nullopt;
    if (!value || *value < least || *value > most) return false;
    put(*value);
    return true;
  };
  option.show = [get = std::move(get)] { return std::to_string(get()); };
  add(std::move(option));
}

void OptionList::choice_by(std::function<std::size_t()> get, std::function<void(std::size_t)> put,
                           std::string path, std::string says, std::vector<std::string> words) {
  Option option{std::move(path), std::move(says), "", or_list(words)};
  option.set = [put = std::move(put), words](const YamlNode& node) {
    const auto found = std::find(words.begin(), words.end(), node.text);
    if (!is_scalar(node) || found == words.end()) return false;
    put(static_cast<std::size_t>(found - words.begin()));
    return true;
  };
  option.show = [get = std::move(get), words] { return words[get()]; };
  add(std::move(option));
}

Option* OptionList::find(std::string_view path) {
  const auto same = [&](const Option& option) { return option.path == path; };
  const auto found = std::find_if(options_.begin(), options_.end(), same);
  return found == options_.end() ? nullptr : &*found;
}

bool OptionList::is_section(std::string_view path) const {
  const auto below = std::string(path) + ".";
  return std::any_of(options_.begin(), options_.end(),
                     [&](const Option& option) { return option.path.starts_with(below); });
}

std::vector<std::string> OptionList::paths() const {
  std::vector<std::string> all;
  for (const auto& option : options_) all.push_back(option.path);
  return all;
}

}  // namespace drover::config
