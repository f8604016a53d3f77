// The caller's side of a conversation with one broker: one frame a message, both ways.
//
// ZeroMQ connects in the background and again whenever the connection breaks, after 100 ms to 10 s,
// longer each time and a little different for each caller. Frames are taken only while there is a
// connection, so none grows old in a queue; what lay in the pipes when a connection broke is lost
// without a word. Whoever talks over this socket repeats what was not answered.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/transport/connection_watch.hpp"
#include "common/transport/socket.hpp"

namespace drover::transport {

class DealerSocket : public Socket {
 public:
  // Starts connecting; nobody needs to be there. `seed` makes the pauses differ from those of
  // others.
  static Result<DealerSocket> connect(Context& context, const std::string& address,
                                      const SocketOptions& options, std::uint64_t seed);

  // The same, for somebody who wants to watch: starts connecting with watch().
  static DealerSocket to(Context& context, const std::string& address, const SocketOptions& options,
                         std::uint64_t seed);

  std::optional<Frame> receive();

  // `full` while there is no connection, or the other side does not read. A frame that was not sent
  // is gone all the same.
  Sent send(Frame frame) { return send_frame(frame, /*more=*/false); }
  Sent send(std::string_view bytes) { return send(Frame(bytes)); }

  // Starts connecting, telling of connections that come up, and connecting again where libzmq does
  // not. Once; whoever asks for it must go on taking them. The watch goes before the dealer.
  Result<ConnectionWatch> watch(Context& context) {
    return ConnectionWatch::of(context, *this, seed_);
  }

 private:
  DealerSocket(Context& context, const SocketOptions& options, std::uint64_t seed);

  std::uint64_t seed_;
};

}  // namespace drover::transport
