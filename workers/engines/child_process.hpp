// A command as a running process group: started without a shell, its streams in pipes, its limits
// set, and ended as a whole.
//
// The process is made with clone(CLONE_VM | CLONE_VFORK), as posix_spawn does it, because our
// process has threads and sockets; the child makes system calls only, until it is the command:
//
//   own process group, registered with the keeper; SIGKILL when our thread ends; default signals;
//   stdin, stdout, stderr = pipes (or /dev/null); every other descriptor closed; no core files;
//   RLIMIT_DATA = memory_max
//
// RLIMIT_DATA bounds, for each process of the group, heap and private writable mappings. Unlike
// RLIMIT_AS it does not count what runtimes merely reserve (Go, Java and Node reserve gigabytes).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.hpp"
#include "workers/engines/child_keeper.hpp"

namespace drover::workers {

// A descriptor that is closed at its end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

struct Command {
  std::vector<std::string> argv;         // argv[0] is looked for in PATH unless it has a slash
  std::vector<std::string> environment;  // NAME=value; its PATH is the one that counts
  std::uint64_t memory_max = 0;          // bytes; 0 = no limit
  bool with_stdin = true;                // false: /dev/null
};

class ChildProcess {
 public:
  // Starts the command. Errors: NOT_FOUND (there is no such program, or it cannot be run),
  // RESOURCE_EXHAUSTED (the system has no room for it now).
  static Result<ChildProcess> spawn(ChildKeeper& keeper, const Command& command);

  // Kills and reaps the group if that has not happened.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  // Our ends of the pipes; they do not block.
  Descriptor in, out, err;

  // Readable once the command itself has ended.
  int exit_fd() const { return exit_.get(); }

  // Sends the signal to every process of the group; nothing once all are gone. (The group's number
  // cannot be another's while one of it is left, be it only to be reaped.)
  void signal_group(int signal) const;

  // Reaps what has ended; true while a process of the group lives. Call it only once the command
  // itself has ended.
  bool group_lives();

  // Kills what is left and waits for its end, two seconds at most.
  void end_group();

  // The command's wait status, once it was reaped.
  int status() const { return status_; }

 private:
  ChildProcess(ChildKeeper& keeper, pid_t pid) : keeper_(&keeper), pid_(pid) {}

  ChildKeeper* keeper_;
  pid_t pid_;  // also the group's number; 0 once it is ended
  Descriptor exit_;
  bool gone_ = false;  // nothing of the group is left
  int status_ = 0;
};

// The file that `name` stands for: itself with a slash, otherwise the first in `path`'s folders
// that may be run; "" if there is none.
std::string find_program(const std::string& name, std::string_view path);

}  // namespace drover::workers
