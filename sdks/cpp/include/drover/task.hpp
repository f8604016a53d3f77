// What a producer hands in and what it gets back: the new task, and what became of it.
//
//   drover::NewTask task;
//   task.type = "code.review";
//   task.payload = R"({"path":"main.cpp"})";
//   task.priority = drover::Priority::high;
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/task/backoff.hpp"
#include "common/task/priority.hpp"
#include "common/task/task_spec.hpp"
#include "common/task/task_state.hpp"

namespace drover {

// A task to submit. What is not set is the broker's default. The bounds of each field are those of
// common/task/task_spec.hpp; they are checked before anything is sent.
struct NewTask {
  std::optional<TaskId> id =
      {};  // made when it is submitted; set it to repeat a submission of yours
  std::string type = {};
  std::string payload = "null";   // bytes; JSON unless content_type says otherwise
  std::string content_type = {};  // "" = application/json
  std::string queue = {};
  std::optional<Priority> priority = {};
  std::string tenant = {};
  std::string user_id = {};
  std::string agent_id = {};
  std::optional<Duration> delay = {};
  std::optional<Instant> not_before = {};
  std::optional<Duration> ttl = {};
  std::optional<Instant> expires_at = {};
  std::optional<Duration> timeout = {};
  std::optional<std::uint32_t> max_attempts = {};
  std::optional<Backoff> backoff = {};
  std::string idempotency_key = {};
  std::vector<std::string> required_capabilities = {};
  std::vector<std::pair<std::string, std::string>> required_labels = {};
  std::optional<Duration> result_ttl = {};
  std::string traceparent = {};
  std::vector<std::pair<std::string, std::string>> metadata = {};
  std::string gate = {};
  std::string concurrency_key = {};
  std::string rate_key = {};
  std::optional<std::uint32_t> rate_cost = {};

  // The same, borrowed: good while this task lives and does not change. The id is nil if not set.
  TaskSpec as_spec() const;
};

// What became of one submitted task.
struct Submitted {
  TaskId id = {};                      // the first task's, where an idempotency key was known
  TaskState state = TaskState::ready;  // where it stood when the broker answered
  bool duplicate = false;              // it was known already: nothing new was made
  std::string warning = {};            // such as: no worker runs this type now
  std::optional<Error> refused = {};   // then nothing was kept, and id is the one that was sent
};

}  // namespace drover
