#include "broker/store/journal/inline_hands.hpp"

#include <utility>

namespace drover::broker::journal {
namespace {

template <class Work>
Work take_front(std::deque<Work>& queue) {
  Work work = std::move(queue.front());
  queue.pop_front();
  return work;
}

}  // namespace

bool InlineHands::pump_commit() {
  if (commits_.empty()) return false;
  Commit& commit = *commits_.front();
  if (written_) {
    commit.sync();
  } else {
    commit.write(io_);
  }
  written_ = !written_ && commit.outcome.has_value();
  if (!written_) finish_commit();
  return true;
}

void InlineHands::finish_commit() {
  const bool failed = !commits_.front()->outcome;
  commits_done_.push_back(take_front(commits_));
  if (failed) commits_.clear();
}

bool InlineHands::pump_chore() {
  if (chores_.empty()) return false;
  chores_.front().work(io_);
  chores_done_.push_back(take_front(chores_));
  return true;
}

std::unique_ptr<Commit> InlineHands::take_commit() {
  return commits_done_.empty() ? nullptr : take_front(commits_done_);
}

std::optional<Chore> InlineHands::take_chore() {
  if (chores_done_.empty()) return std::nullopt;
  return take_front(chores_done_);
}

void InlineHands::wait() {
  if (!pump_commit()) pump_chore();
}

void InlineHands::stop() {
  commits_.clear();
  chores_.clear();
}

}  // namespace drover::broker::journal
