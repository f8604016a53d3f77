// The worker's line to its broker: messages in, messages out, one frame each.
//
// ZeroMQ connects and reconnects behind it; what is sent while there is no connection is dropped
// and counted, for the core repeats whatever matters. One thread owns a link.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/result.hpp"
#include "common/transport/dealer_socket.hpp"
#include "common/wire/messages.hpp"

namespace drover::workers {

struct LinkFigures {
  std::uint64_t dropped = 0;     // messages that could not be sent
  std::uint64_t unreadable = 0;  // frames that are no message of a broker's
};

class BrokerLink {
 public:
  // Starts connecting; nobody needs to be there. Error: BAD_CONFIGURATION.
  static Result<BrokerLink> open(transport::Context& context, const std::string& address,
                                 const transport::Curve& curve, std::uint64_t seed);

  void send(const wire::WorkerMessage& message);

  // Hands over every message that has arrived, in order. Its views are valid during the call only.
  void receive(const std::function<void(const wire::WorkerOrder&)>& take);

  // True if a connection came up since the last call; what is sent from then on goes there.
  bool take_connected();

  // Why the broker cannot be talked to, as ConnectionWatch::trouble.
  const std::string& trouble() const { return watch_.trouble(); }

  // What a poller watches: frames, and news of the connection.
  transport::Socket& socket() { return dealer_; }
  transport::Socket& watch() { return watch_; }

  const LinkFigures& figures() const { return figures_; }

 private:
  BrokerLink(transport::DealerSocket dealer, transport::ConnectionWatch watch)
      : dealer_(std::move(dealer)), watch_(std::move(watch)) {}

  transport::DealerSocket dealer_;
  transport::ConnectionWatch watch_;  // goes before the dealer
  std::string frame_;                 // used again for each message
  LinkFigures figures_;
};

}  // namespace drover::workers
