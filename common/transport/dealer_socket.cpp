#include "common/transport/dealer_socket.hpp"

#include "common/base/random.hpp"

namespace drover::transport {
namespace {

constexpr int kReconnectMs = 100;
constexpr int kReconnectSpreadMs = 400;
constexpr int kReconnectMaxMs = 10'000;

}  // namespace

DealerSocket::DealerSocket(Context& context, const SocketOptions& options, std::uint64_t seed)
    : Socket(context, zmq::socket_type::dealer, options), seed_(seed) {
  Random random(seed);
  const auto pause = kReconnectMs + static_cast<int>(random.below(kReconnectSpreadMs));
  socket_.set(zmq::sockopt::reconnect_ivl, pause);
  socket_.set(zmq::sockopt::reconnect_ivl_max, kReconnectMaxMs);
  socket_.set(zmq::sockopt::immediate, 1);
}

Result<DealerSocket> DealerSocket::connect(Context& context, const std::string& address,
                                           const SocketOptions& options, std::uint64_t seed) {
  DealerSocket dealer(context, options, seed);
  if (auto connected = dealer.Socket::connect(address); !connected) return connected.error();
  return dealer;
}

DealerSocket DealerSocket::to(Context& context, const std::string& address,
                              const SocketOptions& options, std::uint64_t seed) {
  DealerSocket dealer(context, options, seed);
  dealer.aim(address);
  return dealer;
}

std::optional<Frame> DealerSocket::receive() {
  Frame frame;
  bool more = false;
  while (receive_frame(frame, more)) {
    if (!more) return frame;
    drop_rest(more);
  }
  return std::nullopt;
}

}  // namespace drover::transport
