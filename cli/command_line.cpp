#include "cli/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iterator>

#include "common/config/nearest.hpp"
#include "common/config/value.hpp"

namespace drover::cli {

struct Verb::Impl {
  CLI::App* app = nullptr;
  std::unique_ptr<CLI::App> owned;  // of the root
  std::function<int()> action;
  std::vector<std::string>* rest = nullptr;
  std::vector<std::shared_ptr<Impl>> verbs;
};

namespace {

constexpr int kHelpColumn = 28;

// A value that cannot be read, on its way out of CLI11.
[[noreturn]] void refuse(const std::string& names, const std::string& what) {
  throw CLI::ValidationError(names.substr(names.rfind("--")), what);
}

bool is_named(const CLI::App& app, const std::string& word) {
  const auto& aliases = app.get_aliases();
  return app.get_name() == word || std::find(aliases.begin(), aliases.end(), word) != aliases.end();
}

CLI::Option& again_for_more(CLI::Option& option) {
  return *option.trigger_on_parse()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

// The verb that was read furthest down.
const CLI::App& deepest(const CLI::App& root) {
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
    names.insert(names.end(), verb->get_aliases().begin(), verb->get_aliases().end());
  }
  return names;
}

// The options of a verb and of all above it.
std::vector<std::string> option_names(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const auto* option : app->get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

// "task show"; nothing for the root.
std::string full_name(const CLI::App* app) {
  if (app->get_parent() == nullptr) return "";
  const auto above = full_name(app->get_parent());
  return above.empty() ? app->get_name() : above + " " + app->get_name();
}

void print(std::FILE* to, const std::string& text) { std::fputs(text.c_str(), to); }

}  // namespace

// --- verbs

Verb Verb::verb(const std::string& name, const std::string& says,
                const std::vector<std::string>& aliases) {
  auto below = std::make_shared<Impl>();
  below->app = impl_->app->add_subcommand(name, says);
  below->app->fallthrough();
  below->app->group("Commands");
  below->app->footer("");
  for (const auto& alias : aliases) below->app->alias(alias);
  impl_->app->require_subcommand(1);
  impl_->verbs.push_back(below);
  return Verb(below);
}

Verb& Verb::word(std::string& target, const std::string& name, const std::string& says,
                 bool required) {
  impl_->app->add_option(name, target, says)->required(required)->type_name("");
  return *this;
}

Verb& Verb::words(std::vector<std::string>& target, const std::string& name,
                  const std::string& says, bool required) {
  impl_->app->add_option(name, target, says)->required(required)->type_name("");
  return *this;
}

Verb& Verb::rest(std::vector<std::string>& target, const std::string& name,
                 const std::string& says) {
  impl_->rest = &target;
  return footer(fmt::format("  -- {:<{}}{}", name, kHelpColumn - 5, says));
}

Verb& Verb::flag(bool& target, const std::string& names, const std::string& says) {
  impl_->app->add_flag(names, target, says);
  return *this;
}

Verb& Verb::option(std::string& target, const std::string& names, const std::string& value,
                   const std::string& says) {
  impl_->app->add_option(names, target, says)->type_name(value);
  return *this;
}

Verb& Verb::option(std::optional<std::string>& target, const std::string& names,
                   const std::string& value, const std::string& says) {
  return option(
      [&target](const std::string& text) {
        target = text;
        return Result<void>();
      },
      names, value, says);
}

Verb& Verb::option(std::optional<Duration>& target, const std::string& names,
                   const std::string& says) {
  return option(
      [&target](const std::string& text) -> Result<void> {
        const auto duration = parse_duration(text);
        if (!duration) return duration.error();
        target = *duration;
        return {};
      },
      names, "DURATION", says);
}

Verb& Verb::option(std::optional<std::uint32_t>& target, const std::string& names,
                   std::uint32_t least, std::uint32_t most, const std::string& says) {
  return option(
      [&target, least, most](const std::string& text) -> Result<void> {
        const auto number = config::parse_count(text);
        if (!number || *number < least || *number > most) {
          return Error{Errc::invalid_argument,
                       fmt::format("'{}' is no whole number from {} to {}", text, least, most)};
        }
        target = static_cast<std::uint32_t>(*number);
        return {};
      },
      names, "N", says);
}

Verb& Verb::option(std::vector<std::string>& target, const std::string& names,
                   const std::string& value, const std::string& says) {
  again_for_more(*impl_->app->add_option_function<std::string>(
                     names, [&target](const std::string& text) { target.push_back(text); }, says))
      .type_name(value);
  return *this;
}

Verb& Verb::option(std::vector<std::pair<std::string, std::string>>& target,
                   const std::string& names, const std::string& says) {
  const auto read = [&target, names](const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) refuse(names, fmt::format("'{}' is no KEY=VALUE", text));
    target.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  };
  again_for_more(*impl_->app->add_option_function<std::string>(names, read, says))
      .type_name("KEY=VALUE");
  return *this;
}

Verb& Verb::option(const std::function<Result<void>(const std::string&)>& take,
                   const std::string& names, const std::string& value, const std::string& says) {
  const auto read = [take, names](const std::string& text) {
    if (const auto taken = take(text); !taken) refuse(names, taken.error().message);
  };
  impl_->app->add_option_function<std::string>(names, read, says)->type_name(value);
  return *this;
}

Verb& Verb::footer(const std::string& text) {
  const auto before = impl_->app->get_footer();
  impl_->app->footer(before.empty() ? text : before + "\n" + text);
  return *this;
}

void Verb::does(std::function<int()> action) { impl_->action = std::move(action); }

// --- the whole line

CommandLine::CommandLine(const std::string& name, const std::string& says)
    : root_(std::make_shared<Verb::Impl>()) {
  root_.impl_->owned = std::make_unique<CLI::App>(says, name);
  root_.impl_->app = root_.impl_->owned.get();
  auto& app = *root_.impl_->app;
  app.get_formatter()->column_width(kHelpColumn);
  app.get_formatter()->label("REQUIRED", "");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("Positionals", "Words");
}

CommandLine::~CommandLine() = default;

int CommandLine::run(std::vector<std::string> words) {
  auto& app = *root_.impl_->app;
  try {
    cut_rest(words);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    print(stdout, app.help());
    return kOk;
  } catch (const CLI::ParseError& error) {
    return explain(error.what());
  }
  return carry_out();
}

// Takes what follows `--` out of the words, if the verb wants it unread.
void CommandLine::cut_rest(std::vector<std::string>& words) {
  const auto dashes = std::find(words.begin(), words.end(), "--");
  for (auto word = words.begin(); word != dashes; ++word) {
    for (const auto& verb : root_.impl_->verbs) {
      if (verb->rest == nullptr || !is_named(*verb->app, *word)) continue;
      if (dashes != words.end()) verb->rest->assign(dashes + 1, words.end());
      words.erase(dashes, words.end());
      return;
    }
    // The first word that is no option, nor an option's value, is the verb.
    if (!word->starts_with("-")) return;
    const bool has_value = *word == "--config" || *word == "--url";
    if (has_value && word + 1 != dashes) ++word;
  }
}

int CommandLine::carry_out() {
  const auto* verb = root_.impl_.get();
  while (verb->action == nullptr) {
    const auto used = [](const auto& below) { return below->app->parsed(); };
    const auto below = std::find_if(verb->verbs.begin(), verb->verbs.end(), used);
    if (below == verb->verbs.end()) return kUsage;
    verb = below->get();
  }
  return verb->action();
}

// What is wrong, in our words where we know better than CLI11.
int CommandLine::explain(const std::string& fallback) {
  const auto& root = *root_.impl_->app;
  const auto& app = deepest(root);
  const auto name = full_name(&app);
  const auto before = name.empty() ? "" : name + " ";
  const auto left = root.remaining(true);
  const auto unknown =
      std::find_if(left.begin(), left.end(), [](const std::string& word) { return word != "--"; });
  std::string message = fallback;
  const auto verbs = verb_names(app);
  if (unknown != left.end() && unknown->starts_with("-")) {
    const auto bare = unknown->substr(0, unknown->find('='));
    message = fmt::format("{} {}.{}", name.empty() ? "there is no option" : name + " has no option",
                          bare, config::did_you_mean(bare, option_names(&app)));
  } else if (unknown != left.end() && !verbs.empty()) {
    message = fmt::format("there is no command '{}{}'.{}", before, *unknown,
                          config::did_you_mean(*unknown, verbs));
  } else if (unknown != left.end()) {
    message = fmt::format("'{}' is not expected here.", *unknown);
  } else if (!verbs.empty()) {
    print(stderr, root.help());
    return kUsage;
  } else if (!message.ends_with('.')) {
    message += '.';
  }
  complain_({Errc::invalid_argument, fmt::format("{} See drover {}--help.", message, before)});
  return kUsage;
}

}  // namespace drover::cli
