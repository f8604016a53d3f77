#include "broker/store/journal/thread_hands.hpp"

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <utility>

namespace drover::broker::journal {
namespace {

constexpr int kPatienceMs = 100;

std::uint64_t microseconds_since(std::chrono::steady_clock::time_point start) {
  const auto passed = std::chrono::steady_clock::now() - start;
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(passed).count());
}

// A thread that no signal is delivered to: a sync that one interrupts would count as failed.
template <class Run>
std::thread start_thread(const char* name, Run run) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(run);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace

// --- a lane

template <class Work>
void ThreadHands::Lane<Work>::give(std::unique_ptr<Work> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  given_.notify_one();
}

template <class Work>
std::unique_ptr<Work> ThreadHands::Lane<Work>::next() {
  std::unique_lock lock(mutex_);
  given_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
  if (ended_) return nullptr;
  auto work = std::move(waiting_.front());
  waiting_.pop_front();
  busy_ = true;
  return work;
}

template <class Work>
void ThreadHands::Lane<Work>::done(std::unique_ptr<Work> work) {
  const std::lock_guard lock(mutex_);
  busy_ = false;
  done_.push_back(std::move(work));
  has_done_ = true;
}

template <class Work>
std::unique_ptr<Work> ThreadHands::Lane<Work>::take() {
  if (!has_done_) return nullptr;
  const std::lock_guard lock(mutex_);
  if (done_.empty()) return nullptr;
  auto work = std::move(done_.front());
  done_.pop_front();
  has_done_ = !done_.empty();
  return work;
}

template <class Work>
void ThreadHands::Lane<Work>::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    waiting_.clear();
  }
  given_.notify_one();
}

template <class Work>
bool ThreadHands::Lane<Work>::idle() {
  const std::lock_guard lock(mutex_);
  return ended_ || (waiting_.empty() && !busy_);
}

// --- the hands

ThreadHands::ThreadHands(std::unique_ptr<Io> io) : io_(std::move(io)) {}

ThreadHands::~ThreadHands() { stop(); }

void ThreadHands::start() {
  commit_thread_ = start_thread("journal", [this] { run_commits(); });
  chore_thread_ = start_thread("journal-chores", [this] { run_chores(); });
}

void ThreadHands::give(std::unique_ptr<Commit> commit) { commits_.give(std::move(commit)); }
void ThreadHands::give(Chore chore) { chores_.give(std::make_unique<Chore>(std::move(chore))); }

std::optional<Chore> ThreadHands::take_chore() {
  auto chore = chores_.take();
  if (chore == nullptr) return std::nullopt;
  return std::move(*chore);
}

void ThreadHands::run_commits() {
  while (auto commit = commits_.next()) {
    const auto start = std::chrono::steady_clock::now();
    commit->write(*io_);
    if (commit->outcome) commit->sync();
    commit->microseconds = microseconds_since(start);
    const bool failed = !commit->outcome;
    commits_.done(std::move(commit));
    if (failed) commits_.end();
    wake();
  }
}

void ThreadHands::run_chores() {
  while (auto chore = chores_.next()) {
    chore->work(*io_);
    chores_.done(std::move(chore));
    wake();
  }
}

void ThreadHands::wait() {
  if (commits_.idle() && chores_.idle()) return;
  waker_.wait(kPatienceMs);
  waker_.acknowledge();
}

void ThreadHands::stop() {
  commits_.end();
  chores_.end();
  if (commit_thread_.joinable()) commit_thread_.join();
  if (chore_thread_.joinable()) chore_thread_.join();
}

}  // namespace drover::broker::journal
