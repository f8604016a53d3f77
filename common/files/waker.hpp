// Wakes a thread that polls: a descriptor that is readable from wake() until acknowledge()
// (eventfd(2)). However often it was woken in between, it is told once.
#pragma once

namespace drover::files {

class Waker {
 public:
  // Ends the process if it may have no further descriptor.
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  int fd() const { return descriptor_; }

  // From any thread, and from a signal handler.
  void wake() const;
  void acknowledge() const;

  // Sleeps until woken, or until the time is over; a signal ends it, too.
  void wait(int milliseconds) const;

 private:
  int descriptor_;
};

}  // namespace drover::files
