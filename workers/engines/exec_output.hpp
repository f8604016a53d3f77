// What a command says, gathered while it runs: the result from stdout, whole or in lines, progress
// on the way, and the tail of stderr.
//
// It never holds more than the recipe's output_max of stdout and twice the tail of stderr.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workers/engines/engine.hpp"
#include "workers/engines/exec_recipe.hpp"

namespace drover::workers {

inline constexpr std::size_t kStderrTail = 8 * 1024;

class ExecOutput {
 public:
  // Both outlive this.
  ExecOutput(const ExecRecipe& recipe, const ProgressFn& progress)
      : recipe_(recipe), progress_(progress) {}

  void take_stdout(std::string_view bytes);
  void take_stderr(std::string_view bytes);

  // There is more than output_max: the command may be ended.
  bool overflowed() const { return overflowed_; }

  // How the attempt ended, from what was said and how the command ended: `status` is of waitpid.
  AttemptResult conclude(int status);

  // A failure of the attempt with the tail of stderr behind the message.
  AttemptResult failure(Errc code, std::string message, bool retryable) const;

 private:
  // What an error line says; nothing said of `retryable` leaves it to the exit code.
  struct Said {
    std::string code;
    std::string message;
    std::optional<bool> retryable;
    Duration retry_after{0};
  };

  void take_lines();
  void take_line(std::string_view line);
  AttemptResult completed();
  AttemptResult told_failure(int status) const;
  std::string tail(std::size_t room) const;

  const ExecRecipe& recipe_;
  const ProgressFn& progress_;
  std::string stdout_;  // all of it, or what is not yet a line
  std::string stderr_;
  bool overflowed_ = false;
  std::optional<std::string> result_;  // of a result line
  std::optional<Said> error_;          // of an error line
  std::string bad_line_;               // why the first bad line is bad
  Usage usage_;
};

// "exit code 3", "signal 11 (Segmentation fault)".
std::string describe_status(int status);

}  // namespace drover::workers
