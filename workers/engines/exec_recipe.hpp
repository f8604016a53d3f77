// How to run a command as the handler of a task type: what an agent's definition or `drover work`
// says.
//
//   stdin    the task's payload, as it is; or nothing
//   stdout   `result`: all of it is the result, JSON if it is JSON, text or bytes otherwise
//            `lines`: a JSON object a line:
//              {"progress": 50, "message": "half of it"}
//              {"result": <any JSON>}
//              {"error": {"code": "X", "message": "...", "retryable": true, "retry_after_ms": 500}}
//              {"usage": {"input_tokens": 10, "output_tokens": 5, "cost_usd": 0.01}}
//   stderr   its last 8 KiB are the text of a failure
//   exit     0 = done; otherwise failed, by exit_codes fatal or to be tried again
//   environ  the worker's, and DROVER_TASK_ID, _TASK_TYPE, _ATTEMPT, _MAX_ATTEMPTS, _QUEUE, _TENANT
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.hpp"

namespace drover::workers {

// Which exit codes no further attempt can mend: usage, data, no input, no permission, configuration
// (sysexits.h), not executable, not found. All others, and signals, are worth another attempt.
struct ExitCodes {
  std::set<int> fatal = {64, 65, 66, 77, 78, 126, 127};

  bool is_fatal(int code) const { return fatal.contains(code); }
};

enum class ExecInput : std::uint8_t { payload, none };
enum class ExecOutputMode : std::uint8_t { result, lines };

struct ExecRecipe {
  std::vector<std::string> command;  // program and arguments; no shell
  ExecInput input = ExecInput::payload;
  ExecOutputMode output = ExecOutputMode::result;
  Duration timeout{0};           // of its own, beside the task's; 0 = none
  Duration kill_grace = 3s;      // between SIGTERM and SIGKILL when its own timeout is over
  std::uint64_t memory_max = 0;  // bytes for each process (RLIMIT_DATA); 0 = no limit
  std::uint64_t output_max = 256 * 1024;  // bytes of stdout, or of one line
  ExitCodes exit_codes;
  std::vector<std::pair<std::string, std::string>> env;
};

}  // namespace drover::workers
