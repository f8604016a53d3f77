// The tap on new connections, one for each address that the process listens at.
//
// While a tap is shut the kernel drops what arrives at the listening socket, and those who connect
// try again by themselves. Connections that stand are not touched. (Unbinding would close them:
// libzmq ends a listener's connections with it.) Of one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/io/peer_limits.hpp"
#include "common/base/time.hpp"

namespace drover::broker {

class Listeners {
 public:
  // Takes note of the sockets that listen now. Once, when all are bound.
  void watch();

  // Something came over a connection of this port that none of our peers writes. One tells nothing,
  // but they cost us more than their senders, who begin again with a new connection after each.
  // True if there were too many of late: it is time to shut the tap.
  bool charge(std::uint16_t port, Instant now);

  // Shuts the tap of a port for a second. True if it was not shut in the ten seconds before.
  bool shut(std::uint16_t port, Instant now);

  // Now and then, best several times a second: shuts all taps and closes what waits there, or opens
  // those that were shut for long enough.
  void update(bool wanted, Instant now);

  bool any() const { return !listeners_.empty(); }
  bool all_open() const;

 private:
  struct Listener {
    int descriptor = -1;
    std::uint16_t port = 0;
    bool is_open = true;
    RateUse foreign;
    Instant shut_until{};
  };

  std::vector<Listener> listeners_;
  bool is_drained_ = false;  // of what waited when all were shut
};

}  // namespace drover::broker
