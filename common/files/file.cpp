#include "common/files/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace drover::files {

File::~File() {
  if (is_open()) ::close(descriptor_);
}

bool File::write_all(std::string_view text) const {
  while (!text.empty()) {
    const auto done = ::write(descriptor_, text.data(), text.size());
    if (done < 0 && errno != EINTR) return false;
    if (done > 0) text.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

bool File::sync() const { return ::fsync(descriptor_) == 0; }

bool sync_folder_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const File folder(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.is_open() && folder.sync();
}

}  // namespace drover::files
