// A journal on a simulated disk, a ledger beside it, and somebody who uses both at random.
//
//   Rig rig(disk, seed);
//   rig.start();                     // opens the journal and judges what it replayed
//   for (...) rig.step();            // appends, flushes, lets the disk work, reads, cleans
//   rig.kill();                      // the process dies; the disk goes on with what was written
//   disk.power_cut();                // or not
//
// What goes against a promise is in `wrong`, with the first such thing kept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "broker/store/journal/inline_journal_store.hpp"
#include "tests/faults/ledger.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::test {

struct RigOptions {
  std::uint64_t segment_bytes = 4 * 1024;
  std::uint64_t retain_bytes = 16 * 1024;
  std::uint64_t live_bytes_max = 5 * 1024;
  std::size_t record_bytes_max = 600;
};

class Rig {
 public:
  // `disk` must outlive the rig.
  Rig(SimDisk& disk, std::uint64_t seed, const RigOptions& options = {});

  // Opens the journal. False if it refused, with `refusal`; judges the replay otherwise.
  bool start();
  const Error& refusal() const { return refusal_; }

  // One of the things that a broker does, at random.
  void step();
  void append();
  void submit();  // a task: a record of a new key
  void finish();  // some task's end, which leaves nothing to keep
  void flush();
  void pump();
  void settle();  // everything durable, unless the store has failed
  void clean();
  void read_record();
  void read_events();

  void kill();   // without a word
  void close();  // in good order

  broker::journal::InlineJournalStore& store() { return *store_; }
  bool running() const { return store_ != nullptr; }
  bool failed() { return store_->failure().has_value(); }
  bool saw_failure() const { return saw_failure_; }  // in any of its starts
  Ledger& ledger() { return ledger_; }

  // The first thing that went wrong.
  const std::optional<std::string>& wrong() const { return wrong_; }
  void note(std::optional<std::string> wrong);

  std::int64_t now_ms = 1'800'000'000'000;

 private:
  void add(std::span<const std::string> records);
  void acknowledge() { ledger_.acknowledge(store_->durable()); }
  std::string random_version();
  void take_fetched();
  void judge_page(const broker::Fetched& page);

  SimDisk& disk_;
  RigOptions options_;
  Random random_;
  Ledger ledger_;
  std::unique_ptr<broker::journal::InlineJournalStore> store_;
  std::optional<StoreId> id_;
  Error refusal_;
  bool saw_failure_ = false;
  std::optional<std::string> wrong_;
  std::uint64_t ticket_ = 0;
  std::uint32_t next_key_ = 0;                    // of submit
  std::map<std::uint64_t, std::string> reads_;    // ticket -> the bytes that must come
  std::map<std::uint64_t, std::uint64_t> pages_;  // ticket -> since
};

}  // namespace drover::test
