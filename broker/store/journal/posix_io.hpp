// The journal's directory on a real disk.
//
// Files are readable by their owner only (0600, the directory 0700). Calls that a signal interrupts
// are repeated.
#pragma once

#include <memory>
#include <string>

#include "broker/store/journal/io.hpp"

namespace drover::broker::journal {

class PosixIo final : public Io {
 public:
  // Opens the directory, and makes it (not those above it) if it is not there. Errors: IO_FAILED.
  static Result<std::unique_ptr<PosixIo>> open_directory(const std::string& path);

  // To look at a store only: nothing is made, files cannot be written to, and `lock` is shared with
  // others who look. Errors: NOT_FOUND, IO_FAILED.
  static Result<std::unique_ptr<PosixIo>> open_to_read(const std::string& path);

  ~PosixIo() override;
  PosixIo(const PosixIo&) = delete;
  PosixIo& operator=(const PosixIo&) = delete;

  Result<void> lock() override;
  void unlock() override;
  Result<std::vector<std::string>> list() override;
  Result<std::shared_ptr<File>> open(const std::string& name, OpenMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  Result<void> sync_directory() override;
  Result<DiskSpace> space() override;

 private:
  PosixIo(std::string path, int directory, bool writes)
      : path_(std::move(path)), directory_(directory), writes_(writes) {}

  std::string path_;
  int directory_;  // open for the object's life; carries the lock
  bool writes_;
};

}  // namespace drover::broker::journal
