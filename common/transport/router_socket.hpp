// The broker's side of a conversation: many peers on one socket, one frame a message.
//
// A peer is known by the routing id that ZeroMQ gave to its connection, new with every connection.
// Who chose an id of its own is not answered: ids could collide, and none of our peers needs one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/transport/connection.hpp"
#include "common/transport/socket.hpp"

namespace drover::transport {

// A connection of a RouterSocket: ZeroMQ's 5 bytes in a number. Never 0.
using PeerId = std::uint64_t;

class RouterSocket : public Socket {
 public:
  struct Incoming {
    PeerId peer = 0;  // 0 = the peer chose its routing id
    Frame frame;
    // No peer of ours writes such a message (a chosen routing id, no frame or more than one). The
    // frame is empty: what came is thrown away, a long one piece by piece, each told as foreign.
    bool foreign = false;
  };

  // Binds `address`: tcp://host:port, with * for all interfaces and 0 or * for a free port
  // (address() then tells which).
  static Result<RouterSocket> bind(Context& context, const std::string& address,
                                   const SocketOptions& options);

  // The next message that is there, or nothing. Takes one message at most and at most 50 frames
  // of it, so a peer that sends nothing but foreign ones cannot keep the caller.
  std::optional<Incoming> receive();

  // Cuts the connections of all whose frames bear a User-Id for which `goes` holds. Those are known
  // that a message has come over.
  void cut(const std::function<bool(std::string_view user_id)>& goes);

  // Tells of each connection that a message has come over since the last call.
  void each_heard(const std::function<void(const Connection&)>& tell);

  // Hands one frame to a peer. A frame that was not sent is gone all the same.
  Sent send(PeerId peer, Frame frame);
  Sent send(PeerId peer, std::string_view bytes) { return send(peer, Frame(bytes)); }

 private:
  struct Known {
    Connection connection;
    std::string user_id;
    bool is_heard = false;
  };

  RouterSocket(Context& context, const SocketOptions& options);
  void remember(const Incoming& in);
  void forget_gone();

  std::unordered_map<PeerId, Known> known_;
  std::size_t forget_at_ = 64;  // when it has grown to this, the gone are forgotten
  void drop(Incoming& message, bool more);

  PeerId dropping_ = 0;  // whose long message is being thrown away
  bool is_dropping_ = false;
};

}  // namespace drover::transport
