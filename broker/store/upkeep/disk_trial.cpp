#include "broker/store/upkeep/disk_trial.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "broker/store/journal/posix_io.hpp"

namespace drover::broker::upkeep {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr std::uint64_t kFileBytes = 4 * 1024 * 1024;
constexpr std::uint64_t kWriteBytes = 4 * 1024;

// A file of this directory without a name.
Result<std::shared_ptr<journal::File>> nameless(journal::Io& io) {
  const auto name = fmt::format("trial-{}", ::getpid());
  auto file = io.open(name, journal::OpenMode::create);
  if (!file) return file;
  if (auto removed = io.remove(name); !removed) return removed.error();
  if (auto reserved = (*file)->preallocate(kFileBytes); !reserved) return reserved.error();
  if (auto synced = (*file)->sync(); !synced) return synced.error();
  return file;
}

Result<microseconds> time_one(journal::File& file, std::uint64_t offset) {
  const auto begun = Clock::now();
  const std::string bytes(kWriteBytes, static_cast<char>(offset / kWriteBytes));
  if (auto written = journal::write_all(file, offset, bytes); !written) return written.error();
  if (auto synced = file.sync(); !synced) return synced.error();
  return std::chrono::duration_cast<microseconds>(Clock::now() - begun);
}

DiskTrial sum_up(std::vector<microseconds> times) {
  std::ranges::sort(times);
  DiskTrial trial;
  trial.syncs = times.size();
  trial.p50 = times[times.size() / 2];
  trial.p99 = times[times.size() * 99 / 100];
  trial.max = times.back();
  trial.mean = std::accumulate(times.begin(), times.end(), microseconds{0}) / times.size();
  return trial;
}

}  // namespace

double DiskTrial::commits_a_second() const {
  return 1e6 / static_cast<double>(std::max<std::int64_t>(1, mean.count()));
}

Result<DiskTrial> try_disk(const std::string& directory, std::chrono::milliseconds how_long) {
  const auto io = journal::PosixIo::open_directory(directory);
  if (!io) return io.error();
  const auto file = nameless(**io);
  if (!file) return file.error();
  std::vector<microseconds> times;
  const auto until = Clock::now() + how_long;
  do {
    const auto took = time_one(**file, times.size() * kWriteBytes % kFileBytes);
    if (!took) return took.error();
    times.push_back(*took);
  } while (Clock::now() < until);
  return sum_up(std::move(times));
}

}  // namespace drover::broker::upkeep
