#include "common/observe/signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/assert.hpp"

namespace drover::observe {

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  DROVER_ASSERT(fd_ >= 0);
}

Signals::~Signals() { close(fd_); }

int Signals::take() {
  signalfd_siginfo info{};
  const auto bytes = read(fd_, &info, sizeof info);
  return bytes == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace drover::observe
