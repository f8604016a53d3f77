#include "cli/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <utility>

namespace drover::cli {
namespace {

constexpr std::size_t kLineMax = 64 * 1024;  // a longer line is taken in pieces
constexpr int kCannotRun = 127;

// All that happens between fork and exec: nothing here may allocate or lock.
[[noreturn]] void become(char* const* argv, int output, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotRun);  // it died before it was watched
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) signal(number, SIG_DFL);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  syscall(SYS_close_range, 3u, ~0u, 0u);
  execv(argv[0], argv);
  constexpr char kText[] = "cannot be run\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kText, sizeof kText - 1);
  _exit(kCannotRun);
}

Error failed(const std::string& what) {
  return {Errc::io_failed, fmt::format("{}: {}", what, strerror(errno))};
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& argv) {
  if (access(argv[0].c_str(), X_OK) != 0) return failed("cannot run " + argv[0]);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failed("cannot make a pipe");
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(words.data(), ends[1], parent);
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return failed("cannot start " + argv[0]);
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return Child(pid, ends[0]);
}

Child::Child(Child&& other) noexcept { *this = std::move(other); }

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(output_, other.output_);
  std::swap(pending_, other.pending_);
  std::swap(code_, other.code_);
  return *this;
}

Child::~Child() {
  if (pid_ > 0 && !code_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (output_ >= 0) close(output_);
}

void Child::read_lines(const std::function<void(std::string_view)>& take) {
  char piece[16384];
  while (output_ >= 0) {
    const ssize_t n = read(output_, piece, sizeof piece);
    if (n == 0) {  // nobody can print any more
      if (!pending_.empty()) take(std::exchange(pending_, {}));
      close(std::exchange(output_, -1));
    }
    if (n <= 0) return;
    pending_.append(piece, static_cast<std::size_t>(n));
    std::size_t from = 0;
    for (std::size_t end = 0; (end = pending_.find('\n', from)) != std::string::npos;) {
      take(std::string_view(pending_).substr(from, end - from));
      from = end + 1;
    }
    pending_.erase(0, from);
    if (pending_.size() > kLineMax) take(std::exchange(pending_, {}));
  }
}

std::optional<int> Child::ended() {
  int status = 0;
  if (!code_ && waitpid(pid_, &status, WNOHANG) == pid_) code_ = code_of(status);
  return code_;
}

void Child::send(int signal) const {
  if (pid_ > 0 && !code_) kill(pid_, signal);
}

std::string program_beside_us(const std::string& name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

}  // namespace drover::cli
