#include "common/transport/xpub_socket.hpp"

namespace drover::transport {
namespace {

constexpr std::int64_t kSubscriberMessageMax = 1024;  // 256 would refuse CURVE's own handshake
// Of one peer, libzmq reads no more requests than this before we have looked at them: the rest
// waits in the kernel. Nothing is lost by that, and whoever floods us waits for himself.
constexpr int kWaitingMax = 64;
constexpr int kReceiveBuffer = 4096;       // bytes that the kernel takes before libzmq reads them
constexpr std::size_t kRefusalsMax = 100;  // of one peer
constexpr std::size_t kAskedASecondMax = 2000;
constexpr std::chrono::seconds kASecond(1);
constexpr int kTakenAtOnce = 500;  // requests; about a millisecond

bool is_request(const Frame& frame) {
  const auto bytes = frame.view();
  return !bytes.empty() && (bytes[0] == 0 || bytes[0] == 1);
}

SocketOptions for_bus(SocketOptions options) {
  options.message_max = kSubscriberMessageMax;
  options.receive_max = kWaitingMax;
  return options;
}

}  // namespace

XpubSocket::XpubSocket(Context& context, const SocketOptions& options)
    : Socket(context, zmq::socket_type::xpub, for_bus(options)) {
  socket_.set(zmq::sockopt::xpub_manual, 1);
  socket_.set(zmq::sockopt::rcvbuf, kReceiveBuffer);
}

Result<XpubSocket> XpubSocket::bind(Context& context, const std::string& address,
                                    const SocketOptions& options) {
  XpubSocket xpub(context, options);
  auto departures = Departures::of(context, xpub);
  if (!departures) return departures.error();
  xpub.departures_.emplace(std::move(*departures));
  if (auto bound = xpub.Socket::bind(address); !bound) return bound.error();
  return xpub;
}

bool XpubSocket::take_subscriptions(const Admits& admits) {
  Frame request;
  bool more = false, none_left = false;
  departures_->note();
  for (int i = 0; i < kTakenAtOnce; ++i) {
    none_left = !receive_frame(request, more);
    if (none_left) {
      departures_->all_read();
      is_astray_ = false;
      break;
    }
    const bool whole = !in_message_ && !more;
    in_message_ = more;
    is_astray_ = is_astray_ || !is_request(request);
    const Connection connection(request);
    if (is_astray_ || departures_->concern(connection)) {
      cut(connection);
    } else if (whole) {
      take(connection, request, admits);
    }
  }
  sweep();
  return none_left;
}

// A request is one byte, 1 to subscribe or 0 to end it, and the topic. The unsubscriptions that
// libzmq writes itself for a peer that has gone come from no descriptor: sweep sees to those.
void XpubSocket::take(const Connection& connection, Frame& request, const Admits& admits) {
  const auto bytes = request.view();
  if (!connection.stands()) return;
  heard_[connection.descriptor()] = connection;
  auto& peer = peers_[connection.descriptor()];
  if (peer.connection != connection) {
    forget(peer);
    peer.connection = connection;
    peer.user_id = request.user_id();
    peer.refused = peer.asked = 0;
  }
  const auto topic = bytes.substr(1);
  if (bytes[0] == 1) {
    enter(peer, topic, admits(peer.user_id, topic));
  } else {
    leave(peer, topic);
  }
  // libzmq remembers even what is not entered, and looks through all of it when a peer goes.
  if (peer.refused > kRefusalsMax || asks_too_much(peer)) cut(connection);
}

bool XpubSocket::asks_too_much(Peer& peer) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= peer.asked_since + kASecond) peer.asked = 0, peer.asked_since = now;
  return ++peer.asked > kAskedASecondMax;
}

// A descriptor that a request came over may have passed to another socket of the process meanwhile.
void XpubSocket::cut(const Connection& connection) const {
  if (connection.port() == port()) connection.cut();
}

// The option works on the peer whose request was received last.
void XpubSocket::enter(Peer& peer, std::string_view topic, bool admitted) {
  if (!admitted || topic.size() > kSubscriptionMax ||
      peer.topics.size() >= kSubscriptionsPerPeerMax) {
    ++refused_;
    ++peer.refused;
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

// Who has no subscription is remembered for what it asked for in this second.
void XpubSocket::sweep() {
  const auto a_second_ago = std::chrono::steady_clock::now() - kASecond;
  for (auto at = peers_.begin(); at != peers_.end();) {
    auto& peer = at->second;
    const bool is_quiet = peer.topics.empty() && peer.asked_since < a_second_ago;
    if (peer.connection.stands() && !is_quiet) {
      ++at;
    } else {
      forget(peer);
      at = peers_.erase(at);
    }
  }
}

void XpubSocket::cut_all(const std::function<bool(std::string_view)>& goes) {
  for (const auto& [descriptor, peer] : peers_) {
    if (goes(peer.user_id)) peer.connection.cut();
  }
}

void XpubSocket::each_heard(const std::function<void(const Connection&)>& tell) {
  for (const auto& [descriptor, connection] : heard_) tell(connection);
  heard_.clear();
}

void XpubSocket::publish(std::string_view topic, std::string_view event) {
  Frame first(topic);
  Frame second(event);
  if (send_frame(first, /*more=*/true) == Sent::sent) send_frame(second, /*more=*/false);
}

}  // namespace drover::transport
