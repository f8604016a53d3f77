#include "workers/engines/limited_engine.hpp"

namespace drover::workers {

AttemptResult LimitedEngine::run(const AttemptContext& attempt) {
  std::unique_lock lock(mutex_);
  const bool mine = freed_.wait(lock, attempt.stop.token(), [this] { return running_ < most_; });
  if (!mine || attempt.stop.token().stop_requested()) {
    AttemptResult released;
    released.outcome = Outcome::released;
    return released;
  }
  ++running_;
  lock.unlock();
  auto result = inner_->run(attempt);
  lock.lock();
  --running_;
  freed_.notify_one();
  return result;
}

}  // namespace drover::workers
