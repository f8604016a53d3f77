// Sees to it that no command outlives its worker, however the worker ends.
//
// A process of a few pages, forked from the worker, reads from a pipe which process groups live.
// The worker's end, by SIGKILL too, closes the pipe: the keeper then kills those groups and goes.
// (The kernel's PR_SET_PDEATHSIG, which each command has as well, reaches the command itself only.)
//
// It also makes this process the reaper of its orphans (PR_SET_CHILD_SUBREAPER), so that a
// command's grandchildren can be waited for, and has SIGPIPE ignored. Make one, early: before
// threads and sockets. No other part of the process has children of its own.
//
// Processes that leave their group (setsid) are beyond its reach; they are reaped, not killed.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <set>

namespace drover::workers {

class ChildKeeper {
 public:
  ChildKeeper();

  // Kills what is still registered, and the keeper ends.
  ~ChildKeeper();
  ChildKeeper(const ChildKeeper&) = delete;
  ChildKeeper& operator=(const ChildKeeper&) = delete;

  // What a new process writes to, its own pid as an int, to be registered as a group's leader.
  int pipe_fd() const { return pipe_; }

  // The group has been killed: its number may soon be another's.
  void forget(pid_t group);

  // Held from before a process is made until it is `own`ed, so that nobody else reaps it meanwhile.
  std::mutex& spawning() { return mutex_; }
  void own(pid_t leader) { owned_.insert(leader); }  // under spawning()
  void disown(pid_t leader);

  // Reaps children that nobody owns: orphans of commands that are over.
  void reap_strays();

  // -1 once it was killed by somebody else: commands then run without it.
  pid_t keeper_pid() const { return keeper_; }

 private:
  std::mutex mutex_;
  std::set<pid_t> owned_;  // leaders whose end somebody waits for
  int pipe_ = -1;
  pid_t keeper_ = -1;
};

}  // namespace drover::workers
