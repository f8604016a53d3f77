// What libzmq says of a socket's connections, in the order in which its threads saw it happen.
//
// The events come through a socket of their own, to be polled and read like any other by the thread
// that owns the watched one.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "common/transport/socket.hpp"

namespace drover::transport {

class Monitor : public Socket {
 public:
  struct Event {
    std::uint16_t what = 0;   // one of ZMQ_EVENT_...
    std::uint32_t value = 0;  // a descriptor or the reason, as zmq_socket_monitor(3) says
  };

  // Of the events in the mask, from now on. None is left out: what is not taken is kept, and libzmq
  // waits for nobody. A socket has one monitor at most, which goes before it.
  static Result<Monitor> of(Context& context, Socket& socket, int events);

  Monitor(Monitor&& other) noexcept
      : Socket(std::move(other)), watched_(std::exchange(other.watched_, nullptr)) {}
  Monitor& operator=(Monitor&&) = delete;
  ~Monitor();

  // The next event that is there, or nothing.
  std::optional<Event> next();

 protected:
  void* watched() const { return watched_; }

 private:
  explicit Monitor(Context& context);

  void* watched_ = nullptr;  // the socket's handle: the socket may move
};

}  // namespace drover::transport
