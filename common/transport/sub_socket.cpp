#include "common/transport/sub_socket.hpp"

#include <fmt/format.h>

#include "common/transport/xpub_socket.hpp"

namespace drover::transport {
namespace {

constexpr int kReconnectMs = 100;
constexpr int kReconnectMaxMs = 10'000;

}  // namespace

SubSocket::SubSocket(Context& context, const SocketOptions& options)
    : Socket(context, zmq::socket_type::sub, options) {
  // Subscriptions travel as messages: beyond this limit libzmq 4.3 loses them without a word.
  socket_.set(zmq::sockopt::sndhwm, 0);
  socket_.set(zmq::sockopt::reconnect_ivl, kReconnectMs);
  socket_.set(zmq::sockopt::reconnect_ivl_max, kReconnectMaxMs);
}

Result<SubSocket> SubSocket::connect(Context& context, const std::string& address,
                                     const SocketOptions& options) {
  SubSocket sub(context, options);
  if (auto connected = sub.Socket::connect(address); !connected) return connected.error();
  return sub;
}

Result<void> SubSocket::subscribe(const std::string& prefix) {
  if (prefix.size() > kSubscriptionMax) {
    return Error{Errc::invalid_argument,
                 fmt::format("a subscription has at most {} bytes", kSubscriptionMax), "prefix"};
  }
  socket_.set(zmq::sockopt::subscribe, prefix);
  return {};
}

std::optional<SubSocket::Told> SubSocket::receive() {
  Told told;
  bool more = false;
  while (receive_frame(told.topic, more)) {
    if (more && receive_frame(told.event, more) && !more) return told;
    drop_rest(more);
  }
  return std::nullopt;
}

}  // namespace drover::transport
