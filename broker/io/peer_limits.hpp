// What one peer may ask of the broker: how often it may be wrong, and how fast it may come.
//
// Each socket has its own. Told the time; one look-up a frame, whatever the number of peers. The
// table of peers is bounded: when it is full, the peer that was silent longest is forgotten, and
// with it what it had used up. A peer is a connection; who connects again begins again.
#pragma once

#include <cstdint>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "broker/core/fleet.hpp"
#include "common/base/time.hpp"

namespace drover::broker {

struct PeerLimitOptions {
  std::uint32_t malformed = 20;  // unreadable frames within kMalformedWindow: one too many
  std::uint64_t requests = 0;    // a second
  std::uint64_t tasks = 0;       // submitted, a second
  std::uint64_t greetings = 0;   // hellos, heartbeats and reports of progress, a second
  std::size_t peers = 16'384;    // remembered, about 100 bytes each
};                               // 0 = any number

inline constexpr Duration kMalformedWindow = 10s;
inline constexpr Duration kIgnoredFirst = 60s;
inline constexpr Duration kIgnoredAgain = 10min;

// How much of a rate is used up. A second's worth may come at once. What is allowed may overdraw,
// so that a batch larger than the rate passes whole and the peer waits afterwards.
class RateUse {
 public:
  // How long nothing more is allowed; 0 = something is.
  Duration pause(std::uint64_t rate, Instant now) const;
  void take(std::uint64_t amount, std::uint64_t rate, Instant now);

 private:
  std::int64_t paid_until_ns_ = 0;  // at the allowed rate, what was taken lasts until then
};

class PeerLimits {
 public:
  enum class What : std::uint8_t { request, task, greeting };

  explicit PeerLimits(const PeerLimitOptions& options) : options_(options) {}

  // True while nothing that this peer sends is read.
  bool ignores(Peer peer, Instant now);

  // A frame of this peer could not be read. If that was one too many: how long the peer is ignored
  // from now on; otherwise 0.
  Duration malformed(Peer peer, Instant now);

  // How long the peer must wait before the next of these; 0 = it need not.
  Duration pause(Peer peer, What what, Instant now);
  void take(Peer peer, What what, std::uint64_t amount, Instant now);

  std::size_t size() const { return peers_.size(); }
  std::uint64_t ignored() const { return ignored_; }  // how often a peer came to be ignored

 private:
  static constexpr std::uint32_t kNobody = UINT32_MAX;

  struct Entry {
    Peer peer{};
    std::uint32_t newer = kNobody, older = kNobody;  // by when they were last heard
    std::uint32_t malformed = 0;                     // since malformed_since
    std::uint32_t offences = 0;                      // how often it was ignored
    Instant malformed_since{};
    Instant ignored_until{};
    RateUse uses[3];
  };

  Entry& entry_of(Peer peer);
  std::uint32_t add(Peer peer);
  void unlink(std::uint32_t index);
  void make_newest(std::uint32_t index);
  std::uint64_t rate_of(What what) const;

  PeerLimitOptions options_;
  absl::flat_hash_map<Peer, std::uint32_t> index_;
  std::vector<Entry> peers_;
  std::uint32_t newest_ = kNobody, oldest_ = kNobody;
  std::uint64_t ignored_ = 0;
};

}  // namespace drover::broker
