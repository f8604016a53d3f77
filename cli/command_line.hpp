// The command line: verbs, their words and options, and what each does.
//
// A verb is declared beside the code that carries it out (commands/), into variables that outlive
// the run. CLI11 does the reading and stays out of sight. Mistakes end with exit code 2, one line
// that says what is wrong, and the nearest thing that there is.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace drover::cli {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnreachable = 3;
inline constexpr int kNotFound = 4;
inline constexpr int kEndedOtherwise = 5;
inline constexpr int kWaitTimedOut = 6;
// As the services end, for commands that use the store's files themselves.
inline constexpr int kStoreDamaged = 65;
inline constexpr int kStoreInUse = 73;
inline constexpr int kStoreTooNew = 78;
inline constexpr int kInterrupted = 130;

class Verb {
 public:
  // A verb below this one: `task` has `show`. Aliases are other spellings of the same.
  Verb verb(const std::string& name, const std::string& says,
            const std::vector<std::string>& aliases = {});

  // Words without a dash, in the order of their declaration.
  Verb& word(std::string& target, const std::string& name, const std::string& says,
             bool required = true);
  Verb& words(std::vector<std::string>& target, const std::string& name, const std::string& says,
              bool required = true);

  // What follows a `--`, unread.
  Verb& rest(std::vector<std::string>& target, const std::string& name, const std::string& says);

  // Options. `names` is "--queue" or "-q,--quiet"; `value` stands for the value in the help.
  Verb& flag(bool& target, const std::string& names, const std::string& says);
  Verb& option(std::string& target, const std::string& names, const std::string& value,
               const std::string& says);
  Verb& option(std::optional<std::string>& target, const std::string& names,
               const std::string& value, const std::string& says);
  Verb& option(std::optional<Duration>& target, const std::string& names, const std::string& says);
  Verb& option(std::optional<std::uint32_t>& target, const std::string& names, std::uint32_t least,
               std::uint32_t most, const std::string& says);
  // May be given again for more; the second is KEY=VALUE.
  Verb& option(std::vector<std::string>& target, const std::string& names, const std::string& value,
               const std::string& says);
  Verb& option(std::vector<std::pair<std::string, std::string>>& target, const std::string& names,
               const std::string& says);
  // `take` reads the value, once; its error's message says what was expected.
  Verb& option(const std::function<Result<void>(const std::string&)>& take,
               const std::string& names, const std::string& value, const std::string& says);

  // A line or more below the help: examples.
  Verb& footer(const std::string& text);

  // What it does; returns the exit code. A verb without this needs one below it.
  void does(std::function<int()> action);

  struct Impl;

 private:
  friend class CommandLine;
  explicit Verb(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& says);
  ~CommandLine();

  Verb& root() { return root_; }

  // Called when something is wrong with the words: code INVALID_ARGUMENT, a sentence. Prints.
  void set_complain(std::function<void(const Error&)> complain) { complain_ = std::move(complain); }

  // Reads the words (without the program's name) and does what they say.
  int run(std::vector<std::string> words);

 private:
  int carry_out();
  int explain(const std::string& fallback);
  void cut_rest(std::vector<std::string>& words);

  Verb root_;
  std::function<void(const Error&)> complain_;
};

}  // namespace drover::cli
