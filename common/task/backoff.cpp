#include "common/task/backoff.hpp"

#include <algorithm>

namespace drover {

Duration backoff_ceiling(const Backoff& backoff, std::uint32_t failures) {
  std::int64_t delay = backoff.base.count();
  if (backoff.kind == BackoffKind::exponential) {
    for (std::uint32_t i = 1; i < failures && delay > 0 && delay < backoff.max.count(); ++i) {
      delay = delay * backoff.factor_permille / 1000;
      if (backoff.factor_permille == 1000) break;  // it will never grow
    }
  }
  return Duration(std::min(delay, backoff.max.count()));
}

Duration draw_delay(const Backoff& backoff, std::uint32_t failures, Random& random) {
  const Duration ceiling = backoff_ceiling(backoff, failures);
  if (!backoff.jitter) return ceiling;
  return Duration(random.between(0, ceiling.count()));
}

}  // namespace drover
