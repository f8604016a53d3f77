#include "workers/engines/engine.hpp"

#include <utility>

namespace drover::workers {

AttemptResult failed(std::string code, std::string message, bool retryable) {
  AttemptResult result;
  result.outcome = Outcome::failed;
  result.error = {std::move(code), std::move(message), retryable};
  return result;
}

AttemptResult failed(Errc code, std::string message, bool retryable) {
  return failed(std::string(name_of(code)), std::move(message), retryable);
}

AttemptResult bad_payload(std::string message) {
  return failed(Errc::bad_payload, std::move(message), false);
}

}  // namespace drover::workers
