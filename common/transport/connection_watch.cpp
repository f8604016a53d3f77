#include "common/transport/connection_watch.hpp"

#include <fmt/format.h>
#include <zmq.h>

#include <algorithm>
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

ConnectionWatch::ConnectionWatch(Monitor monitor, const Socket& socket, std::uint64_t seed)
    : Monitor(std::move(monitor)),
      address_(socket.peer_address()),
      has_key_(socket.has_key()),
      random_(seed) {}

Result<ConnectionWatch> ConnectionWatch::of(Context& context, Socket& socket, std::uint64_t seed) {
  auto monitor = Monitor::of(context, socket, kEvents);
  if (!monitor) return monitor.error();
  ConnectionWatch watch(std::move(*monitor), socket, seed);
  if (!watch.begin_anew()) {
    return Error{Errc::bad_configuration, fmt::format("cannot connect to {}: {}", watch.address_,
                                                      zmq_strerror(zmq_errno()))};
  }
  return watch;
}

bool ConnectionWatch::take_connected() {
  bool connected = false;
  while (const auto event = next()) {
    connected = connected || event->what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    take(*event);
  }
  if (again_at_ && Clock::now() >= *again_at_) connect_again();
  return connected;
}

void ConnectionWatch::take(const Event& event) {
  switch (event.what) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      trouble_.clear();
      attempts_ = 0;
      again_at_.reset();
      break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return refused(kKeyRefused);
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      if (event.value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC) return refused(kEndedWithKey);
      if (event.value != ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) return refused(kNotZmtp);
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
bool ConnectionWatch::begin_anew() {
  zmq_disconnect(watched(), address_.c_str());
  return zmq_connect(watched(), address_.c_str()) == 0;
}

}  // namespace drover::transport
