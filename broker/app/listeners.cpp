#include "broker/app/listeners.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "broker/app/descriptors.hpp"
#include "common/transport/connection.hpp"

namespace drover::broker {
namespace {

constexpr std::uint64_t kForeignASecond = 2000;  // each of them takes microseconds
constexpr Duration kShutFor = 1s;
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

Listeners::Listener* Listeners::find(std::uint16_t port) {
  const auto at = std::find_if(listeners_.begin(), listeners_.end(),
                               [&](const auto& listener) { return listener.port == port; });
  return at == listeners_.end() ? nullptr : &*at;
}

bool Listeners::charge(std::uint16_t port, Instant now) {
  auto* listener = find(port);
  if (listener == nullptr) return false;
  listener->foreign.take(1, kForeignASecond, now);
  return listener->foreign.pause(kForeignASecond, now) > 0ms;
}

void Listeners::shut(std::uint16_t port, Instant now) {
  auto* listener = find(port);
  if (listener == nullptr) return;
  listener->shut_until = now + kShutFor;
  if (listener->is_open) shut({listener});
}

void Listeners::update(bool wanted, Instant now) {
  std::vector<Listener*> unwanted;
  const int unused = 0;
  for (auto& listener : listeners_) {
    const bool open = wanted && now >= listener.shut_until;
    if (open && !listener.is_open) {
      setsockopt(listener.descriptor, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
      listener.is_open = true;
    }
    if (!open && listener.is_open) unwanted.push_back(&listener);
  }
  if (!unwanted.empty()) shut(unwanted);
}

bool Listeners::all_open() const {
  return std::all_of(listeners_.begin(), listeners_.end(), [](const auto& l) { return l.is_open; });
}

void Listeners::shut(const std::vector<Listener*>& which) {
  sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &drop_all};
  std::vector<int> descriptors;
  for (auto* listener : which) {
    setsockopt(listener->descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    listener->is_open = false;
    descriptors.push_back(listener->descriptor);
  }
  drain(std::move(descriptors));
}

}  // namespace drover::broker
