#include "broker/app/listeners.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "broker/app/descriptors.hpp"
#include "common/transport/connection.hpp"

namespace drover::broker {
namespace {

constexpr std::uint64_t kForeignASecond = 2000;  // each of them takes microseconds
constexpr Duration kShutFor = 1s;
constexpr Duration kFloodOver = 9s;   // after a tap may open, what comes then is another one
constexpr int kDrainedAtOnce = 8192;  // of one listener: more than its backlog
constexpr std::size_t kStack = 64 * 1024;

bool option_is(int fd, int option, int wanted) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

// Takes the connections that wait at the listeners, and closes them. Runs in a process of its own
// that shares our memory: system calls only.
int close_waiting(void* argument) {
  const auto& listeners = *static_cast<const std::vector<int>*>(argument);
  unsigned next = 0;
  for (const int fd : listeners) {
    const auto kept = static_cast<unsigned>(fd);
    if (next < kept) close_range(next, kept - 1, 0);
    next = kept + 1;
  }
  close_range(next, ~0U, 0);
  for (const int fd : listeners) {
    for (int i = 0; i < kDrainedAtOnce; ++i) {
      const int waiting = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (waiting < 0) break;
      ::close(waiting);
    }
  }
  _exit(0);
}

// What was connected but is not accepted would keep libzmq trying, over and over, when no
// descriptor is left; and whatever we freed to accept it here, libzmq would be the first to take. A
// process that is made like vfork's has a table of descriptors of its own, in which there is room.
void drain(std::vector<int> listeners) {
  std::vector<char> stack(kStack);
  const int child =
      ::clone(close_waiting, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK, &listeners);
  if (child > 0) ::waitpid(child, nullptr, __WALL);
}

void turn(int listener, bool& is_open, bool to_open) {
  if (is_open == to_open) return;
  sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &drop_all};
  const int unused = 0;
  if (to_open) {
    setsockopt(listener, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
  } else {
    setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  }
  is_open = to_open;
}

}  // namespace

void Listeners::watch() {
  listeners_.clear();
  for (const int fd : open_descriptors()) {
    if (!option_is(fd, SO_ACCEPTCONN, 1) || !option_is(fd, SO_PROTOCOL, IPPROTO_TCP)) continue;
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);  // two threads accept there
    Listener listener;
    listener.descriptor = fd;
    listener.port = transport::Connection(fd).port();
    listeners_.push_back(listener);
  }
  std::sort(listeners_.begin(), listeners_.end(),
            [](const auto& a, const auto& b) { return a.descriptor < b.descriptor; });
}

// Several addresses may have the same port; they are flooded together.
bool Listeners::charge(std::uint16_t port, Instant now) {
  bool is_flood = false;
  for (auto& listener : listeners_) {
    if (listener.port != port) continue;
    is_flood = listener.foreign.pause(kForeignASecond, now) > 0ms;
    if (!is_flood) listener.foreign.take(1, kForeignASecond, now);
  }
  return is_flood;
}

bool Listeners::shut(std::uint16_t port, Instant now) {
  bool is_new = false;
  for (auto& listener : listeners_) {
    if (listener.port != port) continue;
    is_new = listener.shut_until == Instant{} || now >= listener.shut_until + kFloodOver;
    listener.shut_until = now + kShutFor;
    turn(listener.descriptor, listener.is_open, false);
  }
  return is_new;
}

void Listeners::update(bool wanted, Instant now) {
  std::vector<int> unwanted;
  for (auto& listener : listeners_) {
    turn(listener.descriptor, listener.is_open, wanted && now >= listener.shut_until);
    if (!wanted) unwanted.push_back(listener.descriptor);
  }
  if (!unwanted.empty() && !std::exchange(is_drained_, true)) drain(std::move(unwanted));
  if (wanted) is_drained_ = false;
}

bool Listeners::all_open() const {
  return std::all_of(listeners_.begin(), listeners_.end(), [](const auto& l) { return l.is_open; });
}

}  // namespace drover::broker
