// Keeps programs running: starts them, prints what they say, starts them again when they die, stops
// them in the right order.
//
//   start -> runs -> died -> (back-off) -> runs ...
//                      '---> a code that a new start would not change: `failure`, all are stopped
//
// One thread, the main one. Nothing waits longer than it is told to.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/child.hpp"
#include "cli/context.hpp"

namespace drover::cli {

// True for the exit codes of a service that cannot work however often it is started: 2 usage, 65
// damaged store, 73 store in use, 78 configuration.
bool is_final(int exit_code);

// How long to wait before a start after so many deaths in a row: 0.5 s, doubled, at most 30 s.
Duration restart_pause(int deaths);

class Supervisor {
 public:
  explicit Supervisor(Context& context) : context_(context) {}

  // A program to keep running; returns its place. `name` stands before its lines.
  std::size_t add(const std::string& name, std::vector<std::string> argv);
  Result<void> start(std::size_t place);

  // Waits for at most `timeout` (less when something happens), prints, and restarts what died.
  // False once something has failed for good, or the user wants to stop.
  bool round(Duration timeout);
  const std::optional<Error>& failure() const { return failure_; }

  // Stops the programs from `first` to the end of the list: SIGTERM, a second one when the user
  // asks again, SIGKILL after `patience` or when the user asks a third time.
  void stop(std::size_t first, Duration patience);

  std::vector<pid_t> pids(std::size_t first) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Program {
    std::string name;
    std::vector<std::string> argv;
    std::optional<Child> child;
    std::string last_line;
    int deaths = 0;  // in a row
    Clock::time_point started_at;
    std::optional<Clock::time_point> start_at;  // again
  };

  void print_lines(Program& program);
  void say(const Program& program, std::string_view line);
  void look_after(Program& program);
  void on_end(Program& program, int code);
  bool are_running(std::size_t first);
  void wait_for_output(Duration timeout);

  Context& context_;
  std::vector<Program> programs_;
  std::optional<Error> failure_;
};

}  // namespace drover::cli
