// A program that runs below this one, in a process group of its own, and dies with it.
//
// What it prints is read line by line from a pipe. It has no stdin, and if this process ends in
// whatever way, the kernel kills it. Start children from the main thread: the kernel watches the
// thread that did.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace drover::cli {

class Child {
 public:
  // argv[0] is the program's path. Errors: IO_FAILED.
  static Result<Child> start(const std::vector<std::string>& argv);

  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();  // kills what still runs

  pid_t pid() const { return pid_; }
  int output_fd() const { return output_; }  // -1 once it has closed its output

  // Takes what it has printed, a whole line at a time. Never waits.
  void read_lines(const std::function<void(std::string_view)>& take);

  // Its exit code once it has ended; 128 and the signal's number if a signal ended it.
  std::optional<int> ended();

  void send(int signal) const;

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}

  pid_t pid_ = -1;
  int output_ = -1;
  std::string pending_;  // of a line that is not whole yet
  std::optional<int> code_;
};

// The program `name` in the folder of this one.
std::string program_beside_us(const std::string& name);

}  // namespace drover::cli
