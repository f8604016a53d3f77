#include "common/transport/socket.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>

#include "common/base/assert.hpp"

namespace drover::transport {
namespace {

constexpr int kHandshakeMs = 3000;  // a peer that does not say who it is by then is cut off
constexpr int kHeartbeatMs = 2000;  // ZMTP's own, which only finds dead connections; who is alive
constexpr int kSilenceMs = 6000;    // is for the messages to say
constexpr const char* kZapDomain = "drover";
constexpr int kKeepaliveIdleS = 10;
constexpr int kKeepaliveEveryS = 5;
constexpr int kKeepaliveMisses = 3;
constexpr int kBacklog = 1024;  // a fleet that reconnects all at once

Error refusal(const char* what, const std::string& address, const zmq::error_t& error) {
  return {Errc::bad_configuration, fmt::format("cannot {} {}: {}", what, address, error.what())};
}

// IPv6 is for addresses that say so, and for all interfaces. With it on, libzmq would name
// 127.0.0.1 [::ffff:127.0.0.1] and look for localhost at ::1 only.
bool wants_ipv6(const std::string& address) {
  return address.find('[') != std::string::npos || address.find("//*") != std::string::npos;
}

void secure(zmq::socket_t& socket, const Curve& curve) {
  if (const auto* server = std::get_if<CurveServer>(&curve)) {
    socket.set(zmq::sockopt::zap_domain, kZapDomain);
    socket.set(zmq::sockopt::curve_server, 1);
    socket.set(zmq::sockopt::curve_secretkey, server->keys.secret_key.reveal());
  }
  if (const auto* client = std::get_if<CurveClient>(&curve)) {
    socket.set(zmq::sockopt::curve_serverkey, client->server_key.c_str());
    socket.set(zmq::sockopt::curve_publickey, client->keys.public_key.c_str());
    socket.set(zmq::sockopt::curve_secretkey, client->keys.secret_key.reveal());
  }
}

std::uint16_t port_of(const std::string& bound) {
  return static_cast<std::uint16_t>(
      std::strtoul(bound.c_str() + bound.find_last_of(':') + 1, nullptr, 10));
}

int to_int(Duration duration) { return static_cast<int>(duration.count()); }

}  // namespace

Socket::Socket(Context& context, zmq::socket_type type, const SocketOptions& options)
    : socket_(context.zmq(), type), has_key_(std::holds_alternative<CurveClient>(options.curve)) {
  socket_.set(zmq::sockopt::affinity, options.io_threads);
  socket_.set(zmq::sockopt::backlog, kBacklog);
  socket_.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  socket_.set(zmq::sockopt::heartbeat_ivl, kHeartbeatMs);
  socket_.set(zmq::sockopt::heartbeat_timeout, kSilenceMs);
  socket_.set(zmq::sockopt::heartbeat_ttl, kSilenceMs);
  socket_.set(zmq::sockopt::maxmsgsize, options.message_max);
  socket_.set(zmq::sockopt::sndhwm, options.send_max);
  socket_.set(zmq::sockopt::rcvhwm, options.receive_max);
  socket_.set(zmq::sockopt::linger, to_int(options.linger));
  secure(socket_, options.curve);
}

std::string Socket::address() const { return socket_.get(zmq::sockopt::last_endpoint); }

// Who binds leaves the heartbeats to those who connect, whose pings say when to give them up, and
// finds dead strangers by TCP's own: libzmq 4.3 aborts when its heartbeat is due on a connection
// that broke while its messages waited to be read (`!_io_error`), which any peer can bring about.
Result<void> Socket::bind(const std::string& address) {
  try {
    socket_.set(zmq::sockopt::heartbeat_ivl, 0);
    socket_.set(zmq::sockopt::tcp_keepalive, 1);
    socket_.set(zmq::sockopt::tcp_keepalive_idle, kKeepaliveIdleS);
    socket_.set(zmq::sockopt::tcp_keepalive_intvl, kKeepaliveEveryS);
    socket_.set(zmq::sockopt::tcp_keepalive_cnt, kKeepaliveMisses);
    socket_.set(zmq::sockopt::ipv6, wants_ipv6(address));
    socket_.bind(address);
    port_ = port_of(this->address());
    return {};
  } catch (const zmq::error_t& error) {
    return refusal("bind", address, error);
  }
}

Result<void> Socket::connect(const std::string& address) {
  try {
    aim(address);
    socket_.connect(address);
    return {};
  } catch (const zmq::error_t& error) {
    return refusal("connect to", address, error);
  }
}

void Socket::aim(const std::string& address) {
  socket_.set(zmq::sockopt::ipv6, wants_ipv6(address));
  peer_address_ = address;
}

Sent Socket::send_frame(Frame& frame, bool more) {
  const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
  while (zmq_msg_send(frame.zmq().handle(), socket_.handle(), flags) < 0) {
    const int why = zmq_errno();
    if (why == EINTR) continue;
    if (why == EAGAIN) return Sent::full;
    DROVER_ASSERT(why == EHOSTUNREACH || why == ETERM);
    return Sent::unreachable;
  }
  return Sent::sent;
}

bool Socket::receive_frame(Frame& frame, bool& more) {
  while (zmq_msg_recv(frame.zmq().handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) {
    const int why = zmq_errno();
    if (why == EINTR) continue;
    DROVER_ASSERT(why == EAGAIN || why == ETERM);
    return false;
  }
  more = frame.zmq().more();
  return true;
}

void Socket::drop_rest(bool more) {
  ++dropped_;
  for (Frame rest; more && receive_frame(rest, more);) {
  }
}

}  // namespace drover::transport
