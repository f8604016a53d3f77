#include "common/task/backoff.hpp"

#include <algorithm>

namespace drover {

Duration backoff_ceiling(const Backoff& backoff, std::uint32_t failures) {
  // In thousandths of a millisecond, so that 1 ms grows by a factor of 1.5 too. Below 366 d times
  // the greatest factor nothing overflows.
  std::int64_t delay = backoff.base.count() * 1000;
  const std::int64_t most = backoff.max.count() * 1000;
  if (backoff.kind == BackoffKind::exponential && backoff.factor_permille > 1000) {
    for (std::uint32_t i = 1; i < failures && delay > 0 && delay < most; ++i) {
      delay = delay * backoff.factor_permille / 1000;
    }
  }
  return Duration(std::min(delay, most) / 1000);
}

Duration draw_delay(const Backoff& backoff, std::uint32_t failures, Random& random) {
  const Duration ceiling = backoff_ceiling(backoff, failures);
  if (!backoff.jitter) return ceiling;
  return Duration(random.between(0, ceiling.count()));
}

}  // namespace drover
