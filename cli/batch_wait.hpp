// Waiting for a whole batch: follows the status bus until the last of its tasks has ended.
//
// Listens before anything is submitted, so no end can be missed. Each task is fetched when its end
// is told. A gap in the bus makes every open task be looked at.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <unordered_map>

#include <nlohmann/json_fwd.hpp>

#include "cli/context.hpp"
#include "drover/follow.hpp"

namespace drover::cli {

class BatchWait {
 public:
  // Told of each task that has ended.
  using OnEnd = std::function<void(std::uint64_t line, nlohmann::json task)>;

  // The client outlives it. Errors as of Follower::start.
  static Result<BatchWait> start(Context& context, Client& client, OnEnd on_end);

  void add(std::uint64_t line, const Submitted& task);

  // Until all have ended. Errors: WAIT_TIMED_OUT (the tasks go on), CANCELLED.
  Result<void> run(std::optional<Duration> timeout);

  std::size_t open() const { return open_.size(); }

 private:
  struct Open {
    std::uint64_t line;
    TaskState state;
  };

  BatchWait(Context& context, Client& client, Follower follower, OnEnd on_end);
  void take(const Followed& followed);
  void take_event(const BusEvent& event);
  Result<void> fetch_ended();
  void show_progress(StatusLine& line);
  std::string progress() const;

  Context& context_;
  Client& client_;
  Follower follower_;
  OnEnd on_end_;
  std::unordered_map<TaskId, Open> open_;
  std::vector<TaskId> ended_;  // to be fetched
  std::size_t all_ = 0;
  std::size_t dead_ = 0;
  std::chrono::steady_clock::time_point said_at_{};
};

}  // namespace drover::cli
