// The process's descriptors, and the tap on new connections.
//
// Everybody who reaches an address can open connections until no descriptor is left. libzmq would
// then try to accept the next one over and over, and the store could not open its files. So some
// descriptors are kept back from the sockets, and when most are taken new connections are no longer
// let in: the kernel drops what arrives at the listening sockets, and those who connect try again
// by themselves. Connections that stand are not touched. (Unbinding would close them: libzmq ends a
// listener's connections with it.)
#pragma once

#include <cstdint>
#include <vector>

#include "broker/io/watermark.hpp"

namespace drover::broker {

// All that the process has open, and the one that they are read through; none if the system does
// not tell.
std::vector<int> open_descriptors();

class Descriptors {
 public:
  // Allows the process as many descriptors as the system does, but for those kept back.
  Descriptors();

  // Takes note of the sockets that listen now. Once, when all are bound.
  void watch_listeners();

  // Now and then, best several times a second: closes the tap at nine tenths, opens it below eight.
  // True if it was turned. Costs microseconds while the tap is open.
  bool update();

  bool listening() const { return !mark_.is_high(); }
  // At least so many are in use; exact while the tap is closed.
  std::uint64_t in_use() const { return in_use_; }
  std::uint64_t most() const { return most_; }

 private:
  void shut();
  void open();

  std::uint64_t most_ = 0;  // that sockets may use
  std::uint64_t in_use_ = 0;
  Watermark mark_;
  std::vector<int> listeners_;
};

}  // namespace drover::broker
