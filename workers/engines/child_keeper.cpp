#include "workers/engines/child_keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/base/assert.hpp"

namespace drover::workers {
namespace {

constexpr std::size_t kGroupsMax = 16 * 1024;  // as many as a worker has slots, and more

// In the keeper, a fork of a process with threads: nothing but system calls, no memory but this.
std::array<int, kGroupsMax> kept_groups;

void note_group(int message) {
  const int group = message > 0 ? message : -message;
  for (int& place : kept_groups) {
    if (message > 0 ? place == 0 : place == group) {
      place = message > 0 ? group : 0;
      return;
    }
  }
}

// Reads pids, positive to keep and negative to forget, until no writer is left.
void read_groups(int from) {
  std::array<int, 256> messages;
  for (;;) {
    const ssize_t bytes = read(from, messages.data(), sizeof messages);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return;
    for (std::size_t i = 0; i < static_cast<std::size_t>(bytes) / sizeof(int); ++i) {
      note_group(messages[i]);
    }
  }
}

// Lets `ps` show what this process is: writes over the arguments that it has from the worker.
void take_name() {
  constexpr std::string_view kName = "drover-keeper";
  prctl(PR_SET_NAME, kName.data());
  std::array<char, 4096> arguments;
  const int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  const ssize_t bytes = read(file, arguments.data(), arguments.size());
  const auto length = static_cast<std::size_t>(std::max<ssize_t>(bytes, 0));
  char* const place = program_invocation_name;
  if (length <= kName.size() || memcmp(place, arguments.data(), length) != 0) return;
  memset(place, 0, length);
  memcpy(place, kName.data(), kName.size());
}

[[noreturn]] void keep(int from) {
  setsid();  // a terminal's Ctrl-C is not for the keeper
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  take_name();
  dup2(from, 0);
  syscall(SYS_close_range, 1U, ~0U, 0U);
  read_groups(0);
  for (const int group : kept_groups) {
    if (group > 0) kill(-group, SIGKILL);
  }
  _exit(0);
}

}  // namespace

ChildKeeper::ChildKeeper() {
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::array<int, 2> ends{};
  DROVER_ASSERT(pipe2(ends.data(), O_CLOEXEC) == 0);
  keeper_ = fork();
  if (keeper_ == 0) keep(ends[0]);
  DROVER_ASSERT(keeper_ > 0);
  close(ends[0]);
  pipe_ = ends[1];
  fcntl(pipe_, F_SETFL, O_NONBLOCK);  // nobody waits for a keeper that somebody has stopped
  owned_.insert(keeper_);
}

ChildKeeper::~ChildKeeper() {
  close(pipe_);
  for (int looks = 0; keeper_ > 0 && waitpid(keeper_, nullptr, WNOHANG) == 0; ++looks) {
    if (looks == 1000) kill(keeper_, SIGKILL);
    poll(nullptr, 0, 1);
  }
}

void ChildKeeper::forget(pid_t group) {
  const int message = -group;
  [[maybe_unused]] const auto bytes = write(pipe_, &message, sizeof message);
}

void ChildKeeper::disown(pid_t leader) {
  const std::lock_guard lock(mutex_);
  owned_.erase(leader);
}

void ChildKeeper::reap_strays() {
  const std::lock_guard lock(mutex_);
  for (;;) {
    siginfo_t ended{};
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
    const bool is_keeper = ended.si_pid == keeper_;  // killed by somebody: commands still run
    if (!is_keeper && owned_.contains(ended.si_pid)) return;  // its owner is about to reap it
    waitpid(ended.si_pid, nullptr, WNOHANG);
    if (is_keeper) keeper_ = -1;
  }
}

}  // namespace drover::workers
