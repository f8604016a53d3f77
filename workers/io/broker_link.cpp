#include "workers/io/broker_link.hpp"

#include <utility>

#include "common/transport/poller.hpp"
#include "common/wire/codec.hpp"

namespace drover::workers {
namespace {

// Time for the last words, a bye or a result, to leave after the worker has gone.
constexpr Duration kLinger = 500ms;
constexpr int kWaitingMax = 10'000;  // frames; a worker's window bounds them anyway

}  // namespace

Result<BrokerLink> BrokerLink::open(transport::Context& context, const std::string& address,
                                    const transport::Curve& curve, std::uint64_t seed) {
  transport::SocketOptions options;
  options.curve = curve;
  options.linger = kLinger;
  options.send_max = kWaitingMax;
  options.receive_max = kWaitingMax;
  auto dealer = transport::DealerSocket::to(context, address, options, seed);
  auto watch = dealer.watch(context);
  if (!watch) return watch.error();
  return BrokerLink(std::move(dealer), std::move(*watch));
}

void BrokerLink::send(const wire::WorkerMessage& message) {
  frame_.clear();
  wire::encode(message, frame_);
  if (dealer_.send(frame_) != transport::Sent::sent) ++figures_.dropped;
}

bool BrokerLink::take_connected() {
  if (!watch_.take_connected()) return false;
  // libzmq looks for news of its pipes once a millisecond at most, unless it is polled: without
  // this a frame sent now may still meet a socket that knows of no connection.
  transport::Poller poller;
  poller.add(dealer_);
  poller.wait(Duration(0));
  return true;
}

void BrokerLink::receive(const std::function<void(const wire::WorkerOrder&)>& take) {
  while (const auto frame = dealer_.receive()) {
    const auto order = wire::decode_worker_order(frame->view());
    if (order) {
      take(*order);
    } else {
      ++figures_.unreadable;
    }
  }
}

}  // namespace drover::workers
