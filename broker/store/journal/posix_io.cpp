#include "broker/store/journal/posix_io.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace drover::broker::journal {
namespace {

Errc code_of(int number) {
  if (number == ENOSPC || number == EDQUOT) return Errc::storage_full;
  return number == ENOENT ? Errc::not_found : Errc::io_failed;
}

Error failed(std::string_view what, const std::string& path) {
  const int number = errno;
  const auto reason = std::generic_category().message(number);
  return {code_of(number), fmt::format("{}: {}: {}", path, what, reason)};
}

// Repeats a call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

int open_directory_at(int at, const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  return uninterrupted([&] { return ::openat(at, path.c_str(), kFlags); });
}

// Opens a file even when connections have taken all descriptors that the process allows itself: up
// to the system's own limit some are kept back for the store.
template <class Call>
int from_reserve(Call open) {
  const int descriptor = uninterrupted(open);
  rlimit limit{};
  if (descriptor >= 0 || errno != EMFILE || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return descriptor;
  }
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &raised);
  const int again = uninterrupted(open);
  const int number = errno;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  errno = number;
  return again;
}

class PosixFile final : public File {
 public:
  PosixFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  ~PosixFile() override { ::close(descriptor_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    const auto moved = uninterrupted(
        [&] { return ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset)); });
    if (moved < 0) return failed("read", path_);
    return static_cast<std::size_t>(moved);
  }

  Result<std::size_t> write(std::uint64_t offset, std::string_view bytes) override {
    const auto moved = uninterrupted([&] {
      return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    if (moved < 0) return failed("write", path_);
    return static_cast<std::size_t>(moved);
  }

  Result<void> preallocate(std::uint64_t bytes) override {
    // Gives its error instead of setting errno.
    int number = EINTR;
    while (number == EINTR) number = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
    errno = number;
    if (number != 0) return failed("preallocate", path_);
    return {};
  }

  // Never repeated, whatever it says: what one sync lost, the next one does not know of.
  Result<void> sync() override {
    if (::fdatasync(descriptor_) != 0) return failed("fdatasync", path_);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status = {};
    if (::fstat(descriptor_, &status) != 0) return failed("stat", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  // A lock of this open file: it goes with the process that holds it, however that ends.
  Result<void> hold() override {
    if (uninterrupted([&] { return ::flock(descriptor_, LOCK_SH | LOCK_NB); }) == 0) return {};
    if (errno == EWOULDBLOCK) return Error{Errc::not_found, path_ + ": is being used again"};
    return failed("flock", path_);
  }

  bool is_held() override {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) return true;
    ::flock(descriptor_, LOCK_UN);
    return false;
  }

 private:
  std::string path_;
  int descriptor_;
};

// The directory that holds `path`, for the sync that makes a new name in it durable.
std::string parent_of(const std::string& path) {
  const auto end = path.find_last_not_of('/');
  const auto slash = end == std::string::npos ? end : path.find_last_of('/', end);
  if (slash == std::string::npos) return path.starts_with('/') ? "/" : ".";
  return path.substr(0, slash + 1);
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return failed("mkdir", path);
  }
  const std::string parent = parent_of(path);
  const int descriptor = open_directory_at(AT_FDCWD, parent);
  if (descriptor < 0) return failed("open", parent);
  Result<void> synced;
  if (::fsync(descriptor) != 0) synced = failed("fsync", parent);
  ::close(descriptor);
  return synced;
}

}  // namespace

Result<std::unique_ptr<PosixIo>> PosixIo::open_directory(const std::string& path) {
  if (auto made = make_directory(path); !made) return Error{Errc::io_failed, made.error().message};
  const int descriptor = open_directory_at(AT_FDCWD, path);
  if (descriptor < 0) return Error{Errc::io_failed, failed("open", path).message};
  return std::unique_ptr<PosixIo>(new PosixIo(path, descriptor, true));
}

Result<std::unique_ptr<PosixIo>> PosixIo::open_to_read(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failed("open", path);
  return std::unique_ptr<PosixIo>(new PosixIo(path, descriptor, false));
}

PosixIo::~PosixIo() { ::close(directory_); }

Result<void> PosixIo::lock() {
  const int kind = writes_ ? LOCK_EX : LOCK_SH;
  if (uninterrupted([&] { return ::flock(directory_, kind | LOCK_NB); }) == 0) return {};
  if (errno == EWOULDBLOCK) {
    return Error{Errc::store_in_use, fmt::format("{}: another process uses this store", path_)};
  }
  return failed("flock", path_);
}

void PosixIo::unlock() { ::flock(directory_, LOCK_UN); }

Result<std::vector<std::string>> PosixIo::list() {
  // A descriptor of its own: reading a directory moves the position of the one it is read through.
  const int descriptor = open_directory_at(directory_, ".");
  if (descriptor < 0) return failed("open", path_);
  DIR* stream = ::fdopendir(descriptor);
  if (stream == nullptr) return ::close(descriptor), failed("read directory", path_);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) names.emplace_back(entry->d_name);
  const bool whole = errno == 0;
  const auto error = failed("read directory", path_);
  ::closedir(stream);
  if (!whole) return error;
  return names;
}

Result<std::shared_ptr<File>> PosixIo::open(const std::string& name, OpenMode mode) {
  const int flags =
      (writes_ ? O_RDWR : O_RDONLY) | O_CLOEXEC | (mode == OpenMode::create ? O_CREAT | O_EXCL : 0);
  const int descriptor =
      from_reserve([&] { return ::openat(directory_, name.c_str(), flags, 0600); });
  const std::string path = path_ + "/" + name;
  if (descriptor < 0) return failed("open", path);
  return std::shared_ptr<File>(std::make_shared<PosixFile>(path, descriptor));
}

Result<void> PosixIo::rename(const std::string& from, const std::string& to) {
  if (::renameat(directory_, from.c_str(), directory_, to.c_str()) == 0) return {};
  return failed("rename", path_ + "/" + from);
}

Result<void> PosixIo::remove(const std::string& name) {
  if (::unlinkat(directory_, name.c_str(), 0) == 0) return {};
  return failed("remove", path_ + "/" + name);
}

Result<void> PosixIo::sync_directory() {
  if (::fsync(directory_) == 0) return {};
  return failed("fsync", path_);
}

Result<DiskSpace> PosixIo::space() {
  struct statvfs status = {};
  if (::fstatvfs(directory_, &status) != 0) return failed("statvfs", path_);
  return DiskSpace{status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize};
}

}  // namespace drover::broker::journal
