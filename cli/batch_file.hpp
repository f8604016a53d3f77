// A file of tasks, one JSON object a line (NDJSON), read in pieces so that its size does not
// matter.
//
// Submitting the unchanged file again is safe: a line that brings neither id nor idempotency_key
// gets a key made of the file's identity (device, inode, size, time of change), the line's number
// and its bytes. A file that was changed or written anew is a new batch, all of it. Pipes have no
// identity; their lines get no key.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "drover/task.hpp"

namespace drover::cli {

inline constexpr std::size_t kLineMax = 16 * 1024 * 1024;

struct BatchLine {
  std::uint64_t number = 0;  // from 1
  Result<NewTask> task;
};

class BatchFile {
 public:
  // "-" is stdin. A line that does not say something has it from `usual`. Error: INVALID_ARGUMENT
  // with the system's reason.
  static Result<BatchFile> open(const std::string& path, const NewTask& usual);

  // The next lines, at most `most`; none at the end. Empty lines are passed over. Error: IO_FAILED,
  // or a line beyond kLineMax.
  Result<std::vector<BatchLine>> next(std::size_t most);

  // Its lines can be told from those of another file, so that repeating them is safe.
  bool has_identity() const { return !identity_.empty(); }

  std::uint64_t bytes() const { return bytes_; }  // 0 where nobody knows
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdin) std::fclose(file);
    }
  };
  Result<bool> read_line(std::string& line);
  Result<NewTask> read_task(const std::string& line) const;

  std::unique_ptr<std::FILE, Close> file_;
  NewTask usual_;
  std::string identity_;
  std::uint64_t bytes_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t lines_ = 0;
};

// The key of a line; "" where the file has no identity.
std::string batch_key(const std::string& identity, std::uint64_t line, std::string_view bytes);

}  // namespace drover::cli
