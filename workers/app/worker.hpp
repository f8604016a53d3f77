// A worker as a process: what `drover-worker` is, and what `drover work` becomes.
//
// Threads: the one that calls run_worker is the loop, which owns the socket and all state; a thread
// for each slot; ZeroMQ's one. SIGTERM and SIGINT drain, a second one hurries.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.hpp"
#include "common/config/load.hpp"
#include "common/transport/key_file.hpp"

namespace drover::workers {

// A command that runs tasks of one type, without an agent's definition: `drover work TYPE -- ...`.
struct CommandWorker {
  std::string type;
  std::vector<std::string> command;  // program and arguments; no shell
};

struct WorkerOptions {
  std::string connect;         // tcp://127.0.0.1:7701
  transport::ClientKeys keys;  // for a secured broker
  std::uint32_t slots = 0;     // 0 = one a processor core
  std::uint32_t prefetch = 0;
  Duration drain_timeout = 30s;
  Duration cancel_grace = 5s;  // not above the broker's
  std::vector<std::string> capabilities;
  std::map<std::string, std::string> labels;
  std::string agents_dir;                 // "" = no agents
  bool agents_wanted = false;             // the folder was asked for by name: it must be there
  bool builtin = false;                   // run test.echo and its like
  std::uint64_t output_max = 256 * 1024;  // of a command, unless its agent says otherwise
  std::vector<std::string> types;         // run these alone; empty = all that there are
  std::optional<CommandWorker> command;   // run this alone; agents and builtin do not count
};

// The options that the settings give.
WorkerOptions worker_options(const config::Loaded& loaded);

// Runs a worker until it has drained. Returns the process's exit code: 0 drained, 70 a mistake of
// ours, 78 the configuration cannot work, or the broker will never have this worker.
//
// Call it once, from the main thread, before the process has children or threads that take signals;
// a log::Session is open. It blocks SIGTERM and SIGINT, ignores SIGPIPE and makes the process the
// reaper of its orphans. If a native handler has not returned by then, exit() leaves at once,
// without destructors, when main returns.
int run_worker(const WorkerOptions& options);

}  // namespace drover::workers
