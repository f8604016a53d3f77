#include "workers/engines/exec_engine.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>

#include "workers/engines/child_process.hpp"
#include "workers/engines/exec_output.hpp"

namespace drover::workers {
namespace {

using std::chrono::steady_clock;

std::vector<std::string> environment_for(const ExecRecipe& recipe, const AttemptContext& attempt) {
  std::map<std::string, std::string> values;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      values[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : recipe.env) values[name] = value;
  values["DROVER_TASK_ID"] = to_string(attempt.task);
  values["DROVER_TASK_TYPE"] = attempt.type;
  values["DROVER_ATTEMPT"] = std::to_string(attempt.attempt);
  values["DROVER_MAX_ATTEMPTS"] = std::to_string(attempt.max_attempts);
  values["DROVER_QUEUE"] = attempt.queue;
  values["DROVER_TENANT"] = attempt.tenant;
  std::vector<std::string> list;
  for (const auto& [name, value] : values) list.push_back(fmt::format("{}={}", name, value));
  return list;
}

// One run of a command, from its start to the last of its processes.
class ExecRun {
 public:
  ExecRun(const ExecRecipe& recipe, const AttemptContext& attempt, ChildProcess child)
      : recipe_(recipe),
        attempt_(attempt),
        child_(std::move(child)),
        output_(recipe, attempt.progress),
        unwritten_(attempt.payload) {
    if (recipe.timeout > 0ms) time_out_at_ = steady_clock::now() + recipe.timeout;
  }

  AttemptResult run() {
    while (!ended_) turn(exit_patience());
    await_group();
    child_.end_group();
    drain(child_.out, &ExecOutput::take_stdout);
    drain(child_.err, &ExecOutput::take_stderr);
    return conclude();
  }

 private:
  static constexpr Duration kGroupLook = 10ms;  // orphans have no descriptor that tells their end

  bool stopping() const { return kill_at_.has_value(); }

  // When the command was told to stop and has gone, the rest of its group, which was told as well,
  // has what is left of the grace. (Told once: to many programs a second SIGTERM means hurry.)
  void await_group() {
    while (stopping() && !killed_ && child_.group_lives()) turn(kGroupLook);
  }

  // How long nothing may happen before the clock does.
  Duration exit_patience() const {
    auto next = steady_clock::now() + std::chrono::seconds(60);
    if (!stopping() && time_out_at_) next = std::min(next, *time_out_at_);
    if (stopping() && !killed_) next = std::min(next, *kill_at_);
    return std::max(Duration(0), std::chrono::ceil<Duration>(next - steady_clock::now()));
  }

  // Waits for something to happen, `patience` at most, and does what is due.
  void turn(Duration patience) {
    std::array<pollfd, 5> watch = {{{child_.in.get(), POLLOUT, 0},
                                    {child_.out.get(), POLLIN, 0},
                                    {child_.err.get(), POLLIN, 0},
                                    {ended_ ? -1 : child_.exit_fd(), POLLIN, 0},
                                    {attempt_.stop.fd(), POLLIN, 0}}};
    if (poll(watch.data(), watch.size(), static_cast<int>(patience.count())) > 0) {
      if (watch[0].revents) feed();
      if (watch[1].revents) read_once(child_.out, &ExecOutput::take_stdout);
      if (watch[2].revents) read_once(child_.err, &ExecOutput::take_stderr);
      if (watch[3].revents) ended_ = true;
      if (watch[4].revents) attempt_.stop.heard();
    }
    obey();
  }

  // Writes what stdin takes; a command that does not want it all is left in peace.
  void feed() {
    const ssize_t written = write(child_.in.get(), unwritten_.data(), unwritten_.size());
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (written > 0) unwritten_.remove_prefix(static_cast<std::size_t>(written));
    if (written < 0 || unwritten_.empty()) child_.in.reset();
  }

  // True if there may be more.
  bool read_once(Descriptor& from, void (ExecOutput::*take)(std::string_view)) {
    std::array<char, 16 * 1024> buffer;
    const ssize_t bytes = read(from.get(), buffer.data(), buffer.size());
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return errno == EINTR;
    if (bytes <= 0) {
      from.reset();
      return false;
    }
    (output_.*take)({buffer.data(), static_cast<std::size_t>(bytes)});
    return true;
  }

  void drain(Descriptor& from, void (ExecOutput::*take)(std::string_view)) {
    while (from && read_once(from, take)) {
    }
  }

  // Brings the command to its end where someone or something wants it.
  void obey() {
    const auto now = steady_clock::now();
    if (const auto force_at = attempt_.stop.force_at()) terminate(*force_at);
    if (time_out_at_ && now >= *time_out_at_ && !stopping()) {
      timed_out_ = true;
      terminate(now + recipe_.kill_grace);
    }
    if (output_.overflowed() && !killed_) terminate(now);
    if (stopping() && now >= *kill_at_ && !killed_) {
      killed_ = true;
      child_.signal_group(SIGKILL);
    }
  }

  void terminate(SteadyTime kill_at) {
    if (!stopping()) child_.signal_group(SIGTERM);
    kill_at_ = kill_at_ ? std::min(*kill_at_, kill_at) : kill_at;
  }

  AttemptResult conclude() {
    if (!timed_out_ || output_.overflowed()) return output_.conclude(child_.status());
    auto result = output_.failure(
        Errc::timed_out, fmt::format("the command ran longer than {}", to_string(recipe_.timeout)),
        true);
    result.outcome = Outcome::timed_out;
    return result;
  }

  const ExecRecipe& recipe_;
  const AttemptContext& attempt_;
  ChildProcess child_;
  ExecOutput output_;
  std::string_view unwritten_;
  bool ended_ = false;  // the command itself, not all of its group
  bool killed_ = false;
  bool timed_out_ = false;
  std::optional<SteadyTime> time_out_at_;
  std::optional<SteadyTime> kill_at_;  // once it was told to stop
};

}  // namespace

AttemptResult ExecEngine::run(const AttemptContext& attempt) {
  Command command;
  command.argv = recipe_.command;
  command.environment = environment_for(recipe_, attempt);
  command.memory_max = recipe_.memory_max;
  command.with_stdin = recipe_.input == ExecInput::payload;
  auto child = ChildProcess::spawn(keeper_, command);
  if (!child) {
    const bool retryable = child.error().code == Errc::resource_exhausted;
    return failed(Errc::exec_failed, child.error().message, retryable);
  }
  return ExecRun(recipe_, attempt, std::move(*child)).run();
}

}  // namespace drover::workers
