#include "common/transport/monitor.hpp"

#include <fmt/format.h>
#include <zmq.h>

#include <cstring>

namespace drover::transport {

// Without a bound for what waits here, libzmq's thread never waits for us.
Monitor::Monitor(Context& context) : Socket(context, zmq::socket_type::pair, {.receive_max = 0}) {}

Result<Monitor> Monitor::of(Context& context, Socket& socket, int events) {
  Monitor monitor(context);
  const auto address = fmt::format("inproc://drover-monitor-{}", fmt::ptr(socket.handle()));
  if (zmq_socket_monitor(socket.handle(), address.c_str(), events) != 0) {
    return Error{Errc::internal,
                 fmt::format("cannot watch {}: {}", address, zmq_strerror(zmq_errno()))};
  }
  monitor.watched_ = socket.handle();
  if (auto connected = monitor.connect(address); !connected) return connected.error();
  return monitor;
}

// Before nobody listens: libzmq's thread would wait for somebody who does.
Monitor::~Monitor() {
  if (watched_ != nullptr) zmq_socket_monitor(watched_, nullptr, 0);
}

// An event is a frame of two numbers, and one with the address.
std::optional<Monitor::Event> Monitor::next() {
  Frame frame;
  for (bool more = false; receive_frame(frame, more);) {
    const auto bytes = frame.view();
    if (!more || bytes.size() != 6) continue;
    Event event;
    std::memcpy(&event.what, bytes.data(), sizeof event.what);
    std::memcpy(&event.value, bytes.data() + sizeof event.what, sizeof event.value);
    return event;
  }
  return std::nullopt;
}

}  // namespace drover::transport
