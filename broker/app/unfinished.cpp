#include "broker/app/unfinished.hpp"

#include <algorithm>

#include "broker/app/descriptors.hpp"

namespace drover::broker {
namespace {

constexpr std::uint64_t kPings = 64;           // bytes a second that are said besides messages
constexpr std::uint64_t kNegligible = 16'384;  // bytes; empty frames take 32 times as much of us
constexpr Duration kPatience = 1s;
constexpr Duration kPatienceWhileShort = 200ms;
constexpr Duration kSlowest = 10s;      // that a message may take while memory is short
constexpr std::size_t kASecond = 2000;  // connections looked at in a second

}  // namespace

Unfinished::Seen& Unfinished::seen_at(int descriptor) {
  const auto at = static_cast<std::size_t>(descriptor);
  if (at >= seen_.size()) seen_.resize(at + 1);
  return seen_[at];
}

void Unfinished::heard(const transport::Connection& connection) {
  const auto received = connection.received();
  if (!received || !connection.stands()) return;
  seen_at(connection.descriptor()) = {connection, *received, kNever};
}

std::size_t Unfinished::sweep(Instant now, bool memory_short, std::uint16_t unread_port) {
  if (swept_at_ == kNever) swept_at_ = now;
  const auto seconds = (now - swept_at_) / 1s;
  swept_at_ += seconds * 1s;
  std::size_t looked_at = 0, cut = 0;
  for (const int descriptor : open_descriptors()) {
    const transport::Connection connection(descriptor);
    const auto received = connection.received();
    if (!received) continue;
    ++looked_at;
    Seen& seen = seen_at(descriptor);
    if (seen.connection != connection) seen = {connection, 0, kNever};
    const auto pings = static_cast<std::uint64_t>(seconds) * kPings;
    seen.accounted = std::min(*received, seen.accounted + pings);
    if (!is_beyond(seen, *received, now, memory_short)) continue;
    if (unread_port != 0 && connection.port() == unread_port) {
      seen.since = now;
      continue;
    }
    connection.cut();
    ++cut;
  }
  due_at_ = now + std::max<Duration>(1s, looked_at * Duration(1s) / kASecond);
  return cut;
}

bool Unfinished::is_beyond(Seen& seen, std::uint64_t received, Instant now,
                           bool memory_short) const {
  const auto pending = received - seen.accounted;
  if (pending <= kNegligible) return seen.since = kNever, false;
  if (seen.since == kNever) seen.since = now;
  const Duration lasted = now - seen.since;
  if (!memory_short) return pending > 4 * message_max_ && lasted >= kPatience;
  return (pending > 2 * message_max_ && lasted >= kPatienceWhileShort) || lasted >= kSlowest;
}

}  // namespace drover::broker
