// The TCP connection that a frame came over, to be cut where its owner has lost the right to it.
//
// Descriptors return, so a connection is known by the kernel's number for it, too.
#pragma once

#include <cstdint>
#include <optional>

#include "common/transport/frame.hpp"

namespace drover::transport {

class Connection {
 public:
  Connection() = default;

  // Stands for nothing where the frame came over no network.
  explicit Connection(const Frame& frame);

  // Whatever is behind a descriptor.
  explicit Connection(int descriptor);

  // True while the connection that it stood for at the beginning stands.
  bool stands() const;

  // Bytes that the kernel has received over it; nothing for what is no TCP connection.
  std::optional<std::uint64_t> received() const;

  // Our own port of it; 0 for what is no TCP connection, or not any more.
  std::uint16_t port() const;

  // Ends it. libzmq notices as if the peer had done so.
  void cut() const;

  int descriptor() const { return descriptor_; }
  bool operator==(const Connection&) const = default;

 private:
  int descriptor_ = -1;
  std::uint64_t cookie_ = 0;
};

}  // namespace drover::transport
