#include "cli/supervisor.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "drover/body.hpp"

namespace drover::cli {
namespace {

constexpr Duration kLook = 100ms;                   // how soon a death is noticed, at the latest
constexpr auto kSteady = std::chrono::seconds(60);  // who runs this long has recovered
constexpr auto kSameRequest = std::chrono::seconds(1);
constexpr std::size_t kNameWidth = 9;

// A line of a service's log, in words where it is JSON.
std::string in_words(const std::string& line) {
  const auto json = line.starts_with("{") ? parse_json(line) : Result<nlohmann::json>(Error{});
  if (!json || text_of(*json, "message").empty()) return line;
  const auto reason = text_of(*json, "reason");
  return text_of(*json, "message") + (reason.empty() ? "" : ": " + reason);
}

}  // namespace

bool is_final(int exit_code) {
  return exit_code == 2 || exit_code == 65 || exit_code == 73 || exit_code == 78;
}

Duration restart_pause(int deaths) {
  const int doublings = std::clamp(deaths - 1, 0, 6);
  return std::min<Duration>(500ms * (1 << doublings), 30s);
}

std::size_t Supervisor::add(const std::string& name, std::vector<std::string> argv) {
  Program program;
  program.name = name;
  program.argv = std::move(argv);
  programs_.push_back(std::move(program));
  return programs_.size() - 1;
}

Result<void> Supervisor::start(std::size_t place) {
  auto& program = programs_[place];
  program.start_at.reset();
  auto child = Child::start(program.argv);
  if (!child) return child.error();
  program.child.emplace(std::move(*child));
  program.started_at = Clock::now();
  return {};
}

std::vector<pid_t> Supervisor::pids(std::size_t first) const {
  std::vector<pid_t> all;
  for (std::size_t i = first; i < programs_.size(); ++i) {
    if (programs_[i].child) all.push_back(programs_[i].child->pid());
  }
  return all;
}

// --- what they print

// A line as it came; on a terminal with who said it.
void Supervisor::say(const Program& program, std::string_view line) {
  const auto& err = context_.terminal.err;
  if (!err.terminal) {
    fmt::print(stderr, "{}\n", line);
    return;
  }
  const auto who = fmt::format("{:<{}}| ", program.name, kNameWidth);
  fmt::print(stderr, "{}{}\n", err.paint(Colour::dim, who), line);
}

void Supervisor::print_lines(Program& program) {
  program.child->read_lines([&](std::string_view line) {
    if (!line.empty()) program.last_line = line;
    say(program, line);
  });
}

void Supervisor::wait_for_output(Duration timeout) {
  std::vector<pollfd> fds;
  if (!Context::is_interrupted()) fds.push_back({Context::stop_fd(), POLLIN, 0});
  for (const auto& program : programs_) {
    if (program.child) fds.push_back({program.child->output_fd(), POLLIN, 0});
  }
  poll(fds.data(), fds.size(), static_cast<int>(std::min(timeout, kLook).count()));
}

// --- keeping them running

bool Supervisor::round(Duration timeout) {
  wait_for_output(timeout);
  for (auto& program : programs_) look_after(program);
  return !failure_ && !Context::is_interrupted();
}

void Supervisor::look_after(Program& program) {
  if (program.child) {
    const auto code = program.child->ended();
    print_lines(program);
    if (code) on_end(program, *code);
  } else if (program.start_at && Clock::now() >= *program.start_at) {
    const auto started = start(static_cast<std::size_t>(&program - programs_.data()));
    if (!started) failure_ = started.error();
  }
}

void Supervisor::on_end(Program& program, int code) {
  const bool was_steady = Clock::now() - program.started_at >= kSteady;
  program.child.reset();
  if (is_final(code)) {
    const auto words = program.last_line.empty() ? "" : ": " + in_words(program.last_line);
    failure_ = Error{Errc::internal,
                     fmt::format("{} ended with exit code {}{}", program.name, code, words)};
    return;
  }
  program.deaths = was_steady ? 1 : program.deaths + 1;
  const auto pause = restart_pause(program.deaths);
  program.start_at = Clock::now() + pause;
  context_.warn(fmt::format("{} ended with exit code {}; it is started again in {}", program.name,
                            code, human(pause)));
}

// --- stopping them

bool Supervisor::are_running(std::size_t first) {
  bool any = false;
  for (std::size_t i = first; i < programs_.size(); ++i) {
    auto& program = programs_[i];
    program.start_at.reset();
    if (!program.child) continue;
    const auto ended = program.child->ended();
    print_lines(program);
    if (ended) {
      program.child.reset();
    } else {
      any = true;
    }
  }
  return any;
}

void Supervisor::stop(std::size_t first, Duration patience) {
  const auto send = [&](int signal) {
    for (std::size_t i = first; i < programs_.size(); ++i) {
      if (programs_[i].child) programs_[i].child->send(signal);
    }
  };
  const auto began = Clock::now();
  int asked_before = Context::interruptions();
  bool hurried = false, killed = false;
  send(SIGTERM);
  while (are_running(first)) {
    // Ctrl-C in a script's terminal and the script's own signal are one request.
    if (Clock::now() - began < kSameRequest) asked_before = Context::interruptions();
    const int again = Context::interruptions() - asked_before;
    if (again > 0 && !std::exchange(hurried, true)) send(SIGTERM);
    const bool over = again > 1 || Clock::now() - began >= patience;
    if (over && !std::exchange(killed, true)) send(SIGKILL);
    wait_for_output(kLook);
  }
}

}  // namespace drover::cli
