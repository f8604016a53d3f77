// A disk that fails or is slow, for a program that knows nothing of it: preload this library.
//
//   LD_PRELOAD=build/release/tests/fail_call.so
//   DROVER_FAIL_CALL=fdatasync:3:EIO          the third fdatasync fails, once
//   DROVER_FAIL_CALL=pwrite:7:ENOSPC:sticky   the seventh pwrite and all after it
//   DROVER_FAIL_CALL=pwrite:7:short           moves half of its bytes (read, pread, write, pwrite)
//   DROVER_SLOW_CALL=fdatasync:5000           each takes 5000 ms longer
//   DROVER_FAIL_DIR=/path                     counts, fails and slows calls on this directory and
//                                             what is below it, and no others
//   DROVER_FAIL_LOG=/file                     a line for each failed call: its name, its number and
//                                             the milliseconds since 1970
//
// Names: open read pread write pwrite writev pwritev fdatasync fsync fallocate ftruncate rename
// unlink mkdir flock; a name means all of the C library's spellings of it. Errors: EIO ENOSPC
// EDQUOT EMFILE ENOMEM EINTR EACCES EROFS. A failed call never reaches the kernel. A sync that
// fails loses what it should have made durable, as on a real disk: all bytes that pwrite wrote to
// the file since its last sync are again what they were before. What the C library calls inside
// itself (fopen, readdir) is not seen.
//
// The variables are taken out of the environment once they are read, so that neither the program
// nor its children meet them. A plan that makes no sense ends the program at once with code 127:
// a test must not pass because nothing failed. Safe for any number of threads.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <vector>

namespace {

struct Plan {
  char call[16] = "";  // "" = none
  std::uint64_t at = 0;
  int error = 0;  // 0 = short
  bool sticky = false;
};

// Zero until the library is initialised: calls before that pass.
Plan plan;
char slow_call[16];
timespec slow_by;
char directory[PATH_MAX];  // "" = everywhere
char log_path[PATH_MAX];   // "" = none
std::atomic<std::uint64_t> calls;

// --- reading the plan

[[noreturn]] void refuse(const char* variable, const char* value) {
  std::fprintf(stderr, "fail_call: %s=%s makes no sense\n", variable, value);
  ::_exit(127);
}

int error_named(std::string_view name) {
  constexpr struct {
    std::string_view name;
    int number;
  } kErrors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EMFILE", EMFILE},
                 {"ENOMEM", ENOMEM}, {"EINTR", EINTR},   {"EACCES", EACCES}, {"EROFS", EROFS}};
  for (const auto& error : kErrors) {
    if (error.name == name) return error.number;
  }
  return 0;
}

bool is_call(std::string_view name) {
  constexpr std::string_view kCalls[] = {"open",      "read",    "pread",     "write", "pwrite",
                                         "writev",    "pwritev", "fdatasync", "fsync", "fallocate",
                                         "ftruncate", "rename",  "unlink",    "mkdir", "flock"};
  for (const auto& call : kCalls) {
    if (call == name) return true;
  }
  return false;
}

bool has_length(std::string_view call) {
  return call == "read" || call == "pread" || call == "write" || call == "pwrite";
}

// The text of a variable, which then is no more; false if it is not set.
bool take(const char* variable, char* into, std::size_t size) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return false;
  if (std::strlen(value) >= size) refuse(variable, value);
  std::strcpy(into, value);
  ::unsetenv(variable);
  return true;
}

void read_failure() {
  char text[128], fault[16] = "", more[16] = "";
  if (!take("DROVER_FAIL_CALL", text, sizeof text)) return;
  unsigned long at = 0;
  Plan read;
  const int fields =
      std::sscanf(text, "%15[a-z]:%lu:%15[A-Za-z]:%15s", read.call, &at, fault, more);
  read.at = at;
  read.error = error_named(fault);
  read.sticky = std::string_view(more) == "sticky";
  const bool is_short = std::string_view(fault) == "short" && has_length(read.call);
  const bool sound = fields >= 3 && at > 0 && is_call(read.call) && (read.error != 0 || is_short) &&
                     (fields == 3 || read.sticky);
  if (!sound) refuse("DROVER_FAIL_CALL", text);
  plan = read;
}

void read_delay() {
  char text[128];
  if (!take("DROVER_SLOW_CALL", text, sizeof text)) return;
  long ms = 0;
  char end = 0;
  if (std::sscanf(text, "%15[a-z]:%ld%c", slow_call, &ms, &end) != 2 || !is_call(slow_call) ||
      ms <= 0) {
    refuse("DROVER_SLOW_CALL", text);
  }
  slow_by = {ms / 1000, ms % 1000 * 1'000'000};
}

__attribute__((constructor)) void read_environment() {
  char text[PATH_MAX];
  if (take("DROVER_FAIL_DIR", text, sizeof text) && ::realpath(text, directory) == nullptr) {
    refuse("DROVER_FAIL_DIR", text);
  }
  take("DROVER_FAIL_LOG", log_path, sizeof log_path);
  read_failure();
  read_delay();
}

// --- which calls count

bool is_below(std::string_view path) {
  const std::string_view root(directory);
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

// The path of an open file, or of the working directory for AT_FDCWD; "" if it has none.
std::string_view path_of(int descriptor, char (&into)[PATH_MAX]) {
  char link[40];
  if (descriptor == AT_FDCWD) {
    std::strcpy(link, "/proc/self/cwd");
  } else {
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  }
  const auto size = ::readlink(link, into, sizeof into);
  return size < 0 ? std::string_view() : std::string_view(into, static_cast<std::size_t>(size));
}

bool counts(int descriptor) {
  if (directory[0] == '\0') return true;
  char path[PATH_MAX];
  return is_below(path_of(descriptor, path));
}

bool counts(int descriptor, const char* name) {
  if (directory[0] == '\0') return true;
  if (name[0] == '/') return is_below(name);
  return counts(descriptor);
}

// --- failing

void log_failure(const char* call, std::uint64_t number) {
  if (log_path[0] == '\0') return;
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto ms = static_cast<long>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
  char line[80];
  const int size = std::snprintf(line, sizeof line, "%s %lu %ld\n", call,
                                 static_cast<unsigned long>(number), ms);
  const long file =
      ::syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::syscall(SYS_write, file, line, static_cast<std::size_t>(size));
  ::syscall(SYS_close, file);
}

enum class Fate { pass, fail, shorten };

// True if there is a plan for calls of this name: the others cost two comparisons.
bool is_planned(const char* call) {
  return std::strcmp(call, plan.call) == 0 || std::strcmp(call, slow_call) == 0;
}

// What becomes of a call that counts; sets errno for one that fails.
Fate fate_of(const char* call) {
  if (std::strcmp(call, slow_call) == 0) ::nanosleep(&slow_by, nullptr);
  if (std::strcmp(call, plan.call) != 0) return Fate::pass;
  const auto number = ++calls;
  if (number != plan.at && !(plan.sticky && number > plan.at)) return Fate::pass;
  log_failure(call, number);
  if (plan.error == 0) return Fate::shorten;
  errno = plan.error;
  return Fate::fail;
}

bool fails(const char* call, int descriptor) {
  return is_planned(call) && counts(descriptor) && fate_of(call) == Fate::fail;
}

bool fails(const char* call, int descriptor, const char* name) {
  return is_planned(call) && counts(descriptor, name) && fate_of(call) == Fate::fail;
}

// How many of `size` bytes this call may move; -1 if it fails.
ssize_t allowance(const char* call, int descriptor, std::size_t size) {
  const Fate fate = is_planned(call) && counts(descriptor) ? fate_of(call) : Fate::pass;
  if (fate == Fate::fail) return -1;
  return static_cast<ssize_t>(fate == Fate::shorten ? (size + 1) / 2 : size);
}

// The C library's own function of this name.
template <class Function>
Function* real(const char* name, std::atomic<void*>& found) {
  void* function = found.load();
  if (function == nullptr) found = function = ::dlsym(RTLD_NEXT, name);
  return reinterpret_cast<Function*>(function);
}

#define REAL(name)                               \
  ([]() {                                        \
    static std::atomic<void*> found;             \
    return real<decltype(::name)>(#name, found); \
  }())

// --- what a failed sync loses

struct Unsynced {
  int file;
  off_t offset;
  std::vector<char> before;
};

std::mutex unsynced_lock;
std::vector<Unsynced> unsynced;  // oldest first; only while a sync is planned to fail

void remember(int file, off_t offset, std::size_t size) {
  const bool sync_will_fail = std::strstr(plan.call, "sync") != nullptr;
  if (!sync_will_fail || !counts(file)) return;
  Unsynced write{file, offset, std::vector<char>(size)};
  const auto had = REAL(pread)(file, write.before.data(), size, offset);
  write.before.resize(had < 0 ? 0 : static_cast<std::size_t>(had));
  const std::lock_guard lock(unsynced_lock);
  unsynced.push_back(std::move(write));
}

void forget(int file) {
  const std::lock_guard lock(unsynced_lock);
  std::erase_if(unsynced, [file](const Unsynced& write) { return write.file == file; });
}

void lose(int file) {
  const std::lock_guard lock(unsynced_lock);
  for (auto write = unsynced.rbegin(); write != unsynced.rend(); ++write) {
    if (write->file != file) continue;
    (void)!REAL(pwrite)(file, write->before.data(), write->before.size(), write->offset);
  }
}

int sync(const char* call, int file, int (*real_sync)(int)) {
  const bool failed = fails(call, file);
  const int number = errno;
  if (failed) lose(file);
  const int outcome = failed ? -1 : real_sync(file);
  if (outcome == 0) forget(file);
  if (failed) errno = number;
  return outcome;
}

}  // namespace

extern "C" {

// --- open

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails("open", AT_FDCWD, path) ? -1 : REAL(open)(path, flags, mode);
}

int openat(int at, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails("open", at, path) ? -1 : REAL(openat)(at, path, flags, mode);
}

int open64(const char*, int, ...) __attribute__((alias("open")));
int openat64(int, const char*, int, ...) __attribute__((alias("openat")));
int __open_2(const char* path, int flags) { return open(path, flags); }
int __open64_2(const char* path, int flags) { return open(path, flags); }
int __openat_2(int at, const char* path, int flags) { return openat(at, path, flags); }
int __openat64_2(int at, const char* path, int flags) { return openat(at, path, flags); }

// --- moving bytes

ssize_t read(int file, void* into, std::size_t size) {
  const auto most = allowance("read", file, size);
  return most < 0 ? -1 : REAL(read)(file, into, static_cast<std::size_t>(most));
}

ssize_t pread(int file, void* into, std::size_t size, off_t offset) {
  const auto most = allowance("pread", file, size);
  return most < 0 ? -1 : REAL(pread)(file, into, static_cast<std::size_t>(most), offset);
}

ssize_t write(int file, const void* from, std::size_t size) {
  const auto most = allowance("write", file, size);
  return most < 0 ? -1 : REAL(write)(file, from, static_cast<std::size_t>(most));
}

ssize_t pwrite(int file, const void* from, std::size_t size, off_t offset) {
  const auto most = allowance("pwrite", file, size);
  if (most > 0) remember(file, offset, static_cast<std::size_t>(most));
  return most < 0 ? -1 : REAL(pwrite)(file, from, static_cast<std::size_t>(most), offset);
}

ssize_t pread64(int, void*, std::size_t, off_t) __attribute__((alias("pread")));
ssize_t pwrite64(int, const void*, std::size_t, off_t) __attribute__((alias("pwrite")));

// What a fortified program calls where the compiler knows how much room there is.
ssize_t __read_chk(int file, void* into, std::size_t size, std::size_t room) {
  if (size > room) std::abort();
  return read(file, into, size);
}
ssize_t __pread_chk(int file, void* into, std::size_t size, off_t offset, std::size_t room) {
  if (size > room) std::abort();
  return pread(file, into, size, offset);
}
ssize_t __pread64_chk(int, void*, std::size_t, off_t, std::size_t)
    __attribute__((alias("__pread_chk")));

ssize_t writev(int file, const iovec* parts, int count) {
  return fails("writev", file) ? -1 : REAL(writev)(file, parts, count);
}

ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) {
  return fails("pwritev", file) ? -1 : REAL(pwritev)(file, parts, count, offset);
}

// --- files and names

int fdatasync(int file) { return sync("fdatasync", file, REAL(fdatasync)); }
int fsync(int file) { return sync("fsync", file, REAL(fsync)); }

int ftruncate(int file, off_t bytes) noexcept {
  return fails("ftruncate", file) ? -1 : REAL(ftruncate)(file, bytes);
}

// Gives its error instead of setting errno.
int posix_fallocate(int file, off_t offset, off_t bytes) {
  return fails("fallocate", file) ? errno : REAL(posix_fallocate)(file, offset, bytes);
}

int fallocate(int file, int mode, off_t offset, off_t bytes) {
  return fails("fallocate", file) ? -1 : REAL(fallocate)(file, mode, offset, bytes);
}

int ftruncate64(int, off_t) noexcept __attribute__((alias("ftruncate")));
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));
int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));

int rename(const char* from, const char* to) noexcept {
  return fails("rename", AT_FDCWD, from) ? -1 : REAL(rename)(from, to);
}

int renameat(int at, const char* from, int to_at, const char* to) noexcept {
  return fails("rename", at, from) ? -1 : REAL(renameat)(at, from, to_at, to);
}

int unlink(const char* path) noexcept {
  return fails("unlink", AT_FDCWD, path) ? -1 : REAL(unlink)(path);
}

int unlinkat(int at, const char* path, int flags) noexcept {
  return fails("unlink", at, path) ? -1 : REAL(unlinkat)(at, path, flags);
}

int mkdir(const char* path, mode_t mode) noexcept {
  return fails("mkdir", AT_FDCWD, path) ? -1 : REAL(mkdir)(path, mode);
}

int flock(int file, int how) noexcept { return fails("flock", file) ? -1 : REAL(flock)(file, how); }

}  // extern "C"
