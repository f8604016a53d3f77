#include "common/transport/xpub_socket.hpp"

namespace drover::transport {
namespace {

constexpr std::int64_t kSubscriberMessageMax = 1024;  // 256 would refuse CURVE's own handshake

SocketOptions for_bus(SocketOptions options) {
  options.message_max = kSubscriberMessageMax;
  options.receive_max = 0;  // a subscription that finds no room would be lost without a word
  return options;
}

}  // namespace

XpubSocket::XpubSocket(Context& context, const SocketOptions& options)
    : Socket(context, zmq::socket_type::xpub, for_bus(options)) {
  socket_.set(zmq::sockopt::xpub_manual, 1);
}

Result<XpubSocket> XpubSocket::bind(Context& context, const std::string& address,
                                    const SocketOptions& options) {
  XpubSocket xpub(context, options);
  if (auto bound = xpub.Socket::bind(address); !bound) return bound.error();
  return xpub;
}

void XpubSocket::take_subscriptions(const Admits& admits) {
  Frame request;
  bool more = false;
  while (receive_frame(request, more)) {
    if (more) {
      drop_rest(more);
    } else {
      take(request, admits);
    }
  }
  sweep();
}

// A request is one byte, 1 to subscribe or 0 to end it, and the topic. The unsubscriptions that
// libzmq writes itself for a peer that has gone come from no descriptor: sweep sees to those.
void XpubSocket::take(Frame& request, const Admits& admits) {
  const Connection connection(request);
  const auto bytes = request.view();
  if (connection.descriptor() < 0 || bytes.empty()) return;
  auto& peer = peers_[connection.descriptor()];
  if (peer.connection != connection) {
    forget(peer);
    peer.connection = connection;
    peer.user_id = request.user_id();
  }
  const auto topic = bytes.substr(1);
  if (bytes[0] == 1) {
    enter(peer, topic, admits(peer.user_id, topic));
  } else {
    leave(peer, topic);
  }
}

// The option works on the peer whose request was received last.
void XpubSocket::enter(Peer& peer, std::string_view topic, bool admitted) {
  if (!admitted || topic.size() > kSubscriptionMax ||
      peer.topics.size() >= kSubscriptionsPerPeerMax) {
    ++refused_;
    return;
  }
  if (!peer.topics.emplace(topic).second) return;
  ++subscriptions_;
  socket_.set(zmq::sockopt::subscribe, zmq::const_buffer(topic.data(), topic.size()));
}

void XpubSocket::leave(Peer& peer, std::string_view topic) {
  const auto found = peer.topics.find(topic);
  if (found == peer.topics.end()) return;
  peer.topics.erase(found);
  --subscriptions_;
  socket_.set(zmq::sockopt::unsubscribe, zmq::const_buffer(topic.data(), topic.size()));
}

// libzmq has taken its subscriptions out already.
void XpubSocket::forget(Peer& peer) {
  subscriptions_ -= peer.topics.size();
  peer.topics.clear();
}

void XpubSocket::sweep() {
  for (auto at = peers_.begin(); at != peers_.end();) {
    if (at->second.connection.stands() && !at->second.topics.empty()) {
      ++at;
    } else {
      forget(at->second);
      at = peers_.erase(at);
    }
  }
}

void XpubSocket::cut(const std::function<bool(std::string_view)>& goes) {
  for (const auto& [descriptor, peer] : peers_) {
    if (goes(peer.user_id)) peer.connection.cut();
  }
}

void XpubSocket::publish(std::string_view topic, std::string_view event) {
  Frame first(topic);
  Frame second(event);
  if (send_frame(first, /*more=*/true) == Sent::sent) send_frame(second, /*more=*/false);
}

}  // namespace drover::transport
