#include "broker/io/allow_list_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "common/config/yaml_tree.hpp"
#include "common/files/file.hpp"

namespace drover::broker {
namespace {

using files::File;

constexpr int kLockTries = 100;
constexpr int kLockPauseMs = 50;
constexpr mode_t kOwnerOnly = 0600;

Error failed(Errc code, const std::string& path, const std::string& what) {
  return {code, path + ": cannot " + what + ": " + strerror(errno)};
}

Result<AllowList> read_from(int fd, const std::string& path) {
  struct stat file {};
  if (::fstat(fd, &file) != 0) return failed(Errc::bad_configuration, path, "look at it");
  if (!S_ISREG(file.st_mode)) {
    return Error{Errc::bad_configuration, path + ": this is no regular file"};
  }
  if ((file.st_mode & 022) != 0) {
    return Error{Errc::bad_configuration,
                 path + ": others may write this list of who may speak; chmod go-w it"};
  }
  std::string text;
  std::array<char, 65536> block;
  while (text.size() <= config::kYamlBytesMax) {
    const auto got = ::pread(fd, block.data(), block.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(Errc::bad_configuration, path, "read it");
    if (got == 0) break;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return AllowList::parse(text, path);
}

bool is_still(int fd, const std::string& path) {
  struct stat held {
  }, named{};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

bool is_empty(int fd) {
  struct stat file {};
  return ::fstat(fd, &file) == 0 && file.st_size == 0;
}

// Opens the file and keeps other editors away. Whoever waited may hold a file that was replaced
// meanwhile, and begins again.
Result<File> lock(const std::string& path) {
  for (int i = 0; i < kLockTries; ++i) {
    File file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly));
    if (!file.is_open()) return failed(Errc::io_failed, path, "open it");
    const bool locked = ::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK) return failed(Errc::io_failed, path, "lock it");
    if (locked && is_still(file.descriptor(), path)) return file;
    if (!locked) ::poll(nullptr, 0, kLockPauseMs);
  }
  return Error{Errc::conflict, path + ": somebody else is changing it; try again"};
}

// Writes the new text beside the old file, as much like it as can be, and puts it in its place.
Result<void> replace(int old, const std::string& path, const std::string& text) {
  const auto beside = path + ".new";
  struct stat before {};
  if (::fstat(old, &before) != 0) return failed(Errc::io_failed, path, "look at it");
  ::unlink(beside.c_str());  // of an editor that was killed: we hold the lock
  const File file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
  if (!file.is_open()) return failed(Errc::io_failed, beside, "make it");
  const bool whole = ::fchmod(file.descriptor(), before.st_mode & 0777) == 0 &&
                     ::fchown(file.descriptor(), before.st_uid, before.st_gid) == 0 &&
                     file.write_all(text) && file.sync() &&
                     ::rename(beside.c_str(), path.c_str()) == 0;
  if (whole && files::sync_folder_of(path)) return {};
  const auto error = failed(Errc::io_failed, path, "write it");
  ::unlink(beside.c_str());
  return error;
}

}  // namespace

Result<AllowList> read_allow_list(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return failed(Errc::bad_configuration, path, "open it");
  return read_from(file.descriptor(), path);
}

Result<void> edit_allow_list(const std::string& path,
                             const std::function<Result<void>(AllowList&)>& change) {
  const bool is_new = ::access(path.c_str(), F_OK) != 0;
  const auto file = lock(path);
  if (!file) return file.error();
  auto list = read_from(file->descriptor(), path);
  if (!list) return list.error();
  auto changed = change(*list);
  if (changed) changed = replace(file->descriptor(), path, list->format());
  const bool is_ours = is_new && is_empty(file->descriptor()) && is_still(file->descriptor(), path);
  if (!changed && is_ours) ::unlink(path.c_str());
  return changed;
}

FileStamp stamp_of(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return {};
  return {file.st_ino, file.st_size,
          std::int64_t{file.st_ctim.tv_sec} * 1'000'000'000 + file.st_ctim.tv_nsec};
}

}  // namespace drover::broker
