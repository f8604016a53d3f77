// The disk as the journal sees it: one directory of files, and the few calls it needs on them.
//
// All of the journal's I/O goes through here, so that a test can put a disk behind it that fails,
// fills up or loses its power (tests/support/sim_disk.hpp). posix_io.hpp is the real one.
//
// Errors are values: STORAGE_FULL where there is no space, NOT_FOUND, STORE_IN_USE, and IO_FAILED
// for the rest; their messages name the file. Calls may come from several threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace drover::broker::journal {

// An open file. Closed when its last owner lets go.
class File {
 public:
  virtual ~File() = default;

  // Both say how many bytes they moved, which may be fewer than asked: read_exactly and write_all
  // go on until all are. A read of 0 bytes is the end of the file.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> into) = 0;
  virtual Result<std::size_t> write(std::uint64_t offset, std::string_view bytes) = 0;

  // Grows the file to `bytes` and reserves the space, so that no later write within can lack it.
  // New bytes read as zero.
  virtual Result<void> preallocate(std::uint64_t bytes) = 0;

  // Returns when everything written, and the size, is on the medium (fdatasync).
  virtual Result<void> sync() = 0;

  virtual Result<std::uint64_t> size() = 0;

  // A reader's word to the process that has the directory: do not use this file again for something
  // else while I have it open. It asks `is_held` after it took the file's name away; whoever finds
  // the name still there after `hold` came in time. NOT_FOUND if it is asking just now.
  virtual Result<void> hold() = 0;
  virtual bool is_held() = 0;  // true too where it cannot be told
};

enum class OpenMode : std::uint8_t {
  existing,  // NOT_FOUND if there is none
  create,    // a new file, readable by its owner only; fails if the name is taken
};

struct DiskSpace {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};

class Io {
 public:
  virtual ~Io() = default;

  // Claims the directory for this process until `unlock` or the process's end. STORE_IN_USE if
  // another has it.
  virtual Result<void> lock() = 0;
  virtual void unlock() = 0;

  // The names in the directory, in no order.
  virtual Result<std::vector<std::string>> list() = 0;

  virtual Result<std::shared_ptr<File>> open(const std::string& name, OpenMode mode) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& name) = 0;

  // Returns when all names given, changed and removed before are on the medium.
  virtual Result<void> sync_directory() = 0;

  virtual Result<DiskSpace> space() = 0;
};

// Fills `into`; IO_FAILED if the file ends before.
Result<void> read_exactly(File& file, std::uint64_t offset, std::span<char> into);

// Writes all of `bytes`, or fails with some of them written.
Result<void> write_all(File& file, std::uint64_t offset, std::string_view bytes);

}  // namespace drover::broker::journal
