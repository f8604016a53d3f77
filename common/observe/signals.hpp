// The signals that ask a process to stop, SIGTERM, SIGINT and SIGHUP (its terminal has gone), as
// something to poll instead of something that interrupts.
//
// Blocked from the moment one exists, in its thread and in those made after it.
#pragma once

namespace drover::observe {

class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_; }

  // The next signal that came; 0 if there is none.
  int take();

 private:
  int fd_;
};

}  // namespace drover::observe
