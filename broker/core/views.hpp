// What the core answers when asked.
// Views are copies, good for as long as the caller keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/queues.hpp"
#include "broker/core/record.hpp"
#include "broker/core/task_table.hpp"

namespace drover::broker {

struct TaskView {
  TaskId id;
  std::string tenant, queue, type;
  Priority priority = Priority::normal;
  TaskState state = TaskState::ready;
  std::string waiting_for;  // time | pause | limit | rate | concurrency | capability | "" (its
                            // turn, or it does not wait)
  std::uint32_t attempt = 0;
  std::uint32_t failures = 0;
  std::uint32_t max_attempts = 0;
  Duration timeout{0};
  Backoff backoff;
  Instant created_at;
  Instant ready_at = kNever;    // kNever while it has not been in line
  Instant started_at = kNever;  // of the newest attempt
  Instant finished_at = kNever;
  Instant due_at = kNever;  // scheduled, retrying
  Instant expires_at = kNever;
  std::optional<WorkerId> worker;  // of the newest attempt
  std::string reason;              // of a death
  std::vector<Attempt> attempts;   // all of them, with the running or completed one last
  Labels labels;
  std::optional<std::uint32_t> progress_percent;
  std::string progress_message;
  Locator where;  // the record whose blob is the task as submitted, or the result if completed
};

struct WorkerView {
  WorkerId id;
  std::string host;
  std::uint64_t pid = 0;
  std::string state;  // idle | busy | draining
  std::vector<std::string> types, features;
  std::string tenant;  // the only one it works for; "" = any
  std::uint32_t slots = 0;
  std::uint32_t window = 0;
  std::uint32_t running = 0;
  Instant heard_at;
};

struct QueueView {
  std::string tenant, queue;
  QueueBooks books;
  std::optional<Duration> oldest_ready;  // among the first 1,000 of each line
  bool is_paused = false;
};

struct TaskFilter {
  std::optional<TaskState> state;
  std::string queue, type, tenant, reason;  // "" = any
  std::vector<std::string> queues;          // any of these; empty = any
  Instant since = kNever;                   // kNever = any; otherwise created at or after it
};

struct TaskPage {
  std::vector<TaskView> tasks;
  std::optional<std::uint64_t> next;  // where to go on; nullopt = all were seen
};

struct CoreFigures {
  std::uint64_t tasks = 0;  // known
  std::uint64_t waiting = 0, running = 0, dead = 0;
  std::uint64_t workers = 0, free_workers = 0;
  std::uint64_t keys = 0, keys_evicted = 0;
  std::uint64_t results_evicted = 0;  // forgotten before their result_ttl
  std::uint64_t live_bytes = 0;
  std::uint64_t duplicates = 0, stale = 0;
  std::uint64_t poisoned = 0;
};

}  // namespace drover::broker
