#include "common/config/load.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <type_traits>

#include "common/config/address.hpp"
#include "common/config/nearest.hpp"
#include "common/config/option_list.hpp"
#include "common/config/value.hpp"

namespace drover::config {
namespace {

constexpr std::string_view kPrefix = "DROVER_";
constexpr std::size_t kFaultsTold = 10;
constexpr std::size_t kFoundMax = 80;

// Names of ours that are no settings: which file to read, and what scripts and tests are told.
constexpr std::array<std::string_view, 5> kOtherNames = {
    "DROVER_CONFIG", "DROVER_BIN", "DROVER_DATA", "DROVER_PORT_BASE", "DROVER_SEED"};

// A value as a message quotes it.
std::string found(std::string_view text) {
  return yaml_text(text.substr(0, kFoundMax)) + (text.size() > kFoundMax ? "..." : "");
}

std::string found(const YamlNode& node) {
  return node.kind == YamlNode::Kind::scalar ? found(node.text) : std::string(name_of(node.kind));
}

std::string joined_upper(std::string_view path) {
  std::string name(kPrefix);
  for (const char c : path) {
    name += c == '.' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::vector<std::string> environment_names(const OptionList& options) {
  std::vector<std::string> names = {"DROVER_URL"};
  for (const auto& option : options.options()) names.push_back(option.environment_name());
  return names;
}

std::optional<std::pair<std::string, std::string>> split_variable(const std::string& variable) {
  const auto equals = variable.find('=');
  if (equals == std::string::npos || !variable.starts_with(kPrefix)) return std::nullopt;
  return std::pair(variable.substr(0, equals), variable.substr(equals + 1));
}

class Loader {
 public:
  Loader() : options_(declare_options(loaded_.settings)) {}

  void read_file(const std::string& path) {
    auto tree = read_yaml_file(path);
    if (!tree) {
      fault("", tree.error().message);
    } else if (tree->kind == YamlNode::Kind::map) {
      read_section(*tree, "", path);
    } else if (tree->kind != YamlNode::Kind::null) {
      fault("", fmt::format("{}:{}: expected sections of settings, found {}", path, tree->line,
                            found(*tree)));
    }
  }

  void read_environment(const std::vector<std::string>& environment) {
    // Exact names last, so that they win over other spellings of the same setting.
    for (const bool exact : {false, true}) {
      for (const auto& variable : environment) {
        if (auto pair = split_variable(variable)) read_variable(pair->first, pair->second, exact);
      }
    }
  }

  void read_overrides(const std::vector<Override>& overrides) {
    for (const auto& [path, value, flag] : overrides) {
      if (auto* option = options_.find(path)) {
        set_text(*option, value, flag);
      } else {
        fault(path, fmt::format("{}: there is no setting {}.{}", flag, path,
                                did_you_mean(path, options_.paths())));
      }
    }
  }

  Result<Loaded> finish() {
    if (faults_.empty()) check_together();
    if (!faults_.empty()) return as_error();
    fill_in(loaded_.settings.client.url, "client.url", loaded_.settings.broker.clients.bind);
    fill_in(loaded_.settings.worker.connect, "worker.connect",
            loaded_.settings.broker.workers.bind);
    for (const auto& option : options_.options()) {
      const auto value = option.show();
      loaded_.shown.push_back({option.path, value, option.origin, value == option.default_text});
    }
    return std::move(loaded_);
  }

 private:
  void fault(const std::string& path, std::string message) {
    fault(path, [&] { return std::move(message); });
  }

  // The same for a message that takes time to find: it is asked for while it will be told.
  template <class Say>
  requires std::is_invocable_v<Say>
  void fault(const std::string& path, Say say) {
    if (faults_.empty()) first_field_ = path;
    if (faults_.size() < kFaultsTold) faults_.push_back(say());
    ++faults_seen_;
  }

  Error as_error() const {
    std::string message;
    for (std::size_t i = 0; i < faults_.size(); ++i) {
      message += (i == 0 ? "" : "\n") + faults_[i];
    }
    if (faults_seen_ > faults_.size()) {
      message += fmt::format("\nand {} more", faults_seen_ - faults_.size());
    }
    return {Errc::bad_configuration, message, first_field_};
  }

  void read_section(const YamlNode& node, const std::string& prefix, const std::string& file) {
    for (const auto& [key, value] : node.entries) {
      const auto path = prefix + key;
      const auto where = fmt::format("{}:{}", file, value.line);
      if (auto* option = options_.find(path)) {
        set_node(*option, value, where);
      } else if (!options_.is_section(path)) {
        fault(path, [&] {
          return fmt::format("{}: {}: there is no such setting.{}", where, path,
                             did_you_mean(path, known_at(prefix)));
        });
      } else if (value.kind == YamlNode::Kind::map) {
        read_section(value, path + ".", file);
      } else if (value.kind != YamlNode::Kind::null) {
        fault(path, fmt::format("{}: {}: expected a section, found {}", where, path, found(value)));
      }
    }
  }

  // What may stand in a section, by full path, and every setting for those who missed the section.
  std::vector<std::string> known_at(const std::string& prefix) const {
    std::vector<std::string> known;
    for (const auto& option : options_.options()) {
      if (!option.path.starts_with(prefix)) continue;
      const auto dot = option.path.find('.', prefix.size());
      known.push_back(option.path.substr(0, dot));
    }
    for (const auto& path : options_.paths()) known.push_back(path);
    return known;
  }

  void set_node(Option& option, const YamlNode& node, const std::string& where) {
    if (option.set(node)) {
      option.origin = where;
    } else {
      expected(option, where + ": " + option.path, found(node));
    }
  }

  void set_text(Option& option, const std::string& text, const std::string& origin) {
    if (option.set_text(text)) {
      option.origin = origin;
    } else {
      expected(option, origin, found(text));
    }
  }

  void expected(const Option& option, const std::string& where, const std::string& instead) {
    fault(option.path, fmt::format("{}: expected {}, found {}", where, option.expected, instead));
  }

  void read_variable(const std::string& name, const std::string& value, bool exact) {
    auto& all = options_.options();
    const auto same = [&](const Option& option) { return option.environment_name() == name; };
    if (const auto found_exact = std::find_if(all.begin(), all.end(), same);
        found_exact != all.end()) {
      if (exact) set_text(*found_exact, value, name);
    } else if (!exact) {
      read_other_spelling(name, value);
    }
  }

  void read_other_spelling(const std::string& name, const std::string& value) {
    if (std::find(kOtherNames.begin(), kOtherNames.end(), name) != kOtherNames.end()) return;
    if (name == "DROVER_URL") return set_text(*options_.find("client.url"), value, name);
    std::vector<Option*> meant;
    for (auto& option : options_.options()) {
      if (is_spelling_of(name, option)) meant.push_back(&option);
    }
    if (meant.size() == 1) return set_text(*meant[0], value, name);
    loaded_.warnings.push_back(fmt::format(
        "{} is {}.{}", name, meant.empty() ? "no setting" : "the name of several settings",
        did_you_mean(name, environment_names(options_))));
  }

  // DROVER_BROKER_CLIENTS_BIND for DROVER_BROKER__CLIENTS__BIND.
  static bool is_spelling_of(const std::string& name, const Option& option) {
    std::string single;
    for (const char c : name) {
      if (c != '_' || !single.ends_with('_')) single += c;
    }
    return single == joined_upper(option.path);
  }

  // What no option can see by itself.
  void check_together() {
    const auto& s = loaded_.settings;
    require(s.broker.worker_timeout >= 2 * s.broker.heartbeat, "broker.worker_timeout",
            "expected at least twice broker.heartbeat");
    require(s.tasks.backoff_max >= s.tasks.backoff_base, "tasks.backoff_max",
            "expected at least tasks.backoff_base");
    require(s.limits.payload_max <= s.limits.message_max / 2, "limits.payload_max",
            "expected at most half of limits.message_max");
    require(s.limits.result_max <= s.limits.message_max / 2, "limits.result_max",
            "expected at most half of limits.message_max");
    require(s.journal.segment >= 4 * s.limits.message_max, "journal.segment",
            "expected at least four times limits.message_max");
    require(s.journal.retain >= 2 * s.journal.segment, "journal.retain",
            "expected at least twice journal.segment");
    check_binds();
  }

  void check_binds() {
    const auto& s = loaded_.settings;
    const std::array<std::pair<const char*, const std::string*>, 3> binds = {
        {{"broker.clients.bind", &s.broker.clients.bind},
         {"broker.workers.bind", &s.broker.workers.bind},
         {"broker.status.bind", &s.broker.status.bind}}};
    for (std::size_t i = 0; i < binds.size(); ++i) {
      require(is_secured(s) || s.security.insecure || is_loopback(*binds[i].second), binds[i].first,
              "expected an address on this machine (127.0.0.1), keys (security.keys_file), or "
              "security.insecure: true");
      for (std::size_t j = 0; j < i; ++j) {
        const bool free_port = binds[i].second->ends_with(":0") || binds[i].second->ends_with(":*");
        require(free_port || *binds[i].second != *binds[j].second, binds[i].first,
                fmt::format("expected another address than {} has", binds[j].first));
      }
    }
  }

  void require(bool good, const char* path, const std::string& what) {
    if (good) return;
    const auto& option = *options_.find(path);
    fault(path, fmt::format("{}: {}: {}, found {}", option.origin, path, what, option.show()));
  }

  // An address that is not said is where the broker binds.
  void fill_in(std::string& target, const char* path, const std::string& bound) {
    if (!target.empty()) return;
    auto& option = *options_.find(path);
    const auto& other = *options_.find(
        path == std::string_view("client.url") ? "broker.clients.bind" : "broker.workers.bind");
    target = reachable_here(names_port(bound) ? bound : other.default_text);
    option.origin = other.origin;
    if (other.show() == other.default_text) option.default_text = option.show();
  }

  Loaded loaded_;
  OptionList options_;
  std::vector<std::string> faults_;  // those that are told
  std::size_t faults_seen_ = 0;
  std::string first_field_;
};

}  // namespace

Result<Loaded> load_settings(const std::optional<std::string>& file,
                             const std::vector<std::string>& environment,
                             const std::vector<Override>& overrides) {
  Loader loader;
  if (file) loader.read_file(*file);
  loader.read_environment(environment);
  loader.read_overrides(overrides);
  return loader.finish();
}

std::optional<std::string> find_settings_file(const std::optional<std::string>& asked,
                                              const std::vector<std::string>& environment) {
  constexpr std::string_view kNamed = "DROVER_CONFIG=";
  constexpr std::array kUsual = {"config/drover.yaml", "/etc/drover/drover.yaml"};
  if (asked) return asked;
  for (const auto& variable : environment) {
    if (variable.starts_with(kNamed) && variable.size() > kNamed.size()) {
      return variable.substr(kNamed.size());
    }
  }
  for (const char* usual : kUsual) {
    std::error_code ignored;
    if (std::filesystem::exists(usual, ignored)) return usual;
  }
  return std::nullopt;
}

std::vector<std::string> process_environment() {
  std::vector<std::string> variables;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) variables.emplace_back(*at);
  return variables;
}

}  // namespace drover::config
