#include "common/transport/connection.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace drover::transport {
namespace {

constexpr std::uint64_t kGone = 0;
constexpr std::uint8_t kEstablished = 1;  // TCP_ESTABLISHED, which only the C library's header has

// The kernel's number of the connection behind a descriptor, which no other will ever have.
std::uint64_t cookie_of(int descriptor) {
  std::uint64_t cookie = kGone;
  socklen_t size = sizeof cookie;
  const int got = getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size);
  return got == 0 ? cookie : kGone;
}

}  // namespace

Connection::Connection(const Frame& frame) : Connection(frame.descriptor()) {}

Connection::Connection(int descriptor) : descriptor_(descriptor) {
  if (descriptor_ >= 0) cookie_ = cookie_of(descriptor_);
}

bool Connection::stands() const { return cookie_ != kGone && cookie_of(descriptor_) == cookie_; }

std::optional<std::uint64_t> Connection::received() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (info.tcpi_state != kEstablished) return std::nullopt;
  return info.tcpi_bytes_received;
}

std::uint16_t Connection::port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (!stands() || getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  if (address.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

void Connection::cut() const {
  if (stands()) ::shutdown(descriptor_, SHUT_RDWR);
}

}  // namespace drover::transport
