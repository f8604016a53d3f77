// Hands without threads: the disk work is done when `pump` is called, one step at a time.
//
// Between two calls a test may cut the power, fail the disk or let time pass.
#pragma once

#include <deque>

#include "broker/store/journal/hands.hpp"

namespace drover::broker::journal {

class InlineHands final : public Hands {
 public:
  // `io` must outlive the hands.
  explicit InlineHands(Io& io) : io_(io) {}

  // The next step of the oldest commit: the write, then the sync. False if none is waiting.
  bool pump_commit();
  // The oldest chore. False if none is waiting.
  bool pump_chore();

  Io& io() override { return io_; }
  void start() override {}
  void give(std::unique_ptr<Commit> commit) override { commits_.push_back(std::move(commit)); }
  void give(Chore chore) override { chores_.push_back(std::move(chore)); }
  std::unique_ptr<Commit> take_commit() override;
  std::optional<Chore> take_chore() override;
  int wake_fd() const override { return -1; }
  void acknowledge_wake() override {}
  void wake() override {}
  void wait() override;
  void stop() override;

 private:
  void finish_commit();

  Io& io_;
  std::deque<std::unique_ptr<Commit>> commits_, commits_done_;
  std::deque<Chore> chores_, chores_done_;
  bool written_ = false;  // the oldest commit is, and waits for its sync
};

}  // namespace drover::broker::journal
