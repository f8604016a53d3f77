#include "workers/app/arguments.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "common/config/arguments.hpp"
#include "common/config/nearest.hpp"
#include "common/task/task_spec.hpp"

namespace drover::workers {
namespace {

constexpr int kUsage = 2;
constexpr const char* kPurpose = "drover-worker: runs tasks";

constexpr const char* kHelp =
    "drover-worker: runs tasks\n\n"
    "  --connect URL        the broker's address for workers\n"
    "  --slots N            how many tasks run at once (default: one a processor core)\n"
    "  --prefetch N         how many more wait here (default: 0)\n"
    "  --types A,B          run tasks of these types alone\n"
    "  --agents DIR         the folder with agents' definitions (default: config/agents)\n"
    "  --capability X       what this worker can do; again for more\n"
    "  --label KEY=VALUE    what this worker is; again for more\n"
    "  --drain-timeout D    how long tasks may finish after SIGTERM (default: 30s)\n"
    "  --config FILE        settings to read (default: config/drover.yaml or\n"
    "                       /etc/drover/drover.yaml, the first that exists)\n"
    "  --PATH VALUE         any setting, such as --log.level debug\n"
    "  --version, --help\n\n"
    "SIGTERM and SIGINT drain: no new tasks, and what runs may finish. A second one gives back at\n"
    "once what runs. Exit: 0 drained, 2 usage, 70 a mistake of ours, 78 configuration.\n";

// The settings behind the short names.
const std::map<std::string, std::string>& setting_of_flag() {
  static const std::map<std::string, std::string> settings = {
      {"--connect", "worker.connect"},
      {"--slots", "worker.slots"},
      {"--prefetch", "worker.prefetch"},
      {"--agents", "worker.agents_dir"},
      {"--drain-timeout", "worker.drain_timeout"},
      {"--capability", "worker.capabilities"},
      {"--label", "worker.labels"},
      {"--types", ""},
  };
  return settings;
}

class Reader {
 public:
  Reader(int argc, const char* const* argv) : words_(argv + 1, argv + argc) {}

  WorkerArguments read() {
    while (at_ < words_.size() && !result_.exit_code) read_one(words_[at_++]);
    if (!result_.exit_code) add_gathered();
    if (!result_.exit_code) read_others();
    return std::move(result_);
  }

 private:
  void read_one(const std::string& word) {
    const auto equals = word.find('=');
    const auto flag = word.substr(0, equals);
    if (flag == "--help" || flag == "-h") return say_help();
    const auto setting = setting_of_flag().find(flag);
    if (setting == setting_of_flag().end()) return pass_on(word, flag, equals != std::string::npos);
    if (equals == std::string::npos && at_ == words_.size())
      return refuse(flag + " needs a value.");
    take(flag, setting->second,
         equals == std::string::npos ? words_[at_++] : word.substr(equals + 1));
  }

  void take(const std::string& flag, const std::string& path, const std::string& value) {
    if (flag == "--types") return take_types(value);
    if (flag == "--capability" || flag == "--label") {
      std::string& list = gathered_[flag];
      list += (list.empty() ? "" : ",") + value;
      return;
    }
    result_.overrides.push_back({path, value, flag});
  }

  void take_types(std::string_view value) {
    while (!value.empty()) {
      const auto end = std::min(value.find(','), value.size());
      const auto type = value.substr(0, end);
      if (!is_name(type)) return refuse(fmt::format("--types has '{}', which is no name.", type));
      result_.types.emplace_back(type);
      value.remove_prefix(std::min(end + 1, value.size()));
    }
    if (result_.types.empty()) refuse("--types needs a list such as a,b.");
  }

  // --config, --version and settings by their path are read as for every service.
  void pass_on(const std::string& word, const std::string& flag, bool has_value) {
    const bool known =
        flag == "--config" || flag == "--version" || flag.find('.') != std::string::npos;
    if (!known) {
      std::vector<std::string> flags = {"--config", "--version", "--help"};
      for (const auto& [name, path] : setting_of_flag()) flags.push_back(name);
      if (!word.starts_with("-")) return refuse(word + " is not expected here.");
      return refuse("there is no option " + flag + "." + config::did_you_mean(flag, flags));
    }
    others_.push_back(word);
    if (!has_value && flag != "--version" && at_ < words_.size()) others_.push_back(words_[at_++]);
  }

  void add_gathered() {
    for (const auto& [flag, list] : gathered_) {
      result_.overrides.push_back({setting_of_flag().at(flag), list, flag});
    }
  }

  void read_others() {
    std::vector<const char*> argv = {"drover-worker"};
    for (const auto& word : others_) argv.push_back(word.c_str());
    auto read = config::read_arguments(static_cast<int>(argv.size()), argv.data(), kPurpose);
    result_.config = std::move(read.config);
    result_.exit_code = read.exit_code;
    result_.overrides.insert(result_.overrides.end(), read.overrides.begin(), read.overrides.end());
  }

  void say_help() {
    std::fputs(kHelp, stdout);
    result_.exit_code = 0;
  }

  void refuse(const std::string& why) {
    std::fputs(fmt::format("drover-worker: {} See --help.\n", why).c_str(), stderr);
    result_.exit_code = kUsage;
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  std::vector<std::string> others_;
  std::map<std::string, std::string> gathered_;
  WorkerArguments result_;
};

}  // namespace

WorkerArguments read_worker_arguments(int argc, const char* const* argv) {
  return Reader(argc, argv).read();
}

}  // namespace drover::workers
