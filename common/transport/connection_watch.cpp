#include "common/transport/connection_watch.hpp"

#include <fmt/format.h>
#include <zmq.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace drover::transport {
namespace {

constexpr int kEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                        ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED;
constexpr std::uint32_t kPauseMs = 100;
constexpr std::uint32_t kPauseMaxMs = 10'000;
constexpr int kDoublings = 7;  // until the longest pause

constexpr const char* kKeyRefused =
    "the broker refuses this process's key: it is not in the broker's list of keys, or was revoked";
// The same may be seen from either end, and who closes first leaves the other without a reason.
constexpr const char* kEndedWithKey =
    "the broker ended the handshake: most likely security.server_key is not its public key, or it "
    "is not secured";
constexpr const char* kEndedWithoutKey =
    "the broker ended the handshake: most likely it is secured and this process has no key; set "
    "security.key_file and security.server_key";
constexpr const char* kNeedsKey =
    "the broker is secured and this process has no key: set security.key_file and "
    "security.server_key";
constexpr const char* kNotSecured =
    "this process has a key and the broker asks for none: it is not secured, or this is another's "
    "port";
constexpr const char* kNotZmtp = "what answers at this address is no broker";

}  // namespace

ConnectionWatch::ConnectionWatch(Context& context, Socket& socket, std::uint64_t seed)
    : Socket(context, zmq::socket_type::pair, {}),
      watched_(socket.handle()),
      address_(socket.peer_address()),
      has_key_(socket.has_key()),
      random_(seed) {}

Result<ConnectionWatch> ConnectionWatch::of(Context& context, Socket& socket, std::uint64_t seed) {
  ConnectionWatch watch(context, socket, seed);
  const auto address = fmt::format("inproc://drover-watch-{}", fmt::ptr(socket.handle()));
  if (zmq_socket_monitor(socket.handle(), address.c_str(), kEvents) != 0) {
    return Error{Errc::internal,
                 fmt::format("cannot watch {}: {}", address, zmq_strerror(zmq_errno()))};
  }
  if (auto connected = watch.Socket::connect(address); !connected) return connected.error();
  watch.begin_anew();  // what was tried before anybody watched may have been refused unseen
  return watch;
}

// An event is a frame of two numbers, and one with the address.
bool ConnectionWatch::take_connected() {
  bool connected = false;
  Frame frame;
  for (bool more = false; receive_frame(frame, more);) {
    const auto bytes = frame.view();
    if (!more || bytes.size() != 6) continue;
    std::uint16_t event = 0;
    std::uint32_t value = 0;
    std::memcpy(&event, bytes.data(), sizeof event);
    std::memcpy(&value, bytes.data() + sizeof event, sizeof value);
    connected = connected || event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    take(event, value);
  }
  if (again_at_ && Clock::now() >= *again_at_) connect_again();
  return connected;
}

void ConnectionWatch::take(std::uint16_t event, std::uint32_t value) {
  switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      trouble_.clear();
      attempts_ = 0;
      again_at_.reset();
      break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return refused(kKeyRefused);
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      if (value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC) return refused(kEndedWithKey);
      if (value != ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) return refused(kNotZmtp);
      return refused(has_key_ ? kNotSecured : kNeedsKey);
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      trouble_ = has_key_ ? kEndedWithKey : kEndedWithoutKey;
      break;
    // A further attempt follows at once, or none at all.
    case ZMQ_EVENT_DISCONNECTED: return plan_attempt();
    case ZMQ_EVENT_CONNECT_RETRIED:
      if (!again_at_) trouble_.clear();  // no connection broke: nobody is there
      again_at_.reset();
      break;
    default: break;
  }
}

void ConnectionWatch::refused(std::string why) {
  trouble_ = std::move(why);
  plan_attempt();
}

void ConnectionWatch::plan_attempt() {
  if (again_at_) return;
  const auto longest = std::min(kPauseMaxMs, kPauseMs << std::min(attempts_, kDoublings));
  again_at_ =
      Clock::now() + std::chrono::milliseconds(longest / 2 + random_.below(longest / 2 + 1));
}

void ConnectionWatch::connect_again() {
  again_at_.reset();
  ++attempts_;
  begin_anew();
}

// What is left of the attempt before is taken out first, so there are never two connections.
void ConnectionWatch::begin_anew() {
  zmq_disconnect(watched_, address_.c_str());
  zmq_connect(watched_, address_.c_str());
}

}  // namespace drover::transport
