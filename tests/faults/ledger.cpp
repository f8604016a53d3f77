#include "tests/faults/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace drover::test {

using broker::Kept;
using broker::Locator;

namespace {

constexpr std::size_t kHead = 9;  // key 4, version 4, gone 1

std::string head(std::uint32_t key, std::uint32_t version, bool gone) {
  std::string bytes(kHead, gone ? '\1' : '\0');
  std::memcpy(bytes.data(), &key, 4);
  std::memcpy(bytes.data() + 4, &version, 4);
  return bytes;
}

}  // namespace

std::string Ledger::next_version(std::uint32_t key, bool gone, std::size_t size, Random& random) {
  std::string bytes = head(key, ++versions_[key], gone);
  bytes.reserve(size + 8);
  while (bytes.size() < size) {
    const std::uint64_t noise = random.next();
    bytes.append(reinterpret_cast<const char*>(&noise), sizeof noise);
  }
  return bytes;
}

std::string Ledger::books() { return head(kBooks, ++books_, true); }

Ledger::Version Ledger::version_of(std::string_view bytes) {
  Version version{};
  if (bytes.size() < kHead) return version;
  std::memcpy(&version.key, bytes.data(), 4);
  std::memcpy(&version.version, bytes.data() + 4, 4);
  version.gone = bytes[8] != 0;
  return version;
}

void Ledger::add_books(std::string_view bytes) { add(0, {}, bytes); }

void Ledger::add(std::uint64_t seq, const Locator& where, std::string_view bytes) {
  // Books come before the record that made the store ask for them, in the same segment.
  if (!entries_.empty() && !entries_.back().where) entries_.back().where.segment = where.segment;
  entries_.push_back({seq, where, std::string(bytes), decision_});
  count(entries_.size() - 1);
}

// The newest entry of a key counts; a carried copy has the version of what it copies.
void Ledger::count(std::size_t index) {
  const Entry& entry = entries_[index];
  const Version version = version_of(entry.bytes);
  const auto old = newest_.find(version.key);
  if (old != newest_.end()) {
    live_bytes_ -= entries_[old->second].bytes.size();
    newest_.erase(old);
  }
  if (version.gone) return;
  live_bytes_ += entry.bytes.size();
  newest_[version.key] = index;
}

void Ledger::acknowledge(std::uint64_t position) {
  const std::size_t now = at_start_ + position;
  acknowledged_total_ += now - std::min(now, acknowledged_);
  acknowledged_ = std::max(acknowledged_, now);
}

bool Ledger::counts(const Locator& where, std::string_view bytes) const {
  const auto newest = newest_.find(version_of(bytes).key);
  return newest != newest_.end() && entries_[newest->second].where == where;
}

std::optional<std::uint32_t> Ledger::any_key(Random& random) const {
  if (newest_.empty()) return std::nullopt;
  auto key = newest_.lower_bound(static_cast<std::uint32_t>(random.below(64)));
  if (key == newest_.end()) key = newest_.begin();
  return key->first;
}

const Ledger::Entry* Ledger::event(std::uint64_t seq) const {
  // Numbers rise along the entries, carried ones (0) between them.
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->seq == seq) return &*entry;
  }
  return nullptr;
}

void Ledger::replay(const Kept& kept) {
  replayed_.push_back({kept.seq, kept.where, std::string(kept.bytes), 0});
}

std::optional<std::string> Ledger::judge_replay() {
  const std::size_t start = start_of_replay();
  if (auto wrong = compare(start)) return wrong;
  const std::size_t end = start + replayed_.size();
  if (end < acknowledged_) {
    return fmt::format("{} acknowledged records are missing at the end", acknowledged_ - end);
  }
  if (end < entries_.size() && end > 0 && entries_[end].decision == entries_[end - 1].decision) {
    return "the replay ends within a decision";
  }
  if (auto wrong = find_lost(start, end)) return wrong;
  go_on_from(start);
  return std::nullopt;
}

// Where in the entries the replay begins: with the first that lies in its first record's segment.
std::size_t Ledger::start_of_replay() const {
  if (replayed_.empty()) return 0;
  const auto segment = replayed_.front().where.segment;
  const auto before = [segment](const Entry& entry) { return entry.where.segment < segment; };
  return static_cast<std::size_t>(std::ranges::partition_point(entries_, before) -
                                  entries_.begin());
}

std::optional<std::string> Ledger::compare(std::size_t start) const {
  for (std::size_t i = 0; i < replayed_.size(); ++i) {
    const Entry& found = replayed_[i];
    const auto place = fmt::format("{}:{}", found.where.segment, found.where.offset);
    if (start + i >= entries_.size()) return "a record from nowhere at " + place;
    const Entry& known = entries_[start + i];
    if (found.bytes != known.bytes) return "other bytes at " + place;
    if (found.seq != known.seq)
      return fmt::format("number {} is now {} at {}", known.seq, found.seq, place);
    if (known.where.length != 0 && found.where != known.where) return "moved to " + place;
  }
  return std::nullopt;
}

// The newest version of each key up to `end` must not be older than `start`.
std::optional<std::string> Ledger::find_lost(std::size_t start, std::size_t end) const {
  std::map<std::uint32_t, std::size_t> newest;
  for (std::size_t i = 0; i < end; ++i) newest[version_of(entries_[i].bytes).key] = i;
  for (const auto& [key, index] : newest) {
    if (index >= start || version_of(entries_[index].bytes).gone) continue;
    return fmt::format("key {} is lost: its newest record was in segment {}", key,
                       entries_[index].where.segment);
  }
  return std::nullopt;
}

void Ledger::go_on_from(std::size_t start) {
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(start));
  entries_.resize(replayed_.size());
  newest_.clear();
  live_bytes_ = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].where = replayed_[i].where;
    count(i);
  }
  acknowledged_ = at_start_ = entries_.size();
  end_decision();
}

}  // namespace drover::test
