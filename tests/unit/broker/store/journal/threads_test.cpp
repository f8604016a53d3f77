// The journal with its threads, under the thread sanitizer: everything at once, slow disks, failing
// disks, and ends at any moment.
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "broker/store/journal/journal.hpp"
#include "broker/store/journal/thread_hands.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::broker::journal {
namespace {

using test::SimDisk;

// A simulated disk that several threads may use, and that can be held up.
class SharedDisk final : public Io {
 public:
  explicit SharedDisk(SimDisk& disk) : disk_(disk) {}

  Result<void> lock() override {
    return guarded([&] { return disk_.lock(); });
  }
  void unlock() override {
    guarded([&] { disk_.unlock(); });
  }
  Result<std::vector<std::string>> list() override {
    return guarded([&] { return disk_.list(); });
  }
  Result<std::shared_ptr<File>> open(const std::string& name, OpenMode mode) override {
    auto file = guarded([&] { return disk_.open(name, mode); });
    if (!file) return file;
    return std::shared_ptr<File>(std::make_shared<SharedFile>(*this, std::move(*file)));
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return guarded([&] { return disk_.rename(from, to); });
  }
  Result<void> remove(const std::string& name) override {
    return guarded([&] { return disk_.remove(name); });
  }
  Result<void> sync_directory() override {
    return guarded([&] { return disk_.sync_directory(); });
  }
  Result<DiskSpace> space() override {
    return guarded([&] { return disk_.space(); });
  }

  void plan(const test::DiskFault& fault) {
    guarded([&] { disk_.plan(fault); });
  }
  std::atomic<bool> held = false;  // syncs wait

 private:
  class SharedFile final : public File {
   public:
    SharedFile(SharedDisk& disk, std::shared_ptr<File> file)
        : disk_(disk), file_(std::move(file)) {}
    Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
      return disk_.guarded([&] { return file_->read(offset, into); });
    }
    Result<std::size_t> write(std::uint64_t offset, std::string_view bytes) override {
      return disk_.guarded([&] { return file_->write(offset, bytes); });
    }
    Result<void> preallocate(std::uint64_t bytes) override {
      return disk_.guarded([&] { return file_->preallocate(bytes); });
    }
    Result<void> sync() override {
      while (disk_.held) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return disk_.guarded([&] { return file_->sync(); });
    }
    Result<std::uint64_t> size() override {
      return disk_.guarded([&] { return file_->size(); });
    }
    Result<void> hold() override {
      return disk_.guarded([&] { return file_->hold(); });
    }
    bool is_held() override {
      return disk_.guarded([&] { return file_->is_held(); });
    }

   private:
    SharedDisk& disk_;
    std::shared_ptr<File> file_;
  };

  template <class Call>
  std::invoke_result_t<Call> guarded(Call call) {
    const std::lock_guard lock(mutex_);
    return call();
  }

  SimDisk& disk_;
  std::mutex mutex_;
};

class Threads : public testing::Test {
 protected:
  void TearDown() override {
    if (store) shared->held = false;
  }

  std::unique_ptr<Journal> make() {
    JournalOptions options;
    options.segment_bytes = 16 * 1024;
    options.retain_bytes = 128 * 1024;
    options.cache_bytes = 8 * 1024;
    options.seed = 1;
    auto io = std::make_unique<SharedDisk>(disk);
    shared = io.get();
    return std::make_unique<Journal>(std::make_unique<ThreadHands>(std::move(io)), options);
  }

  void open() {
    store = make();
    replayed = 0;
    const auto opened = store->open([this](const Kept& kept) -> Result<void> {
      replayed += kept.seq != 0;
      return {};
    });
    ASSERT_TRUE(opened) << opened.error().message;
  }

  Locator append(const std::string& record) {
    const std::string_view only[] = {record};
    return store->append(only).where.front();
  }

  bool wait_for_news() {
    pollfd news{store->wake_fd(), POLLIN, 0};
    const bool came = ::poll(&news, 1, 5000) == 1;
    store->acknowledge_wake();
    store->failure();  // asking takes the news in
    return came;
  }

  SimDisk disk{1};
  SharedDisk* shared = nullptr;
  std::unique_ptr<Journal> store;
  std::uint64_t replayed = 0;
};

TEST_F(Threads, EverythingAtOnce) {
  open();
  std::vector<std::pair<Locator, std::string>> recent;
  std::uint64_t fetched_count = 0, events_count = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string record =
        std::to_string(i) + std::string(static_cast<std::size_t>(i % 300), 'x');
    recent.emplace_back(append(record), record);
    if (recent.size() > 100) recent.erase(recent.begin());
    if (i % 3 == 0) store->flush();
    if (i % 5 == 0) store->fetch(static_cast<std::uint64_t>(i), recent.front().first);
    if (i % 50 == 0) store->fetch_events(1'000'000, store->oldest_seq() - 1, 20, 10'000);
    while (store->backlog_bytes() > 32 * 1024) store->flush(), wait_for_news();
    while (const auto kept = store->next_to_clean()) {
      if (kept->seq % 10 == 1) store->carry(kept->bytes);  // once: copies have no number
    }
    while (const auto fetched = store->next_fetched()) {
      const bool page = fetched->ticket == 1'000'000;
      // Between being asked for and being read, the oldest events may go.
      if (page && fetched->code == Errc::events_trimmed) continue;
      ASSERT_EQ(fetched->code, Errc::ok) << fetched->message;
      (page ? events_count : fetched_count) += 1;
    }
    ASSERT_FALSE(store->failure());
  }
  store->close();
  EXPECT_EQ(store->durable(), store->appended());
  EXPECT_GT(fetched_count, 0U);
  EXPECT_GT(events_count, 0U);
  EXPECT_GT(store->oldest_seq(), 1U);
  const auto newest = store->newest_seq();
  open();
  EXPECT_EQ(store->newest_seq(), newest);
}

TEST_F(Threads, NewsComesThroughTheDescriptor) {
  open();
  append("one");
  store->flush();
  while (store->durable() < 1) ASSERT_TRUE(wait_for_news());
  store->fetch_events(1, 0, 10, 1000);
  std::optional<Fetched> fetched;
  while (!(fetched = store->next_fetched())) ASSERT_TRUE(wait_for_news());
  EXPECT_EQ(fetched->events.size(), 1U);
  store->fetch(2, Locator{1, 560, 3});
  ASSERT_TRUE(wait_for_news()) << "also where the answer was in memory";
  EXPECT_EQ(store->next_fetched()->bytes, "one");
}

TEST_F(Threads, ASlowDiskHoldsUpNothingButDurability) {
  open();
  append("first");
  store->flush();
  while (store->durable() < 1) wait_for_news();
  while (shared->list()->size() < 5)
    wait_for_news();  // the spares are made: reads wait for no sync
  shared->held = true;
  append("second");
  store->flush();
  for (int i = 0; i < 1000; ++i) append("more"), store->flush();
  EXPECT_EQ(store->durable(), 1U);
  store->fetch_events(1, 0, 10, 1000);
  std::optional<Fetched> fetched;
  while (!(fetched = store->next_fetched())) ASSERT_TRUE(wait_for_news());
  EXPECT_EQ(fetched->events.size(), 1U);
  shared->held = false;
  store->close();
  EXPECT_EQ(store->durable(), 1002U);
}

TEST_F(Threads, AfterAFailedSyncNothingIsAcknowledged) {
  open();
  for (int i = 0; i < 20; ++i) append("fine"), store->flush();
  while (store->durable() < 20) {
    store->flush();
    wait_for_news();
  }
  while (shared->list()->size() < 5) wait_for_news();  // the spares are made: the next sync is ours
  shared->plan({1, test::DiskFault::Kind::io_error, false, test::DiskCall::sync});
  for (int i = 0; i < 100; ++i) append("lost"), store->flush();
  while (!store->failure()) ASSERT_TRUE(wait_for_news());
  EXPECT_EQ(store->failure()->code, Errc::io_failed);
  store->close();
  EXPECT_EQ(store->durable(), 20U);
  disk.heal();
  open();
  EXPECT_GE(replayed, 20U);
}

TEST_F(Threads, AStoreMayEndAtAnyMoment) {
  for (int round = 0; round < 50; ++round) {
    open();
    for (int i = 0; i < round; ++i) {
      append(std::string(500, 'x'));
      store->flush();
      store->fetch(1, Locator{1, 560, 0});
      store->fetch_events(2, store->oldest_seq() - 1, 10, 1000);
    }
    const auto durable = store->durable_seq();
    if (round % 2 == 0) store->close();
    store.reset();
    open();
    EXPECT_GE(store->newest_seq(), durable);
    store.reset();
  }
}

}  // namespace
}  // namespace drover::broker::journal
