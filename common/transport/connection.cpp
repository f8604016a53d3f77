#include "common/transport/connection.hpp"

#include <sys/socket.h>

namespace drover::transport {
namespace {

constexpr std::uint64_t kGone = 0;

// The kernel's number of the connection behind a descriptor, which no other will ever have.
std::uint64_t cookie_of(int descriptor) {
  std::uint64_t cookie = kGone;
  socklen_t size = sizeof cookie;
  const int got = getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size);
  return got == 0 ? cookie : kGone;
}

}  // namespace

Connection::Connection(const Frame& frame) : descriptor_(frame.descriptor()) {
  if (descriptor_ >= 0) cookie_ = cookie_of(descriptor_);
}

bool Connection::stands() const { return cookie_ != kGone && cookie_of(descriptor_) == cookie_; }

void Connection::cut() const {
  if (stands()) ::shutdown(descriptor_, SHUT_RDWR);
}

}  // namespace drover::transport
