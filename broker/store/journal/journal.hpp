// The journal: the store on a disk.
//
//   append, carry   placement   records get their places in the open group, in memory
//   flush           hands       the group is written, synced, marked (commit.hpp); then durable
//   fetch           hands       reading.hpp
//   open            recovery, prepare
//   next_to_clean   cleaner     the oldest segment, record by record; then spares.recycle
//
// layout.hpp has the bytes on disk, recovery.hpp what makes them trustworthy. This class is the
// loop's side: it owns all state, does no I/O between open and close, and has no locks. What the
// hands have done is taken in (`take_in`) whenever the loop asks for anything that it may change.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "broker/store/journal/cleaner.hpp"
#include "broker/store/journal/hands.hpp"
#include "broker/store/journal/options.hpp"
#include "broker/store/journal/placement.hpp"
#include "broker/store/journal/prepare.hpp"
#include "broker/store/journal/reading.hpp"
#include "broker/store/journal/recent_groups.hpp"
#include "broker/store/journal/spares.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::journal {

class Journal : public Store {
 public:
  Journal(std::unique_ptr<Hands> hands, JournalOptions options);
  ~Journal() override;  // as a crash would: nothing more is written

  Result<void> open(const std::function<Result<void>(const Kept&)>& visit) override;
  StoreId id() const override { return id_; }
  void set_books(std::function<std::string()> books) override;

  Appended append(std::span<const std::string_view> records) override;
  Locator carry(std::string_view record) override;
  void flush() override;

  std::uint64_t appended() const override { return placement_->added(); }
  std::uint64_t durable() override;
  std::uint64_t newest_seq() const override { return placement_->next_seq() - 1; }
  std::uint64_t durable_seq() override;
  std::uint64_t oldest_seq() const override { return segments_.oldest().header.first_seq; }
  std::optional<Error> failure() override;
  std::size_t backlog_bytes() const override;
  bool takes_submissions() override;
  bool takes_leases() override;

  std::optional<std::string_view> cached(const Locator& where) override;
  void forget(const Locator& where) override { recent_.forget(where); }
  void fetch(std::uint64_t ticket, const Locator& where) override;
  void fetch_events(std::uint64_t ticket, std::uint64_t since, std::size_t count,
                    std::size_t bytes) override;
  std::optional<Fetched> next_fetched() override;

  void set_live_bytes(std::uint64_t bytes) override { cleaner_->set_live_bytes(bytes); }
  std::optional<Kept> next_to_clean() override;

  int wake_fd() const override { return hands_->wake_fd(); }
  void acknowledge_wake() override { hands_->acknowledge_wake(); }
  StoreFigures figures() const override;
  void close() override;

 protected:
  Hands& hands() { return *hands_; }

 private:
  void start_with(Prepared prepared);

  void take_in();
  void committed(const Commit& commit);
  void segment_begun(const SegmentHeader& header);
  void dispatch();
  bool dispatch_one();
  bool await_spare();
  void look_for_space();
  void measure_space();
  void note_space(const DiskSpace& space);
  bool may_clean_without_space() const;
  void fail(const Error& error);
  void answer(Fetched fetched);
  void start_read(std::uint64_t ticket, std::function<Result<void>(Fetched&)> read);
  std::vector<Stretch> stretches_from(std::uint64_t seq) const;
  void sync_mark();

  std::unique_ptr<Hands> hands_;
  JournalOptions options_;
  Random random_;
  StoreId id_;
  SegmentList segments_;
  RecentGroups recent_;
  Spares spares_;
  std::optional<Cleaner> cleaner_;      // from open on
  std::optional<Placement> placement_;  // from open on
  std::shared_ptr<File> mark_;

  std::uint64_t durable_ = 0, durable_seq_ = 0;
  std::size_t under_way_ = 0;          // groups that the hands have
  std::uint64_t durable_bytes_ = 0;    // of groups, since the start
  std::int64_t retried_space_ms_ = 0;  // when more space was last tried for
  std::deque<Fetched> fetched_;
  std::vector<Locator> places_;  // of the newest append
  std::optional<Error> failure_;
  StoreFigures figures_;
  bool open_ = false;
};

}  // namespace drover::broker::journal
