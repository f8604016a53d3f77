// The process's descriptors: how many there are, and whether most are taken.
//
// Everybody who reaches an address can open connections until no descriptor is left. libzmq would
// then try to accept the next one over and over, and the store could not open its files. So some
// descriptors are kept back from the sockets, and when most are taken it is time to let no new
// connections in (listeners.hpp).
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

  // Now and then, best several times a second. True if this changed is_short(). Costs microseconds
  // while it is false.
  bool update();

  // From nine tenths on, until below eight.
  bool is_short() const { return mark_.is_high(); }
  // At least so many are in use; exact while is_short().
  std::uint64_t in_use() const { return in_use_; }
  std::uint64_t most() const { return most_; }

 private:
  std::uint64_t most_ = 0;  // that sockets may use
  std::uint64_t in_use_ = 0;
  Watermark mark_;
};

}  // namespace drover::broker
