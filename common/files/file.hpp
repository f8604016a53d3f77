// A file that is held open, and what it takes until a small file is durable: all its bytes, its
// sync, and the sync of the folder that holds its name.
//
// Failures leave errno as the system set it. For any thread; every call may wait for the disk.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace drover::files {

// Owns a descriptor and closes it, which also gives up its locks.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&&) = delete;
  ~File();

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  // From where the file stands. True if all is written.
  bool write_all(std::string_view text) const;
  bool sync() const;

 private:
  int descriptor_;
};

// Makes a new, changed or removed name durable: syncs the folder that holds `path`.
bool sync_folder_of(const std::string& path);

}  // namespace drover::files
