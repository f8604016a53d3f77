// The hands of a broker: one thread for commits, one for chores.
//
// The commit thread knows no pause: it takes what waits, writes and syncs it and takes the next.
// The chore thread reads records, pages of events and segments to be cleaned, and makes and
// recycles spare segments. What is done is taken by the loop, which an eventfd wakes. Signals are
// for other threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "broker/store/journal/hands.hpp"
#include "common/files/waker.hpp"

namespace drover::broker::journal {

class ThreadHands final : public Hands {
 public:
  explicit ThreadHands(std::unique_ptr<Io> io);
  ~ThreadHands() override;

  Io& io() override { return *io_; }
  void start() override;
  void give(std::unique_ptr<Commit> commit) override;
  void give(Chore chore) override;
  std::unique_ptr<Commit> take_commit() override { return commits_.take(); }
  std::optional<Chore> take_chore() override;
  int wake_fd() const override { return waker_.fd(); }
  void acknowledge_wake() override { waker_.acknowledge(); }
  void wake() override { waker_.wake(); }
  void wait() override;
  void stop() override;

 private:
  // The queue into a thread and the one back out of it. Pointers, null for nothing.
  template <class Work>
  class Lane {
   public:
    void give(std::unique_ptr<Work> work);
    std::unique_ptr<Work> next();  // for the thread: waits; null when it should end
    void done(std::unique_ptr<Work> work);
    std::unique_ptr<Work> take();  // for the loop: does not wait
    void end();                    // drops what waits
    bool idle();                   // nothing is waiting or under way

   private:
    std::mutex mutex_;
    std::condition_variable given_;
    std::deque<std::unique_ptr<Work>> waiting_, done_;
    std::atomic<bool> has_done_ = false;  // spares the loop a lock when there is nothing
    bool busy_ = false, ended_ = false;
  };

  void run_commits();
  void run_chores();

  std::unique_ptr<Io> io_;
  files::Waker waker_;
  Lane<Commit> commits_;
  Lane<Chore> chores_;
  std::thread commit_thread_, chore_thread_;
};

}  // namespace drover::broker::journal
