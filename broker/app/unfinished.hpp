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
  // `message_max`: bytes of the longest message that there may be.
  explicit Unfinished(std::uint64_t message_max) : message_max_(message_max) {}

  // A message came over it: what it has sent until now is accounted for.
  void heard(const transport::Connection& connection);

  // Looks at all connections of the process and cuts those that have sent too much without a
  // message among it: four messages' worth, a second after it was first seen sending. While memory
  // is short two messages' worth, and whoever has been at one message for ten seconds. Nobody at
  // `unread_port` (0 = none): what was sent there waits for us. Says how many were cut. Takes some
  // microseconds for each connection.
  std::size_t sweep(Instant now, bool memory_short, std::uint16_t unread_port);

  // When the next look is due, memory permitting: each second, later when there are thousands.
  Instant due_at() const { return due_at_; }

 private:
  struct Seen {
    transport::Connection connection;
    std::uint64_t accounted = 0;  // bytes
    Instant since = kNever;       // when it was first seen amid a message
  };

  Seen& seen_at(int descriptor);
  bool is_beyond(Seen& seen, std::uint64_t received, Instant now, bool memory_short) const;

  std::uint64_t message_max_;
  std::vector<Seen> seen_;  // by descriptor
  Instant swept_at_ = kNever, due_at_{};
};

}  // namespace drover::broker
