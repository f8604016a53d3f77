// The journal with the checker looking over its shoulder: what is appended, what is durable, and
// what comes back after a crash.
#pragma once

#include "broker/io/events.hpp"
#include "broker/store/journal/inline_journal_store.hpp"
#include "broker/store/record_codec.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/trace.hpp"

namespace drover::sim {

class WatchedStore final : public broker::Store {
 public:
  // All must outlive this.
  WatchedStore(broker::journal::InlineJournalStore& store, Checker& checker, Trace& trace)
      : store_(store), checker_(checker), trace_(trace) {}

  Result<void> open(const std::function<Result<void>(const broker::Kept&)>& visit) override {
    return store_.open([&](const broker::Kept& kept) {
      checker_.replayed(kept);
      return visit(kept);
    });
  }
  StoreId id() const override { return store_.id(); }
  void set_books(std::function<std::string()> books) override {
    store_.set_books(std::move(books));
  }

  broker::Appended append(std::span<const std::string_view> records) override {
    const auto appended = store_.append(records);
    for (std::size_t i = 0; i < records.size(); ++i) {
      trace_.add("record", appended.first_seq + i, records[i]);
      if (trace_.is_told()) tell(appended.first_seq + i, records[i]);
      checker_.appended(appended.first_seq + i, records[i]);
    }
    return appended;
  }
  broker::Locator carry(std::string_view record) override {
    checker_.carried(record);
    return store_.carry(record);
  }
  void flush() override { store_.flush(); }

  std::uint64_t appended() const override { return store_.appended(); }
  std::uint64_t durable() override {
    const auto durable = store_.durable();
    checker_.durable(store_.durable_seq());
    return durable;
  }
  std::uint64_t newest_seq() const override { return store_.newest_seq(); }
  std::uint64_t durable_seq() override {
    const auto seq = store_.durable_seq();
    checker_.durable(seq);
    return seq;
  }
  std::uint64_t oldest_seq() const override { return store_.oldest_seq(); }
  std::optional<Error> failure() override { return store_.failure(); }
  std::size_t backlog_bytes() const override { return store_.backlog_bytes(); }
  bool takes_submissions() override { return store_.takes_submissions(); }
  bool takes_leases() override { return store_.takes_leases(); }

  std::optional<std::string_view> cached(const broker::Locator& where) override {
    return store_.cached(where);
  }
  void forget(const broker::Locator& where) override { store_.forget(where); }
  void fetch(std::uint64_t ticket, const broker::Locator& where) override {
    store_.fetch(ticket, where);
  }
  void fetch_events(std::uint64_t ticket, std::uint64_t since, std::size_t count,
                    std::size_t bytes) override {
    store_.fetch_events(ticket, since, count, bytes);
  }
  std::optional<broker::Fetched> next_fetched() override { return store_.next_fetched(); }

  void set_live_bytes(std::uint64_t bytes) override { store_.set_live_bytes(bytes); }
  std::optional<broker::Kept> next_to_clean() override { return store_.next_to_clean(); }

  int wake_fd() const override { return store_.wake_fd(); }
  void acknowledge_wake() override { store_.acknowledge_wake(); }
  broker::StoreFigures figures() const override { return store_.figures(); }
  void close() override { store_.close(); }

 private:
  void tell(std::uint64_t seq, std::string_view bytes) {
    const auto stored = broker::decode_record(bytes);
    if (!stored) return;
    const broker::Record& r = stored->record;
    const bool worker = r.kind >= broker::RecordKind::worker_joined;
    std::string line = std::to_string(seq) + " " + std::string(broker::event_type(r.kind)) + " ";
    line += worker ? to_string(r.worker) : to_string(r.task);
    if (!worker) {
      line += " attempt " + std::to_string(r.attempt) + " " + std::string(name_of(r.priority));
      if (!r.worker.is_nil()) line += " by " + to_string(r.worker).substr(0, 8);
      if (r.outcome != Outcome::none) line += " " + std::string(name_of(r.outcome));
    }
    if (!r.reason.empty()) line += " (" + std::string(r.reason) + ")";
    trace_.tell(line);
  }

  broker::journal::InlineJournalStore& store_;
  Checker& checker_;
  Trace& trace_;
};

}  // namespace drover::sim
