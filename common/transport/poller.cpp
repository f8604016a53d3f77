#include "common/transport/poller.hpp"

#include <algorithm>
#include <cerrno>

#include "common/base/assert.hpp"

namespace drover::transport {
namespace {

constexpr Duration kLongest = std::chrono::hours(24);

long to_poll(Duration timeout) {
  return static_cast<long>(std::clamp(timeout, Duration(-1), kLongest).count());
}

}  // namespace

Poller::Slot Poller::add(Socket& socket) {
  items_.push_back({socket.handle(), 0, ZMQ_POLLIN, 0});
  return items_.size() - 1;
}

Poller::Slot Poller::add(int fd) {
  items_.push_back({nullptr, fd, ZMQ_POLLIN, 0});
  return items_.size() - 1;
}

void Poller::watch(Slot slot, bool on) {
  items_[slot].events = on ? ZMQ_POLLIN : 0;
  if (!on) items_[slot].revents = 0;
}

bool Poller::wait(Duration timeout) {
  const auto count = static_cast<int>(items_.size());
  if (zmq_poll(items_.data(), count, to_poll(timeout)) >= 0) return true;
  const int why = zmq_errno();
  DROVER_ASSERT(why == EINTR || why == ETERM);
  for (auto& item : items_) item.revents = 0;
  return why == EINTR;
}

bool Poller::ready(Slot slot) const { return items_[slot].revents != 0; }

}  // namespace drover::transport
