#include "workers/agents/definition_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "common/config/nearest.hpp"
#include "common/config/value.hpp"
#include "common/task/task_spec.hpp"

namespace drover::workers {
namespace {

namespace fs = std::filesystem;
using config::YamlNode;
using Kind = YamlNode::Kind;

// The command as it can be run from anywhere; nothing if no folder above the file has it.
std::optional<std::string> locate(const std::string& program, const std::string& file) {
  if (program.find('/') == std::string::npos || program.front() == '/') return program;
  fs::path folder = fs::absolute(file).lexically_normal().parent_path();
  for (;; folder = folder.parent_path()) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / program, ignored)) return (folder / program).string();
    if (folder == folder.parent_path()) return std::nullopt;
  }
}

// Reads the keys of one file into a definition; every fault is noted with its line.
class DefinitionReader {
 public:
  DefinitionReader(std::string file, const ExecRecipe& usual) : file_(std::move(file)) {
    agent_.file = file_;
    agent_.recipe = usual;
  }

  Result<AgentDefinition> read(const YamlNode& root) {
    if (root.kind != Kind::map) {
      return Error{Errc::bad_configuration, file_ + ": an agent is a map of keys", {}};
    }
    for (const auto& [key, value] : root.entries) read_key(key, value);
    for (const char* key : {"name", "task_types", "engine", "command"}) {
      if (!root.find(key)) fault(1, key, "is missing");
    }
    if (!faults_.empty()) {
      return Error{Errc::bad_configuration, fmt::format("{}", fmt::join(faults_, "\n")), field_};
    }
    return std::move(agent_);
  }

 private:
  using Read = std::function<void(const YamlNode&)>;

  void read_key(const std::string& key, const YamlNode& value) {
    const auto& readers = key_readers();
    if (const auto found = readers.find(key); found != readers.end()) {
      key_ = key;
      return found->second(value);
    }
    std::vector<std::string> known;
    for (const auto& [name, reader] : readers) known.push_back(name);
    fault(value.line, key, "is no key of an agent." + config::did_you_mean(key, known));
  }

  const std::map<std::string, Read>& key_readers() {
    if (!readers_.empty()) return readers_;
    ExecRecipe& recipe = agent_.recipe;
    readers_ = {
        {"name", [this](const auto& n) { read_name(n, agent_.name); }},
        {"agent_type", [this](const auto& n) { read_name(n, agent_.agent_type); }},
        {"description", [this](const auto& n) { read_text(n, agent_.description); }},
        {"task_types", [this](const auto& n) { read_names(n, agent_.task_types); }},
        {"capabilities", [this](const auto& n) { read_names(n, agent_.capabilities); }},
        {"requires", [this](const auto& n) { read_texts(n, agent_.requires_programs); }},
        {"engine", [this](const auto& n) { read_choice(n, {"exec"}); }},
        {"command", [this](const auto& n) { read_command(n); }},
        {"input",
         [this, &recipe](const auto& n) {
           read_choice(n, {"payload", "none"}, recipe.input);
         }},
        {"output",
         [this, &recipe](const auto& n) {
           read_choice(n, {"result", "lines"}, recipe.output);
         }},
        {"timeout", [this, &recipe](const auto& n) { read_duration(n, recipe.timeout); }},
        {"memory_max", [this, &recipe](const auto& n) { read_size(n, recipe.memory_max); }},
        {"output_max", [this, &recipe](const auto& n) { read_size(n, recipe.output_max); }},
        {"exit_codes", [this](const auto& n) { read_exit_codes(n); }},
        {"env", [this](const auto& n) { read_env(n); }},
        {"slots", [this](const auto& n) { read_slots(n); }},
    };
    return readers_;
  }

  void fault(int line, const std::string& key, const std::string& what) {
    faults_.push_back(fmt::format("{}:{}: {} {}", file_, line, key, what));
    if (field_.empty()) field_ = key;
  }
  void expected(const YamlNode& node, std::string_view what) {
    fault(node.line, key_, fmt::format("must be {}", what));
  }

  bool read_text(const YamlNode& node, std::string& target) {
    if (node.kind != Kind::scalar || node.text.find('\0') != std::string::npos) {
      return expected(node, "a text"), false;
    }
    target = node.text;
    return true;
  }

  void read_name(const YamlNode& node, std::string& target) {
    if (node.kind != Kind::scalar || !is_name(node.text)) {
      return expected(node, "a name, 1 to 64 of A-Z a-z 0-9 . _ -");
    }
    target = node.text;
  }

  void read_list(const YamlNode& node, const Read& read_item) {
    if (node.kind != Kind::list || node.items.empty())
      return expected(node, "a list such as [a, b]");
    for (const auto& item : node.items) read_item(item);
  }
  void read_names(const YamlNode& node, std::vector<std::string>& target) {
    read_list(node, [&](const YamlNode& item) { read_name(item, target.emplace_back()); });
  }
  void read_texts(const YamlNode& node, std::vector<std::string>& target) {
    read_list(node, [&](const YamlNode& item) { read_text(item, target.emplace_back()); });
  }

  template <class Enum = int>
  void read_choice(const YamlNode& node, const std::vector<std::string>& words,
                   Enum&& target = {}) {
    const auto found = std::find(words.begin(), words.end(), node.text);
    if (node.kind != Kind::scalar || found == words.end()) {
      return expected(node, fmt::format("{}", fmt::join(words, " or ")));
    }
    target = static_cast<std::remove_reference_t<Enum>>(found - words.begin());
  }

  void read_command(const YamlNode& node) {
    auto& command = agent_.recipe.command;
    read_texts(node, command);
    if (command.empty() || command[0].empty()) return expected(node, "a program and its arguments");
    const auto program = locate(command[0], file_);
    if (!program) {
      return fault(node.line, key_,
                   fmt::format("names {}, which neither the file's folder nor one "
                               "above it has",
                               command[0]));
    }
    command[0] = *program;
  }

  void read_duration(const YamlNode& node, Duration& target) {
    const auto duration = parse_duration(node.kind == Kind::scalar ? node.text : "");
    if (!duration || *duration < 1ms || *duration > kTimeoutMax) {
      return expected(node, "a duration from 1ms to 7d, such as 30s");
    }
    target = *duration;
  }

  void read_size(const YamlNode& node, std::uint64_t& target) {
    const auto size = config::parse_size(node.kind == Kind::scalar ? node.text : "");
    if (!size || *size == 0) return expected(node, "a size such as 64KiB or 1GiB");
    target = *size;
  }

  void read_slots(const YamlNode& node) {
    const auto count = config::parse_count(node.kind == Kind::scalar ? node.text : "");
    if (!count || *count < 1 || *count > 10'000) return expected(node, "a number from 1 to 10000");
    agent_.slots = static_cast<std::uint32_t>(*count);
  }

  void read_env(const YamlNode& node) {
    if (node.kind != Kind::map) return expected(node, "a map such as {LANG: C}");
    for (const auto& [name, value] : node.entries) {
      const bool bad =
          name.empty() || name.find('=') != std::string::npos || name.starts_with("DROVER_");
      if (bad)
        return fault(value.line, key_ + "." + name, "must be a name without =, not DROVER_*");
      std::string text;
      if (read_text(value, text)) agent_.recipe.env.emplace_back(name, text);
    }
  }

  void read_exit_codes(const YamlNode& node) {
    if (node.kind != Kind::map)
      return expected(node, "a map such as {fatal: [65], retryable: [1]}");
    std::set<int> fatal, retryable;
    for (const auto& [name, value] : node.entries) {
      key_ = "exit_codes." + name;
      if (name == "fatal") {
        read_codes(value, fatal);
      } else if (name == "retryable") {
        read_codes(value, retryable);
      } else {
        fault(value.line, key_, "is not known; there are fatal and retryable");
      }
    }
    for (const int code : fatal) {
      if (retryable.contains(code)) {
        fault(node.line, "exit_codes", fmt::format("has {} as fatal and as retryable", code));
      }
      agent_.recipe.exit_codes.fatal.insert(code);
    }
    for (const int code : retryable) agent_.recipe.exit_codes.fatal.erase(code);
  }

  void read_codes(const YamlNode& node, std::set<int>& target) {
    if (node.kind == Kind::list && node.items.empty()) return;
    read_list(node, [&](const YamlNode& item) {
      const auto code = config::parse_count(item.kind == Kind::scalar ? item.text : "");
      if (!code || *code < 1 || *code > 255) return expected(item, "a number from 1 to 255");
      target.insert(static_cast<int>(*code));
    });
  }

  std::string file_;
  std::string key_;
  AgentDefinition agent_;
  std::map<std::string, Read> readers_;
  std::vector<std::string> faults_;
  std::string field_;
};

}  // namespace

Result<AgentDefinition> read_definition(const YamlNode& root, const std::string& file,
                                        const ExecRecipe& usual) {
  return DefinitionReader(file, usual).read(root);
}

}  // namespace drover::workers
