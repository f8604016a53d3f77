// The truth about a store, kept beside it: what was added, what was acknowledged, what still
// counts.
//
// A record says whose it is and which version: the newest version of a key counts until the key is
// gone. After every start of the store the ledger holds what was replayed against what it knows.
// Four things must be true of it, whatever happened to the disk:
//
//   - it is a stretch of what was added, each record with its bytes, number and place, without a
//   gap
//   - it reaches at least as far as was acknowledged, and never ends within a decision
//   - it begins early enough: the newest record of every key that is not gone is in it
//   - nothing else is in it
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/store/store.hpp"
#include "common/base/random.hpp"

namespace drover::test {

class Ledger {
 public:
  static constexpr std::uint32_t kBooks = 0xffffffff;  // the key of books records

  struct Entry {
    std::uint64_t seq;  // 0 for carried ones
    broker::Locator where;
    std::string bytes;
    std::uint64_t decision;  // which append or carry it came with
  };

  // The record of a key's next version, `size` bytes or the few more that it needs.
  std::string next_version(std::uint32_t key, bool gone, std::size_t size, Random& random);
  std::string books();

  // --- what happens to the store

  void add(std::uint64_t seq, const broker::Locator& where, std::string_view bytes);
  void add_books(std::string_view bytes);  // whose place nobody is told
  void end_decision() { ++decision_; }
  void acknowledge(std::uint64_t position);  // as the store counts since its start

  // --- what still counts

  bool counts(const broker::Locator& where, std::string_view bytes) const;
  std::uint64_t live_bytes() const { return live_bytes_; }
  std::size_t live_keys() const { return newest_.size(); }
  std::optional<std::uint32_t> any_key(Random& random) const;

  // --- what a start of the store replays

  void begin_replay() { replayed_.clear(); }
  void replay(const broker::Kept& kept);
  // What is wrong with it; nothing is the good answer, and the ledger goes on from there.
  std::optional<std::string> judge_replay();

  const std::deque<Entry>& entries() const { return entries_; }
  const Entry* event(std::uint64_t seq) const;
  std::uint64_t acknowledged() const { return acknowledged_total_; }

 private:
  struct Version {
    std::uint32_t key, version;
    bool gone;
  };
  static Version version_of(std::string_view bytes);
  void count(std::size_t index);
  std::optional<std::string> compare(std::size_t start) const;
  std::optional<std::string> find_lost(std::size_t start, std::size_t end) const;
  std::size_t start_of_replay() const;
  void go_on_from(std::size_t start);

  std::deque<Entry> entries_;     // as far back as the store may still have them
  std::size_t acknowledged_ = 0;  // of these
  std::size_t at_start_ = 0;      // how many there were at the store's start
  std::uint64_t acknowledged_total_ = 0;
  std::uint64_t decision_ = 0;
  std::map<std::uint32_t, std::size_t> newest_;  // key -> position in entries_ of what counts
  std::map<std::uint32_t, std::uint32_t> versions_;
  std::uint64_t live_bytes_ = 0;
  std::uint32_t books_ = 0;
  std::vector<Entry> replayed_;
};

}  // namespace drover::test
