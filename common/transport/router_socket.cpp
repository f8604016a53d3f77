#include "common/transport/router_socket.hpp"

#include <array>
#include <utility>

namespace drover::transport {
namespace {

constexpr int kDroppedAtOnce = 50;         // frames of one foreign message
constexpr std::size_t kRoutingIdSize = 5;  // a zero and a number of four bytes
constexpr PeerId kMark = PeerId{1} << 40;  // keeps a packed id from being 0

// 0 if it is not an id of ZeroMQ's own making.
PeerId pack(std::string_view routing_id) {
  if (routing_id.size() != kRoutingIdSize || routing_id[0] != '\0') return 0;
  PeerId peer = 0;
  for (const char c : routing_id) peer = (peer << 8) | static_cast<std::uint8_t>(c);
  return peer | kMark;
}

Frame unpack(PeerId peer) {
  std::array<char, kRoutingIdSize> bytes;
  for (std::size_t i = kRoutingIdSize; i-- > 0; peer >>= 8) bytes[i] = static_cast<char>(peer);
  return Frame(std::string_view(bytes.data(), bytes.size()));
}

}  // namespace

RouterSocket::RouterSocket(Context& context, const SocketOptions& options)
    : Socket(context, zmq::socket_type::router, options) {
  socket_.set(zmq::sockopt::router_mandatory, 1);
}

Result<RouterSocket> RouterSocket::bind(Context& context, const std::string& address,
                                        const SocketOptions& options) {
  RouterSocket router(context, options);
  if (auto bound = router.Socket::bind(address); !bound) return bound.error();
  return router;
}

std::optional<RouterSocket::Incoming> RouterSocket::receive() {
  Incoming in;
  bool more = false;
  if (is_dropping_) {
    in.peer = dropping_;
    drop(in, /*more=*/true);
    return in;
  }
  Frame id;
  if (!receive_frame(id, more)) return std::nullopt;
  in.peer = pack(id.view());
  const bool whole = more && receive_frame(in.frame, more) && !more;
  if (!whole || in.peer == 0) {
    ++dropped_;
    drop(in, more);
  } else {
    remember(in);
  }
  return in;
}

// The frames of a message that has begun to arrive are all there.
void RouterSocket::drop(Incoming& message, bool more) {
  message.foreign = true;
  message.frame = Frame();
  Frame rest;
  for (int i = 0; more && i < kDroppedAtOnce; ++i) more = receive_frame(rest, more) && more;
  is_dropping_ = more;
  dropping_ = message.peer;
}

// Of each connection once: asking a frame where it came from costs more than looking here.
void RouterSocket::remember(const Incoming& in) {
  const auto [at, is_new] = known_.try_emplace(in.peer);
  at->second.is_heard = true;
  if (!is_new) return;
  at->second.connection = Connection(in.frame);
  at->second.user_id = in.frame.user_id();
  if (known_.size() >= forget_at_) forget_gone();
}

void RouterSocket::forget_gone() {
  std::erase_if(known_, [](const auto& known) { return !known.second.connection.stands(); });
  forget_at_ = 2 * known_.size() + 64;
}

void RouterSocket::cut(const std::function<bool(std::string_view)>& goes) {
  for (const auto& [peer, known] : known_) {
    if (goes(known.user_id)) known.connection.cut();
  }
}

void RouterSocket::each_heard(const std::function<void(const Connection&)>& tell) {
  for (auto& [peer, known] : known_) {
    if (std::exchange(known.is_heard, false)) tell(known.connection);
  }
}

Sent RouterSocket::send(PeerId peer, Frame frame) {
  Frame id = unpack(peer);
  const Sent sent = send_frame(id, /*more=*/true);
  return sent == Sent::sent ? send_frame(frame, /*more=*/false) : sent;
}

}  // namespace drover::transport
