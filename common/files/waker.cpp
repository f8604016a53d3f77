#include "common/files/waker.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "common/base/assert.hpp"

namespace drover::files {

Waker::Waker() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  DROVER_ASSERT(descriptor_ >= 0);
}

Waker::~Waker() { ::close(descriptor_); }

void Waker::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

void Waker::acknowledge() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto read = ::read(descriptor_, &count, sizeof count);
}

void Waker::wait(int milliseconds) const {
  pollfd news{descriptor_, POLLIN, 0};
  ::poll(&news, 1, milliseconds);
}

}  // namespace drover::files
