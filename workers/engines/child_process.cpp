#include "workers/engines/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

namespace drover::workers {
namespace {

constexpr std::size_t kStackSize = 64 * 1024;
constexpr int kSignals = 64;

// What the child needs, laid ready by the parent, and what it answers.
struct Launch {
  const char* program;
  char* const* argv;
  char* const* environment;
  int in, out, err;
  int keeper;
  pid_t parent;
  std::uint64_t memory_max;
  int error = 0;  // of execve
};

// The layout of the kernel's own struct sigaction: zeros are the default disposition.
struct KernelSigaction {
  void* handler;
  unsigned long flags;
  void* restorer;
  std::uint64_t mask;
};

// Runs in the child, in our memory, on a stack of its own, while our thread waits: no library code,
// no sanitizer. `syscall` is but the instruction.
__attribute__((no_sanitize("address", "undefined", "thread"))) int child_main(void* argument) {
  auto& launch = *static_cast<Launch*>(argument);
  syscall(SYS_setpgid, 0, 0);
  const int self = static_cast<int>(syscall(SYS_getpid));
  // While SIGPIPE is still ignored: a keeper that was killed is no reason not to run.
  syscall(SYS_write, launch.keeper, &self, sizeof self);
  const KernelSigaction to_default{};
  for (long signal = 1; signal <= kSignals; ++signal) {
    syscall(SYS_rt_sigaction, signal, &to_default, nullptr, sizeof to_default.mask);
  }
  syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (syscall(SYS_getppid) != launch.parent) syscall(SYS_exit_group, 127);
  syscall(SYS_dup3, launch.in, 0, 0);
  syscall(SYS_dup3, launch.out, 1, 0);
  syscall(SYS_dup3, launch.err, 2, 0);
  syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  const std::uint64_t no_core[2] = {0, 0};
  syscall(SYS_prlimit64, 0, RLIMIT_CORE, no_core, nullptr);
  const std::uint64_t memory[2] = {launch.memory_max, launch.memory_max};
  if (launch.memory_max > 0) syscall(SYS_prlimit64, 0, RLIMIT_DATA, memory, nullptr);
  const std::uint64_t no_signals = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, sizeof no_signals);
  syscall(SYS_execve, launch.program, launch.argv, launch.environment);
  launch.error = errno;
  syscall(SYS_exit_group, 127);
  return 0;
}

// clone(2). The thread sanitizer takes any call of it for a fork, also one that shares our memory,
// and would have the child tidy up the parent's locks; glibc has it under a second name.
#if defined(__SANITIZE_THREAD__)
extern "C" int __clone(int (*)(void*), void*, int, void*, ...);
const auto make_process = [](auto... arguments) { return __clone(arguments...); };
#else
const auto make_process = [](auto... arguments) { return clone(arguments...); };
#endif

// Makes the child and comes back once it is the command, or has failed to become it.
pid_t launch_child(Launch& launch) {
  const auto stack = std::make_unique_for_overwrite<std::byte[]>(kStackSize);
  const auto top = reinterpret_cast<std::uintptr_t>(stack.get() + kStackSize) & ~std::uintptr_t{15};
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours runs in the child
  const pid_t pid = make_process(child_main, reinterpret_cast<void*>(top),
                                 CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) launch.error = error;
  return pid;
}

// A pipe whose ends are closed in commands and are not 0, 1 or 2, even where those are closed.
struct Pipe {
  Descriptor read, write;
};

Descriptor above_standard(int fd) {
  if (fd > 2) return Descriptor(fd);
  Descriptor low(fd);
  return Descriptor(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

Pipe make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  return {above_standard(ends[0]), above_standard(ends[1])};
}

void unblock(const Descriptor& end) {
  fcntl(end.get(), F_SETFL, fcntl(end.get(), F_GETFL) | O_NONBLOCK);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const auto& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

std::string_view path_of(const std::vector<std::string>& environment) {
  for (const std::string_view entry : environment) {
    if (entry.starts_with("PATH=")) return entry.substr(5);
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

Error cannot_start(const std::string& program, int error) {
  const bool room = error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
  return {room ? Errc::resource_exhausted : Errc::not_found,
          fmt::format("the command {} cannot be started: {}", program,
                      error == ENOEXEC ? "it is no program, and has no #! line" : strerror(error))};
}

}  // namespace

void Descriptor::reset() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

std::string find_program(const std::string& name, std::string_view path) {
  if (name.find('/') != std::string::npos) return name;
  while (!path.empty()) {
    const auto end = std::min(path.find(':'), path.size());
    const std::string file = fmt::format("{}/{}", end == 0 ? "." : path.substr(0, end), name);
    if (access(file.c_str(), X_OK) == 0) return file;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return {};
}

Result<ChildProcess> ChildProcess::spawn(ChildKeeper& keeper, const Command& command) {
  const auto program = find_program(command.argv.at(0), path_of(command.environment));
  if (program.empty()) {
    return Error{Errc::not_found, fmt::format("there is no command {}", command.argv[0])};
  }
  Pipe in = command.with_stdin
                ? make_pipe()
                : Pipe{Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)), Descriptor()};
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  if (!in.read || !out.read || !err.read) return cannot_start(program, errno);
  const auto argv = pointers(command.argv);
  const auto environment = pointers(command.environment);
  Launch launch{program.c_str(),  argv.data(),     environment.data(),
                in.read.get(),    out.write.get(), err.write.get(),
                keeper.pipe_fd(), getpid(),        command.memory_max};

  pid_t pid = -1;
  {
    const std::lock_guard lock(keeper.spawning());
    pid = launch_child(launch);
    if (pid > 0) keeper.own(pid);
  }
  if (pid < 0) return cannot_start(program, launch.error);
  ChildProcess child(keeper, pid);
  child.exit_ = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (launch.error == 0 && !child.exit_) launch.error = errno;
  if (launch.error != 0) return cannot_start(program, launch.error);  // `child` reaps what there is
  child.in = std::move(in.write);
  child.out = std::move(out.read);
  child.err = std::move(err.read);
  for (const auto* end : {&child.in, &child.out, &child.err}) {
    if (*end) unblock(*end);
  }
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : in(std::move(other.in)),
      out(std::move(other.out)),
      err(std::move(other.err)),
      keeper_(other.keeper_),
      pid_(std::exchange(other.pid_, 0)),
      exit_(std::move(other.exit_)),
      gone_(other.gone_),
      status_(other.status_) {}

ChildProcess::~ChildProcess() {
  if (pid_ != 0) end_group();
}

void ChildProcess::signal_group(int signal) const {
  if (!gone_) kill(-pid_, signal);
}

bool ChildProcess::group_lives() {
  while (!gone_) {
    int status = 0;
    const pid_t ended = waitpid(-pid_, &status, WNOHANG);
    if (ended == 0) return true;
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) gone_ = true;
    if (ended == pid_) status_ = status;
  }
  return false;
}

void ChildProcess::end_group() {
  using namespace std::chrono_literals;
  if (pid_ == 0) return;
  signal_group(SIGKILL);
  keeper_->forget(pid_);
  const auto patience = std::chrono::steady_clock::now() + 2s;
  while (group_lives() && std::chrono::steady_clock::now() < patience) poll(nullptr, 0, 1);
  keeper_->disown(pid_);
  gone_ = true;
  pid_ = 0;
  keeper_->reap_strays();
}

}  // namespace drover::workers
