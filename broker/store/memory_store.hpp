// The store that forgets when its process ends: for tests, and for `memory:` where speed is worth
// more than a crash.
//
// What is flushed is durable at once, there are no threads and nothing can fail. Cleaning works as
// it does on disk, one record at a time: a broker that runs for months stays within its bound.
#pragma once

#include <deque>
#include <random>

#include "broker/store/store.hpp"

namespace drover::broker {

struct MemoryStoreOptions {
  // Records beyond this many bytes, and beyond twice what the core needs, are cleaned away.
  std::uint64_t retain_bytes = 64 * 1024 * 1024;
  // Of the store's id.
  std::uint64_t seed = std::random_device()();
};

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(const MemoryStoreOptions& options = {});

  Result<void> open(const std::function<Result<void>(const Kept&)>& visit) override;
  StoreId id() const override { return id_; }
  void set_books(std::function<std::string()>) override {}

  Appended append(std::span<const std::string_view> records) override;
  Locator carry(std::string_view record) override;
  void flush() override;

  std::uint64_t appended() const override { return added_; }
  std::uint64_t durable() override { return durable_; }
  std::uint64_t newest_seq() const override { return newest_seq_; }
  std::uint64_t durable_seq() override { return durable_seq_; }
  std::uint64_t oldest_seq() const override { return newest_seq_ + 1 - events_.size(); }
  std::optional<Error> failure() override { return std::nullopt; }
  std::size_t backlog_bytes() const override { return backlog_bytes_; }
  bool takes_submissions() override { return true; }
  bool takes_leases() override { return true; }

  std::optional<std::string_view> cached(const Locator& where) override;
  void forget(const Locator&) override {}
  void fetch(std::uint64_t ticket, const Locator& where) override;
  void fetch_events(std::uint64_t ticket, std::uint64_t since, std::size_t count,
                    std::size_t bytes) override;
  std::optional<Fetched> next_fetched() override;

  void set_live_bytes(std::uint64_t bytes) override { live_bytes_ = bytes; }
  std::optional<Kept> next_to_clean() override;

  int wake_fd() const override { return -1; }
  void acknowledge_wake() override {}
  StoreFigures figures() const override;
  void close() override { flush(); }

 private:
  struct Entry {
    std::uint64_t seq;  // 0 for carried ones
    std::string bytes;
  };

  Locator add(std::uint64_t seq, std::string_view record);
  const Entry* find(const Locator& where) const;
  Locator place_of(std::uint64_t index) const;
  void drop_oldest();

  std::uint64_t retain_bytes_;
  StoreId id_;
  std::deque<Entry> entries_;
  std::deque<std::uint64_t> events_;  // the numbers, from 0, of the entries that are events
  std::uint64_t base_ = 0;            // the number, from 0, of the first entry that is still here
  std::uint64_t added_ = 0, durable_ = 0;
  std::uint64_t newest_seq_ = 0, durable_seq_ = 0;
  std::uint64_t bytes_ = 0, live_bytes_ = 0, carried_bytes_ = 0, commits_ = 0;
  std::size_t backlog_bytes_ = 0;
  std::uint64_t may_clean_ = 0;  // bytes that next_to_clean may still hand out
  bool handed_out_ = false;      // the oldest entry was handed out, and can go
  std::vector<Locator> places_;  // of the newest append
  std::deque<Fetched> fetched_;
};

}  // namespace drover::broker
