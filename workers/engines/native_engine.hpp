// The native engine: attempts run as calls of C++ handlers in the worker's own process.
//
// A handler that throws has failed, retryable, with the exception's text. A handler that hangs or
// crashes takes its slot, or its worker, with it: what is not trusted belongs into `exec`.
#pragma once

#include <functional>

#include "workers/engines/engine.hpp"

namespace drover::workers {

// Runs one attempt; looks at `attempt.stop` now and then if it takes long. Any number of threads.
using Handler = std::function<AttemptResult(const AttemptContext& attempt)>;

class NativeEngine : public Engine {
 public:
  explicit NativeEngine(Handler handler) : handler_(std::move(handler)) {}

  AttemptResult run(const AttemptContext& attempt) override;

 private:
  Handler handler_;
};

}  // namespace drover::workers
