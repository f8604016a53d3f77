#include "broker/app/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

namespace drover::broker {
namespace {

std::uint64_t page_size() { return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)); }

// The number in a file; UINT64_MAX if there is none ("max", or no such file).
std::uint64_t number_in(const std::string& path) {
  std::ifstream in(path);
  std::string word;
  in >> word;
  std::uint64_t number = UINT64_MAX;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

// The smallest of a group's own limit and those of the groups around it. In a container the path
// may be the host's, of which only the top is to be seen.
std::uint64_t smallest_limit(const std::string& tree, std::string group, const char* file) {
  std::uint64_t least = UINT64_MAX;
  for (;;) {
    if (group == "/") group.clear();
    least = std::min(least, number_in(tree + group + "/" + file));
    if (group.empty()) return least;
    group.resize(group.find_last_of('/'));
  }
}

bool has_controller(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const auto end = controllers.find(',');
    if (controllers.substr(0, end) == wanted) return true;
    controllers = end == std::string_view::npos ? "" : controllers.substr(end + 1);
  }
  return false;
}

}  // namespace

std::uint64_t memory_in_use() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t size = 0, resident = 0, of_files = 0;
  in >> size >> resident >> of_files;
  return in && resident > of_files ? (resident - of_files) * page_size() : 0;
}

std::uint64_t memory_granted(const std::string& root) {
  std::uint64_t least = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * page_size();
  std::ifstream in(root + "/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // number:controllers:/path
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos || second + 1 >= line.size() || line[second + 1] != '/')
      continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto group = line.substr(second + 1);
    const auto tree = root + "/sys/fs/cgroup";
    if (controllers.empty()) {
      least = std::min(least, smallest_limit(tree, group, "memory.max"));
    } else if (has_controller(controllers, "memory")) {
      least = std::min(least, smallest_limit(tree + "/memory", group, "memory.limit_in_bytes"));
    }
  }
  return least;
}

}  // namespace drover::broker
