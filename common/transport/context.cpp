#include "common/transport/context.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <cstdlib>
#include <random>
#include <tuple>

namespace drover::transport {
namespace {

constexpr std::tuple kOldest(4, 3, 3);

// Blocks all signals for the calling thread while it lives; threads started meanwhile inherit that.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Result<void> check_library(int major, int minor, int patch) {
  if (std::tuple(major, minor, patch) >= kOldest) return {};
  return Error{Errc::bad_configuration,
               fmt::format("libzmq {}.{}.{} is installed; 4.3.3 is the oldest without holes that "
                           "strangers can use",
                           major, minor, patch)};
}

Result<void> check_library() {
  int major = 0, minor = 0, patch = 0;
  zmq_version(&major, &minor, &patch);
  return check_library(major, minor, patch);
}

Context::Context(int io_threads) : context_(io_threads) {
  // libzmq numbers the peers of a router from rand() on, which starts alike in every process; and
  // it aborts when a peer has taken the next number for its own routing id. So nobody may guess it.
  std::srand(std::random_device{}());
  // libzmq starts its threads with the first socket.
  const NoSignals quiet;
  zmq::socket_t first(context_, zmq::socket_type::pair);
}

void Context::shutdown() { context_.shutdown(); }

}  // namespace drover::transport
