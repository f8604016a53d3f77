// What every command has: the global options, the settings, the client, the terminal, and one way
// of saying what went wrong.
//
// The process is interrupted by SIGINT, SIGTERM and SIGHUP: stop_fd becomes readable, every wait
// ends, and the exit code is 130 (143, 129).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/command_line.hpp"
#include "cli/table.hpp"
#include "cli/terminal.hpp"
#include "common/base/result.hpp"
#include "common/config/load.hpp"
#include "drover/client.hpp"

namespace drover::cli {

class Context {
 public:
  Context() : terminal(Terminal::detect()) {}

  // The global options.
  bool json = false;
  bool quiet = false;
  std::optional<std::string> config_file;
  std::optional<std::string> url;

  Terminal terminal;

  // Warnings about the environment are said the first time. Error: BAD_CONFIGURATION.
  Result<config::Loaded> settings(std::vector<config::Override> overrides = {});

  // A client that has greeted the broker. Says on a terminal that it waits.
  Result<Client> client();

  // --- saying

  // Data, to stdout; a line end is added.
  void print(std::string_view text) const;
  void print(const Table& table) const;
  void print_json(const nlohmann::json& value) const;  // one line

  // Words for a person, to stderr, unless quiet. With --json stderr has JSON alone, a line each: a
  // note is left out, a warning is {"warning":...}.
  void note(std::string_view text) const;
  void warn(std::string_view text) const;

  // Says what went wrong, as a sentence or as JSON, and returns the exit code for it. `about` is
  // what stands beside the error for scripts, {"id":...} for instance; the message names it too.
  int fail(const Error& error) const;
  int fail(const Error& error, const nlohmann::json& about) const;

  // A list, as JSON or as a table; where nothing is in it, people are told so.
  void print_list(const nlohmann::json& list, const Table& table, std::string_view none) const;

  // --- being interrupted

  // From now on those signals are taken. Called once, at the start.
  static void take_signals();
  static int stop_fd();
  static bool is_interrupted() { return interruptions() > 0; }
  static int interruptions();  // how often it was asked: who asks again is in a hurry
  static int interrupted_code();

  // Waits, at most so long; true if it was interrupted.
  static bool pause(Duration duration);

 private:
  bool warned_ = false;
};

// How the broker of these settings is reached, and with which keys.
ClientOptions client_options(const config::Settings& settings);

// The exit code for an error. What the caller asked for wrongly is kUsage, whoever noticed it: this
// program or the broker.
int exit_code_of(Errc code);

// The error as scripts read it: {"error":{"code","message","field"?,"retry_after_ms"?}}
nlohmann::json error_json(const Error& error);

// The system's time, which instants of the broker are compared with.
Instant system_now();

// What `--since` takes everywhere: "1h" for an hour ago, or an instant.
std::optional<Instant> parse_since(const std::string& text);

// A task id, or the refusal that says so.
Result<TaskId> parse_task_id(const std::string& text);
Result<std::vector<TaskId>> parse_task_ids(const std::vector<std::string>& texts);

}  // namespace drover::cli
