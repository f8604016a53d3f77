#include "broker/app/descriptors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace drover::broker {
namespace {

constexpr rlim_t kKeptBack = 64;  // for the store's files and whatever else is not a connection
constexpr rlim_t kLeast = 2 * kKeptBack;

rlimit limits() {
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  return now;
}

void set_soft(rlim_t soft) {
  rlimit now = limits();
  now.rlim_cur = std::min(soft, now.rlim_max);
  setrlimit(RLIMIT_NOFILE, &now);
}

rlim_t raised() {
  const rlimit before = limits();
  if (before.rlim_max > kLeast) set_soft(before.rlim_max - kKeptBack);
  return limits().rlim_cur;
}

// The kernel gives the lowest number that is free: all below it are in use.
std::uint64_t lowest_free(std::uint64_t most) {
  const int probe = ::open("/", O_PATH | O_CLOEXEC);
  if (probe < 0) return most;
  ::close(probe);
  return static_cast<std::uint64_t>(probe);
}

std::uint64_t count_all(std::uint64_t otherwise) {
  const auto all = open_descriptors();
  return all.empty() ? otherwise : all.size() - 1;  // less the one they are read through
}

}  // namespace

std::vector<int> open_descriptors() {
  std::vector<int> found;
  DIR* stream = ::opendir("/proc/self/fd");
  if (stream == nullptr) return found;
  while (const dirent* entry = ::readdir(stream)) {
    if (entry->d_name[0] != '.') found.push_back(std::atoi(entry->d_name));
  }
  ::closedir(stream);
  return found;
}

Descriptors::Descriptors() : most_(raised()), mark_(most_ * 9 / 10, most_ * 8 / 10) {}

// New connections take the holes first, so the lowest free number tells when most are taken.
bool Descriptors::update() {
  in_use_ = mark_.is_high() ? count_all(most_) : lowest_free(most_);
  return mark_.update(in_use_);
}

}  // namespace drover::broker
