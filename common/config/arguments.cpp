#include "common/config/arguments.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "common/config/nearest.hpp"
#include "common/config/option_list.hpp"
#include "drover_version.hpp"

namespace drover::config {
namespace {

constexpr int kUsage = 2;

constexpr const char* kHelp =
    "{purpose}\n\n"
    "  --config FILE     settings to read (default: config/drover.yaml or\n"
    "                    /etc/drover/drover.yaml, the first that exists)\n"
    "  --PATH VALUE      any setting, such as --log.level debug\n"
    "  --version, --help\n\n"
    "`drover config show` lists the settings; config/drover.yaml says what they mean.\n";

class ArgumentReader {
 public:
  ArgumentReader(int argc, const char* const* argv, std::string_view purpose)
      : words_(argv + 1, argv + argc), purpose_(purpose), options_(declare_options(settings_)) {}

  Arguments read() {
    while (at_ < words_.size() && !result_.exit_code) read_one(words_[at_++]);
    return std::move(result_);
  }

 private:
  void read_one(const std::string& word) {
    if (word == "--help" || word == "-h")
      return say(fmt::format(fmt::runtime(kHelp), fmt::arg("purpose", purpose_)));
    if (word == "--version") return say(fmt::format("{}\n", kVersion));
    if (!word.starts_with("--") || word.size() == 2) return refuse(word + " is not expected here.");
    const auto equals = word.find('=');
    const auto flag = word.substr(0, equals);
    const auto path = flag.substr(2);
    if (path != "config" && options_.find(path) == nullptr) {
      return refuse("there is no option " + flag + "." + did_you_mean(path, options_.paths()));
    }
    if (equals == std::string::npos && at_ == words_.size())
      return refuse(flag + " needs a value.");
    take(flag, path, equals == std::string::npos ? words_[at_++] : word.substr(equals + 1));
  }

  void take(const std::string& flag, const std::string& path, std::string value) {
    if (path == "config") {
      result_.config = std::move(value);
    } else {
      result_.overrides.push_back({path, std::move(value), flag});
    }
  }

  void say(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    result_.exit_code = 0;
  }

  void refuse(const std::string& why) {
    const auto name = purpose_.substr(0, purpose_.find(':'));
    std::fputs(fmt::format("{}: {} See --help.\n", name, why).c_str(), stderr);
    result_.exit_code = kUsage;
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  std::string_view purpose_;
  Settings settings_;
  OptionList options_;
  Arguments result_;
};

}  // namespace

Arguments read_arguments(int argc, const char* const* argv, std::string_view purpose) {
  return ArgumentReader(argc, argv, purpose).read();
}

}  // namespace drover::config
