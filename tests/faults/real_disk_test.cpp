// The journal on a disk of this machine, with its threads: that it works, and how fast.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "broker/store/journal/journal_store.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::journal {
namespace {

class RealDisk : public testing::Test {
 protected:
  RealDisk() {
    std::string path = std::filesystem::temp_directory_path() / "drover-disk-XXXXXX";
    directory = ::mkdtemp(path.data());
  }
  ~RealDisk() override { std::filesystem::remove_all(directory); }

  std::unique_ptr<Store> make(const JournalOptions& options = {}) {
    return *make_journal_store(directory, options);
  }

  static Result<void> ignore(const Kept&) { return {}; }

  // Appends `each` records a turn, with two turns on their way at most, until `enough` says so.
  template <class Enough>
  static void fill(Store& store, std::uint64_t each, Enough enough) {
    const std::string body(284, 'x');
    const std::vector<std::string_view> one{body};
    while (!enough()) {
      for (std::uint64_t i = 0; i < each; ++i) store.append(one);
      store.flush();
      while (store.appended() - store.durable() > 2 * each) wait(store);
    }
    while (store.durable() < store.appended()) wait(store);
  }

  static void fill_with(Store& store, std::uint64_t total, std::uint64_t each) {
    fill(store, each, [&] { return store.appended() >= total; });
  }

  static void wait(Store& store) {
    pollfd news{store.wake_fd(), POLLIN, 0};
    ::poll(&news, 1, 100);
    store.acknowledge_wake();
    store.flush();
  }

  std::string directory;
};

TEST_F(RealDisk, RecordsAreThereAfterAReopen) {
  auto store = make();
  ASSERT_TRUE(store->open(ignore));
  fill_with(*store, 1000, 100);
  store->close();
  store = make();
  std::uint64_t seen = 0;
  ASSERT_TRUE(store->open([&](const Kept& kept) -> Result<void> {
    EXPECT_EQ(kept.seq, ++seen);
    EXPECT_EQ(kept.bytes, std::string(284, 'x'));
    return {};
  }));
  EXPECT_EQ(seen, 1000U);
}

TEST_F(RealDisk, ASecondOpenerIsRefusedUntilTheFirstIsGone) {
  auto first = make();
  auto second = make();
  ASSERT_TRUE(first->open(ignore));
  const auto refused = second->open(ignore);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_in_use);
  first->close();
  EXPECT_TRUE(make()->open(ignore));
}

TEST_F(RealDisk, FilesAreTheirOwnersAlone) {
  auto store = make();
  ASSERT_TRUE(store->open(ignore));
  fill_with(*store, 10, 1);
  store->close();
  struct stat status = {};
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << file.path();
  }
  const auto below = directory + "/below";
  ASSERT_TRUE(make_journal_store(below));
  ASSERT_EQ(::stat(below.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

// Appends without end, and tells through the pipe what is durable.
[[noreturn]] void append_for_ever(Store& store, int tell) {
  for (std::uint64_t next = store.newest_seq() + 1;; ++next) {
    const std::string record = "record " + std::to_string(next) + std::string(next % 700, '.');
    const std::string_view only[] = {record};
    store.append(only);
    store.flush();
    while (store.next_to_clean()) {
    }
    while (store.backlog_bytes() > 20'000) std::this_thread::yield(), store.flush();
    const std::uint64_t durable = store.durable_seq();
    if (::write(tell, &durable, sizeof durable) != sizeof durable || store.failure()) ::_exit(1);
  }
}

TEST_F(RealDisk, AProcessKilledAtAnyMomentLosesNothingItTold) {
  JournalOptions options;
  options.segment_bytes = 64 * 1024;
  options.retain_bytes = 512 * 1024;
  for (int round = 1; round <= 20; ++round) {
    int ends[2] = {};
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = make(options);
      if (!store->open(ignore)) ::_exit(2);
      append_for_ever(*store, ends[1]);
    }
    ::close(ends[1]);
    std::uint64_t told = 0, durable = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(5 * round);
    while (std::chrono::steady_clock::now() < until)
      told += ::read(ends[0], &durable, sizeof durable) > 0;
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    while (::read(ends[0], &durable, sizeof durable) > 0) ++told;
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    ASSERT_GT(told, 0U);

    auto store = make(options);
    const auto opened = store->open([](const Kept& kept) -> Result<void> {
      EXPECT_TRUE(kept.bytes.starts_with("record " + std::to_string(kept.seq)));
      return {};
    });
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_GE(store->newest_seq(), durable);
  }
}

TEST_F(RealDisk, HowFastItIs) {
  for (const std::uint64_t each : {1, 10, 100, 1000}) {
    auto store = make();
    ASSERT_TRUE(store->open(ignore));
    const auto start = std::chrono::steady_clock::now();
    const auto passed = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    fill(*store, each, [&] { return passed() > 0.7; });
    const double seconds = passed();
    const StoreFigures figures = store->figures();
    std::printf("284-byte records, %4lu a turn: %8.0f/s, %6.0f commits/s, slowest %lu us\n", each,
                static_cast<double>(store->appended()) / seconds,
                static_cast<double>(figures.commits) / seconds, figures.commit_us_max);
    store->close();
  }
  const auto start = std::chrono::steady_clock::now();
  auto store = make();
  std::uint64_t seen = 0;
  ASSERT_TRUE(store->open([&](const Kept&) -> Result<void> { return ++seen, Result<void>(); }));
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  std::printf("recovery: %lu records (%lu MB) in %.2f s\n", seen, store->figures().disk_bytes >> 20,
              passed.count());
}

}  // namespace
}  // namespace drover::broker::journal
