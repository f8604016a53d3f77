// Waits for sockets and file descriptors together, as long as a loop has nothing else to do.
//
//   Poller poller;
//   const auto clients = poller.add(router);
//   const auto news = poller.add(store.wake_fd());
//   while (poller.wait(until_next_deadline)) {
//     if (poller.ready(clients)) ...
//
// Readiness is level-triggered: what is not read is told again. One thread owns a poller.
#pragma once

#include <vector>

#include "common/transport/socket.hpp"

namespace drover::transport {

class Poller {
 public:
  // Which of the watched one is. They are numbered from 0 in the order in which they were added.
  using Slot = std::size_t;

  // The socket must outlive the poller.
  Slot add(Socket& socket);
  Slot add(int fd);

  // Stops or starts watching what stands in a slot. Stopping costs nothing and is how a loop puts
  // back pressure on a peer: it leaves the frames where they are.
  void watch(Slot slot, bool on);

  // Sleeps until something is readable, a signal came, or the time is over (negative: no limit).
  // False once the context is shut down.
  bool wait(Duration timeout);

  bool ready(Slot slot) const;

 private:
  std::vector<zmq::pollitem_t> items_;
};

}  // namespace drover::transport
