#include <cstdio>
#include <vector>

#include "bench/load/load.hpp"
#include "common/observe/signals.hpp"
#include "common/transport/clock.hpp"
#include "common/transport/poller.hpp"
#include "common/transport/sub_socket.hpp"

namespace drover::bench {
namespace {

constexpr int kMessagesATurn = 1000;

class Listeners {
 public:
  explicit Listeners(const SubscribeOptions& options) : options_(options) {}

  Result<void> start() {
    const auto curve = transport::read_client_keys(keys_of_environment());
    if (!curve) return curve.error();
    transport::SocketOptions socket_options;
    socket_options.curve = *curve;
    sockets_.reserve(options_.count);
    for (std::uint32_t i = 0; i < options_.count; ++i) {
      auto socket = transport::SubSocket::connect(context_, options_.status, socket_options);
      if (!socket) return socket.error();
      if (auto heard = socket->subscribe(options_.prefix); !heard) return heard.error();
      sockets_.push_back(std::move(*socket));
    }
    return {};
  }

  void run(int signals) {
    transport::Poller poller;
    const auto stop = poller.add(signals);
    if (options_.slow == Duration(0)) {
      for (auto& socket : sockets_) poller.add(socket);
    }
    const Duration pause = options_.slow == Duration(0) ? Duration(1s) : options_.slow;
    while (!poller.ready(stop)) {
      poller.wait(pause);
      for (auto& socket : sockets_) read(socket);
    }
  }

  std::uint64_t heard() const { return heard_; }

 private:
  // A slow one reads a single message in each pause.
  void read(transport::SubSocket& socket) {
    const int most = options_.slow == Duration(0) ? kMessagesATurn : 1;
    for (int i = 0; i < most && socket.receive(); ++i) ++heard_;
  }

  const SubscribeOptions& options_;
  transport::Context context_;
  std::vector<transport::SubSocket> sockets_;
  std::uint64_t heard_ = 0;
};

}  // namespace

int subscribe(const SubscribeOptions& options) {
  const observe::Signals signals;
  Listeners listeners(options);
  if (auto started = listeners.start(); !started) {
    std::fprintf(stderr, "bench_load: %s\n", started.error().message.c_str());
    return 1;
  }
  listeners.run(signals.fd());
  std::printf("{\"heard\":%llu}\n", static_cast<unsigned long long>(listeners.heard()));
  return 0;
}

}  // namespace drover::bench
