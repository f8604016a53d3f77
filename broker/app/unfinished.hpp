// Connections that send and send, and never end a message.
//
// A message of ours is one frame of bounded size. ZeroMQ allows more frames than one and keeps them
// until the last has come; only then do we see any of it. So whoever never sends the last one fills
// our memory, and nothing that is read would show it. The kernel knows how much has come over each
// connection, though, and we know of each whether a message has.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/time.hpp"
#include "common/transport/connection.hpp"

namespace drover::broker {

class Unfinished {
 public:
  // A message came over it: what it has sent until now is accounted for.
  void heard(const transport::Connection& connection);

  struct Bound {
    std::uint64_t bytes;  // that a connection may send without a message among them
    Duration patience;    // with one that was found beyond it
  };

  // Looks at all descriptors, of which those below `in_use` are known to be in use, and cuts the
  // connections that went beyond the bound. Says how many. Takes a microsecond for each.
  std::size_t sweep(const Bound& bound, std::uint64_t in_use, Instant now);

 private:
  struct Seen {
    transport::Connection connection;
    std::uint64_t accounted = 0;  // bytes
    Instant beyond_at = kNever;   // when it was first found beyond the bound
  };

  Seen& seen_at(int descriptor);

  std::vector<Seen> seen_;  // by descriptor
  Instant swept_at_{};
};

}  // namespace drover::broker
