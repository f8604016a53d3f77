// An engine of which only so many attempts run at once; the others wait, each in its slot.
//
// For commands that share something narrow: a licence, a graphics card, a rate-limited service.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "workers/engines/engine.hpp"

namespace drover::workers {

class LimitedEngine : public Engine {
 public:
  // At least one at once.
  LimitedEngine(std::shared_ptr<Engine> inner, std::uint32_t most)
      : inner_(std::move(inner)), most_(most) {}

  // An attempt that is stopped while it waits has not begun: it is released.
  AttemptResult run(const AttemptContext& attempt) override;

 private:
  std::shared_ptr<Engine> inner_;
  const std::uint32_t most_;
  std::mutex mutex_;
  std::condition_variable_any freed_;
  std::uint32_t running_ = 0;
};

}  // namespace drover::workers
