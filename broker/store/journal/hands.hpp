// The hands of the journal: who does its disk work, and when.
//
// The loop hands out commits and chores and takes them back when they are done; nothing else passes
// between it and the disk. A broker has threads (thread_hands.hpp); a test or the simulation does
// the work itself, step by step (inline_hands.hpp).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/store/journal/commit.hpp"
#include "broker/store/journal/io.hpp"

namespace drover::broker::journal {

// Any disk work that is not a commit. `work` runs elsewhere and touches only what it holds; `done`
// runs on the loop afterwards.
struct Chore {
  std::function<void(Io&)> work;
  std::function<void()> done;
};

class Hands {
 public:
  virtual ~Hands() = default;

  // The disk. The loop uses it by itself only before `start` and after `stop`.
  virtual Io& io() = 0;

  virtual void start() = 0;

  // Commits are done one after the other, in the order given; after one that failed, no more are.
  virtual void give(std::unique_ptr<Commit> commit) = 0;

  // Chores are done one after the other, in the order given, beside the commits.
  virtual void give(Chore chore) = 0;

  // Work that is done, in order; null and nullopt when there is no more now.
  virtual std::unique_ptr<Commit> take_commit() = 0;
  virtual std::optional<Chore> take_chore() = 0;

  // Readable when there is something to take; -1 without threads.
  virtual int wake_fd() const = 0;
  virtual void acknowledge_wake() = 0;
  // Makes wake_fd readable, for news that the loop made itself.
  virtual void wake() = 0;

  // Waits until work is done that was not taken yet, or none is left to wait for.
  virtual void wait() = 0;

  // Ends: what is under way is finished, what waits is dropped. Safe to call twice.
  virtual void stop() = 0;
};

}  // namespace drover::broker::journal
