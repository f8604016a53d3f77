// The options: what one setting is, said once where it is declared (options.cpp). From the list
// come reading, checking, showing and the shipped file.
//
// An option is bound to a member of one Settings, from which it takes its default when it is
// declared and which it sets later.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/config/settings.hpp"
#include "common/config/yaml_tree.hpp"

namespace drover::config {

struct Option {
  // What the value looks like in a file; in the environment and in flags it is a text.
  enum class Form : std::uint8_t { scalar, list, map };

  std::string path;      // broker.clients.bind
  std::string says;      // a sentence or two
  std::string bounds;    // "100ms to 1h", or nothing
  std::string expected;  // "a duration from 100ms to 1h, with its unit (250ms, 5s, ...)"
  Form form = Form::scalar;
  std::function<bool(const YamlNode&)> set = {};  // false: not what was expected; nothing changed
  std::function<std::string()> show = {};         // as a file spells it

  std::string origin = "default";
  std::string default_text = {};

  // DROVER_BROKER__CLIENTS__BIND
  std::string environment_name() const;

  // Reads a text from the environment or a flag.
  bool set_text(std::string_view text);
};

class OptionList {
 public:
  struct Section {
    std::string path;
    std::string says;
  };

  void section(std::string path, std::string says);

  // A text for which `fits` holds; `expected` says in words what that is.
  void text(std::string& target, std::string path, std::string says, std::string expected,
            std::function<bool(std::string_view)> fits);
  void flag(bool& target, std::string path, std::string says);
  void duration(Duration& target, std::string path, std::string says, Duration least,
                Duration most);
  void size(std::uint64_t& target, std::string path, std::string says, std::uint64_t least,
            std::uint64_t most);
  void factor(double& target, std::string path, std::string says, double least, double most);
  void names(std::vector<std::string>& target, std::string path, std::string says);
  void labels(std::map<std::string, std::string>& target, std::string path, std::string says);

  template <class Unsigned>
  void count(Unsigned& target, std::string path, std::string says, Unsigned least, Unsigned most) {
    count_by([&target] { return std::uint64_t{target}; },
             [&target](std::uint64_t n) { target = static_cast<Unsigned>(n); }, std::move(path),
             std::move(says), least, most);
  }

  // One of some words, in the order of the enumerators.
  template <class Enum>
  void choice(Enum& target, std::string path, std::string says, std::vector<std::string> words) {
    choice_by([&target] { return static_cast<std::size_t>(target); },
              [&target](std::size_t i) { target = static_cast<Enum>(i); }, std::move(path),
              std::move(says), std::move(words));
  }

  std::vector<Option>& options() { return options_; }
  const std::vector<Option>& options() const { return options_; }
  const std::vector<Section>& sections() const { return sections_; }

  Option* find(std::string_view path);
  bool is_section(std::string_view path) const;  // or the beginning of one
  std::vector<std::string> paths() const;

 private:
  void add(Option option);
  void count_by(std::function<std::uint64_t()> get, std::function<void(std::uint64_t)> put,
                std::string path, std::string says, std::uint64_t least, std::uint64_t most);
  void choice_by(std::function<std::size_t()> get, std::function<void(std::size_t)> put,
                 std::string path, std::string says, std::vector<std::string> words);

  std::vector<Option> options_;
  std::vector<Section> sections_;
};

// Declares every setting, bound to `settings`, which must outlive the list.
OptionList declare_options(Settings& settings);

}  // namespace drover::config
