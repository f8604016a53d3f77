// The broker's side of a conversation: many peers on one socket, one frame a message.
//
// A peer is known by the routing id that ZeroMQ gave to its connection, new with every connection.
// Who chose an id of its own is not answered: ids could collide, and none of our peers needs one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/transport/socket.hpp"

namespace drover::transport {

// A connection of a RouterSocket: ZeroMQ's 5 bytes in a number. Never 0.
using PeerId = std::uint64_t;

class RouterSocket : public Socket {
 public:
  struct Incoming {
    PeerId peer = 0;
    Frame frame;
  };

  // Binds `address`: tcp://host:port, with * for all interfaces and 0 or * for a free port
  // (address() then tells which).
  static Result<RouterSocket> bind(Context& context, const std::string& address,
                                   const SocketOptions& options);

  // The next message that is there, or nothing.
  std::optional<Incoming> receive();

  // Hands one frame to a peer. A frame that was not sent is gone all the same.
  Sent send(PeerId peer, Frame frame);
  Sent send(PeerId peer, std::string_view bytes) { return send(peer, Frame(bytes)); }

 private:
  RouterSocket(Context& context, const SocketOptions& options);
};

}  // namespace drover::transport
