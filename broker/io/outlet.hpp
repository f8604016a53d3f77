// The way out of the broker: frames to clients and workers, events to the bus.
//
// The process puts sockets behind it, the simulation a network of its own.
#pragma once

#include <string_view>

#include "broker/core/fleet.hpp"

namespace drover::broker {

class Outlet {
 public:
  virtual ~Outlet() = default;

  // A client that has gone does not matter: it will ask again.
  virtual void send_to_client(Peer peer, std::string_view frame) = 0;

  // False if nobody is there. A frame for somebody who does not read is gone, too: whatever matters
  // is said again.
  virtual bool send_to_worker(Peer peer, std::string_view frame) = 0;

  virtual void publish(std::string_view topic, std::string_view event) = 0;

  // While false nobody listens and events need not be made.
  virtual bool has_subscribers() const = 0;
};

}  // namespace drover::broker
