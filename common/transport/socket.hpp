// What all our sockets share: how they are made, set and named, and what sending one frame can
// come to.
//
// A socket belongs to one thread at a time and is never shared behind a lock (libzmq does not
// support that). Receiving and sending never block: wait with a Poller. Calls on a context that is
// shut down find nothing and send nothing. Any other refusal by libzmq is a mistake of ours and
// ends the process.
#pragma once

#include <cstdint>
#include <string>

#include <zmq.hpp>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/transport/context.hpp"
#include "common/transport/curve.hpp"
#include "common/transport/frame.hpp"

namespace drover::transport {

enum class Sent : std::uint8_t {
  sent,         // it is on its way; whether it arrives, nobody knows
  unreachable,  // that peer is not connected any more
  full,         // that peer does not read; the frame was not taken
};

// The lengths, times and keys that every socket sets.
struct SocketOptions {
  std::int64_t message_max = -1;  // a peer that sends a longer frame is cut off; -1 = no limit
  int send_max = 1000;            // frames waiting for one peer, beyond which sending says `full`
  int receive_max = 1000;         // frames of one peer waiting here, beyond which it has to wait
  std::uint64_t io_threads = 0;   // bits: which of the context's may serve it; 0 = any
  Duration linger{0};             // how long closing waits for frames that are still on their way
  Curve curve{};                  // who may connect, or as whom; nothing: everybody, as nobody
};

class Socket {
 public:
  // The address as bound, with the port that was found free: "tcp://127.0.0.1:40123".
  std::string address() const;

  // The port of a TCP address as bound; 0 for a socket that connects.
  std::uint16_t port() const { return port_; }

  // The address that connect() or aim() was given; "" for a socket that binds.
  const std::string& peer_address() const { return peer_address_; }

  // Whether it wants to be let in by a key.
  bool has_key() const { return has_key_; }

  // How many messages were dropped because no peer of ours writes such: a routing id that is not
  // ZeroMQ's own, or more frames than belong to a message.
  std::uint64_t dropped() const { return dropped_; }

  // For the poller.
  void* handle() { return socket_.handle(); }

 protected:
  Socket(Context& context, zmq::socket_type type, const SocketOptions& options);

  // Errors: BAD_CONFIGURATION with the address and the system's reason.
  Result<void> bind(const std::string& address);
  Result<void> connect(const std::string& address);

  // What connect() does before it connects.
  void aim(const std::string& address);

  // One frame out, one frame in. `more` asks for, or tells of, a further frame of the message.
  Sent send_frame(Frame& frame, bool more);
  bool receive_frame(Frame& frame, bool& more);
  void drop_rest(bool more);

  zmq::socket_t socket_;
  std::uint64_t dropped_ = 0;

 private:
  std::string peer_address_;
  std::uint16_t port_ = 0;
  bool has_key_;
};

}  // namespace drover::transport
