#include "broker/app/unfinished.hpp"

#include <algorithm>

namespace drover::broker {
namespace {

constexpr std::uint64_t kPings = 64;   // bytes a second that a connection says besides messages
constexpr std::size_t kBeyond = 1024;  // descriptors looked at beyond the highest that was seen

}  // namespace

Unfinished::Seen& Unfinished::seen_at(int descriptor) {
  const auto at = static_cast<std::size_t>(descriptor);
  if (at >= seen_.size()) seen_.resize(at + 1);
  return seen_[at];
}

void Unfinished::heard(const transport::Connection& connection) {
  if (connection.descriptor() < 0) return;
  const auto received = connection.received();
  if (received && connection.stands()) {
    seen_at(connection.descriptor()) = {connection, *received, kNever};
  }
}

std::size_t Unfinished::sweep(const Bound& bound, std::uint64_t in_use, Instant now) {
  std::size_t cut = 0;
  const auto seconds = static_cast<std::uint64_t>((now - swept_at_) / 1s);
  if (seconds > 0) swept_at_ = now;
  const auto end = static_cast<int>(std::max<std::size_t>(in_use, seen_.size()) + kBeyond);
  for (int descriptor = 0; descriptor < end; ++descriptor) {
    const transport::Connection connection(descriptor);
    const auto received = connection.received();
    if (!received) continue;
    Seen& seen = seen_at(descriptor);
    if (seen.connection != connection) seen = {connection, 0, kNever};
    seen.accounted = std::min(*received, seen.accounted + seconds * kPings);
    if (*received - seen.accounted <= bound.bytes) continue;
    if (seen.beyond_at == kNever) seen.beyond_at = now;
    if (now - seen.beyond_at < bound.patience) continue;
    connection.cut();
    ++cut;
  }
  return cut;
}

}  // namespace drover::broker
