#include "cli/checks_gather.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace drover::cli {
namespace {

namespace fs = std::filesystem;

// The words behind `name` on the line that begins with it.
std::optional<std::istringstream> line_of(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::istringstream(line.substr(name.size()));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> kib_of(const std::string& path, std::string_view name) {
  auto line = line_of(path, name);
  std::uint64_t kib = 0;
  if (!line || !(*line >> kib)) return std::nullopt;
  return kib * 1024;
}

}  // namespace

std::optional<OpenFiles> open_files_of(std::uint64_t pid) {
  const auto process = fmt::format("/proc/{}", pid);
  auto limit = line_of(process + "/limits", "Max open files");
  OpenFiles files;
  if (!limit) return std::nullopt;
  *limit >> files.limit;  // "unlimited" leaves 0
  std::error_code error;
  for (auto at = fs::directory_iterator(process + "/fd", error);
       !error && at != fs::directory_iterator(); at.increment(error)) {
    ++files.open;
  }
  return error ? std::nullopt : std::optional(files);
}

std::optional<Memory> memory_with(std::uint64_t pid) {
  const auto available = kib_of("/proc/meminfo", "MemAvailable:");
  const auto total = kib_of("/proc/meminfo", "MemTotal:");
  if (!available || !total) return std::nullopt;
  const auto broker = kib_of(fmt::format("/proc/{}/status", pid), "VmRSS:");
  return Memory{*available, *total, broker.value_or(0)};
}

std::optional<std::uint64_t> filesystem_of(const std::string& directory) {
  struct statfs status = {};
  if (::statfs(directory.c_str(), &status) != 0) return std::nullopt;
  return static_cast<std::uint32_t>(status.f_type);
}

std::optional<std::uint64_t> free_bytes_of(const std::string& directory) {
  struct statfs status = {};
  if (::statfs(directory.c_str(), &status) != 0) return std::nullopt;
  return status.f_bavail * static_cast<std::uint64_t>(status.f_bsize);
}

std::uint64_t bytes_of_files_in(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (auto at = fs::directory_iterator(directory, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const auto size = at->file_size(error);
    if (!error) bytes += size;
  }
  return bytes;
}

std::optional<std::uint32_t> mode_of(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_mode;
}

std::string kernel_release() {
  utsname system = {};
  return ::uname(&system) == 0 ? system.release : "?";
}

}  // namespace drover::cli
