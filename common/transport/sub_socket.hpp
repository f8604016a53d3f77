// A listener on the status bus: topics and events of one broker.
//
// The bus tells at once and drops what a listener does not read in time; whoever needs every event
// compares their numbers and asks the broker for the missing ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/transport/socket.hpp"

namespace drover::transport {

class SubSocket : public Socket {
 public:
  struct Told {
    Frame topic;
    Frame event;
  };

  // Starts connecting; nobody needs to be there. Hears nothing until it subscribes.
  static Result<SubSocket> connect(Context& context, const std::string& address,
                                   const SocketOptions& options);

  // Asks for all topics that begin with `prefix`; "" is everything. INVALID_ARGUMENT if it has more
  // than 200 bytes: the bus would not enter it, and libzmq 4.3 crashes when it unsubscribes a topic
  // of megabytes.
  Result<void> subscribe(const std::string& prefix);

  std::optional<Told> receive();

 private:
  SubSocket(Context& context, const SocketOptions& options);
};

}  // namespace drover::transport
