#include "broker/app/descriptors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace drover::broker {
namespace {

constexpr rlim_t kKeptBack = 64;  // for the store's files and whatever else is not a connection
constexpr rlim_t kLeast = 2 * kKeptBack;
constexpr int kDrainedAtOnce = 8192;  // of one listener: more than its backlog
constexpr std::size_t kStack = 64 * 1024;

rlimit limits() {
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  return now;
}

void set_soft(rlim_t soft) {
  rlimit now = limits();
  now.rlim_cur = std::min(soft, now.rlim_max);
  setrlimit(RLIMIT_NOFILE, &now);
}

rlim_t raised() {
  const rlimit before = limits();
  if (before.rlim_max > kLeast) set_soft(before.rlim_max - kKeptBack);
  return limits().rlim_cur;
}

// The kernel gives the lowest number that is free: all below it are in use.
std::uint64_t lowest_free(std::uint64_t most) {
  const int probe = ::open("/", O_PATH | O_CLOEXEC);
  if (probe < 0) return most;
  ::close(probe);
  return static_cast<std::uint64_t>(probe);
}

std::uint64_t count_all(std::uint64_t otherwise) {
  const auto all = open_descriptors();
  return all.empty() ? otherwise : all.size() - 1;  // less the one they are read through
}

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
void drain(std::vector<int>& listeners) {
  std::vector<char> stack(kStack);
  const int child =
      ::clone(close_waiting, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK, &listeners);
  if (child > 0) ::waitpid(child, nullptr, __WALL);
}

}  // namespace

std::vector<int> open_descriptors() {
  std::vector<int> found;
  DIR* stream = ::opendir("/proc/self/fd");
  if (stream == nullptr) return found;
  while (const dirent* entry = ::readdir(stream)) {
    if (entry->d_name[0] != '.') found.push_back(std::atoi(entry->d_name));
  }
  ::closedir(stream);
  return found;
}

Descriptors::Descriptors() : most_(raised()), mark_(most_ * 9 / 10, most_ * 8 / 10) {}

void Descriptors::watch_listeners() {
  listeners_.clear();
  const auto end = static_cast<int>(lowest_free(most_));
  for (int fd = 0; fd < end; ++fd) {
    if (!option_is(fd, SO_ACCEPTCONN, 1) || !option_is(fd, SO_PROTOCOL, IPPROTO_TCP)) continue;
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);  // two threads accept there
    listeners_.push_back(fd);
  }
}

// New connections take the holes first, so the lowest free number tells when most are taken.
bool Descriptors::update() {
  in_use_ = mark_.is_high() ? count_all(most_) : lowest_free(most_);
  if (!mark_.update(in_use_)) return false;
  mark_.is_high() ? shut() : open();
  return true;
}

void Descriptors::shut() {
  sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &drop_all};
  for (const int fd : listeners_)
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  drain(listeners_);
}

void Descriptors::open() {
  const int unused = 0;
  for (const int fd : listeners_)
    setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

}  // namespace drover::broker
