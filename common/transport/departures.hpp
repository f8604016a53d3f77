// Whether what was read last may be of a connection that has gone, though its descriptor stands.
//
// libzmq names the descriptor that a message came over. By the time the message is read that may
// have been closed and be another connection's. This knows the descriptors that a socket's
// connections gave up since everything was read that they had sent.
#pragma once

#include <map>
#include <utility>

#include "common/transport/connection.hpp"
#include "common/transport/monitor.hpp"

namespace drover::transport {

class Departures {
 public:
  // Of `socket`, before it binds. Goes before it.
  static Result<Departures> of(Context& context, Socket& socket);

  // Readable when connections come or go.
  Socket& news() { return monitor_; }

  // Takes the news in. At least now and then: they are kept until then.
  void note();

  // For a connection that was looked up after the message had been read. True if the message may be
  // of a former one.
  bool concern(const Connection& connection);

  // Nothing was there to be read any more, since the news were noted last.
  void all_read();

  // True while something is to be forgotten once the news are noted and all is read: soon.
  bool is_busy() const { return !given_up_.empty(); }

 private:
  explicit Departures(Monitor monitor) : monitor_(std::move(monitor)) {}

  // A descriptor that was given up. libzmq tells so before it hands over the last that came, and
  // closes the descriptor after that: once it is closed, or in use again, nothing is to come.
  struct Given {
    Connection when_told;
    bool is_over = false;
  };

  Monitor monitor_;
  std::map<int, Given> given_up_;
};

}  // namespace drover::transport
