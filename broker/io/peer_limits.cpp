#include "broker/io/peer_limits.hpp"

#include <algorithm>

namespace drover::broker {
namespace {

constexpr std::int64_t kNanosAMs = 1'000'000;
constexpr std::int64_t kSecond = 1000 * kNanosAMs;  // what may come at once

std::int64_t to_ns(Instant at) { return to_ms(at) * kNanosAMs; }

}  // namespace

Duration RateUse::pause(std::uint64_t rate, Instant now) const {
  if (rate == 0) return 0ms;
  const std::int64_t ahead = paid_until_ns_ - to_ns(now) - kSecond;
  return ahead < 0 ? 0ms : Duration(ahead / kNanosAMs + 1);
}

void RateUse::take(std::uint64_t amount, std::uint64_t rate, Instant now) {
  if (rate == 0) return;
  const auto cost = amount * static_cast<std::uint64_t>(kSecond) / rate;
  paid_until_ns_ = std::max(paid_until_ns_, to_ns(now)) + static_cast<std::int64_t>(cost);
}

bool PeerLimits::ignores(Peer peer, Instant now) { return entry_of(peer).ignored_until > now; }

Duration PeerLimits::malformed(Peer peer, Instant now) {
  Entry& entry = entry_of(peer);
  if (entry.malformed == 0 || now >= entry.malformed_since + kMalformedWindow) {
    entry.malformed = 0;
    entry.malformed_since = now;
  }
  ++entry.malformed;
  if (options_.malformed == 0 || entry.malformed < options_.malformed) return 0ms;
  entry.malformed = 0;
  const Duration pause = entry.offences++ == 0 ? kIgnoredFirst : kIgnoredAgain;
  entry.ignored_until = now + pause;
  ++ignored_;
  return pause;
}

Duration PeerLimits::pause(Peer peer, What what, Instant now) {
  return entry_of(peer).uses[static_cast<std::size_t>(what)].pause(rate_of(what), now);
}

void PeerLimits::take(Peer peer, What what, std::uint64_t amount, Instant now) {
  entry_of(peer).uses[static_cast<std::size_t>(what)].take(amount, rate_of(what), now);
}

std::uint64_t PeerLimits::rate_of(What what) const {
  switch (what) {
    case What::request: return options_.requests;
    case What::task: return options_.tasks;
    case What::greeting: return options_.greetings;
  }
  return 0;
}

PeerLimits::Entry& PeerLimits::entry_of(Peer peer) {
  if (newest_ != kNobody && peers_[newest_].peer == peer) return peers_[newest_];
  std::uint32_t index = 0;
  if (const auto known = index_.find(peer); known != index_.end()) {
    index = known->second;
    unlink(index);
  } else {
    index = add(peer);
  }
  make_newest(index);
  return peers_[index];
}

// Not linked yet.
std::uint32_t PeerLimits::add(Peer peer) {
  std::uint32_t index = oldest_;
  if (peers_.size() < options_.peers) {
    index = static_cast<std::uint32_t>(peers_.size());
    peers_.emplace_back();
  } else {
    unlink(index);
    index_.erase(peers_[index].peer);
    peers_[index] = Entry{};
  }
  peers_[index].peer = peer;
  index_.emplace(peer, index);
  return index;
}

void PeerLimits::unlink(std::uint32_t index) {
  const Entry& entry = peers_[index];
  (entry.newer == kNobody ? newest_ : peers_[entry.newer].older) = entry.older;
  (entry.older == kNobody ? oldest_ : peers_[entry.older].newer) = entry.newer;
}

void PeerLimits::make_newest(std::uint32_t index) {
  peers_[index].newer = kNobody;
  peers_[index].older = newest_;
  (newest_ == kNobody ? oldest_ : peers_[newest_].newer) = index;
  newest_ = index;
}

}  // namespace drover::broker
