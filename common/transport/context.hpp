// The ZeroMQ context: the threads and memory behind all sockets of one process.
//
// Make one, before any other thread starts, and let it outlive its sockets. The context's threads
// take no signals (they are blocked while it starts), so signals reach the thread that wants them.
#pragma once

#include <zmq.hpp>

#include "common/base/result.hpp"

namespace drover::transport {

// Whether this libzmq is good enough to meet strangers: before 4.3.3 a single mute connection
// could keep all others out (CVE-2020-15166). BAD_CONFIGURATION if it is older.
Result<void> check_library();
Result<void> check_library(int major, int minor, int patch);

class Context {
 public:
  // One I/O thread moves about a gigabyte a second.
  explicit Context(int io_threads = 1);

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Makes every socket call of this context fail and every poll return, from any thread; the
  // sockets can then only be destroyed. Calling it twice is fine.
  void shutdown();

  zmq::context_t& zmq() { return context_; }

 private:
  zmq::context_t context_;
};

}  // namespace drover::transport
