#include "common/transport/departures.hpp"

#include <zmq.h>

namespace drover::transport {

Result<Departures> Departures::of(Context& context, Socket& socket) {
  auto monitor = Monitor::of(context, socket, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
  if (!monitor) return monitor.error();
  return Departures(std::move(*monitor));
}

void Departures::note() {
  while (const auto event = monitor_.next()) {
    const int descriptor = static_cast<int>(event->value);
    if (event->what == ZMQ_EVENT_DISCONNECTED) {
      given_up_[descriptor] = {Connection(descriptor)};
    } else if (const auto former = given_up_.find(descriptor); former != given_up_.end()) {
      former->second.is_over = true;
    }
  }
  for (auto& [descriptor, given] : given_up_) {
    given.is_over = given.is_over || !given.when_told.stands();
  }
}

// Whoever has the descriptor now has it since the former's departure was told.
bool Departures::concern(const Connection& connection) {
  note();
  return given_up_.contains(connection.descriptor());
}

void Departures::all_read() {
  if (given_up_.empty()) return;
  std::erase_if(given_up_, [](const auto& entry) { return entry.second.is_over; });
}

}  // namespace drover::transport
