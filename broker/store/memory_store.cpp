#include "broker/store/memory_store.hpp"

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"
#include "common/base/random.hpp"

namespace drover::broker {
namespace {

constexpr std::uint64_t kEntryOverhead = 64;  // of the deque and the string, per record

std::uint64_t footprint(std::string_view record) { return record.size() + kEntryOverhead; }

}  // namespace

MemoryStore::MemoryStore(const MemoryStoreOptions& options) : retain_bytes_(options.retain_bytes) {
  Random random(options.seed);
  id_.bytes = make_uuid_v4(random);
}

Result<void> MemoryStore::open(const std::function<Result<void>(const Kept&)>&) { return {}; }

Appended MemoryStore::append(std::span<const std::string_view> records) {
  places_.clear();
  const std::uint64_t first = newest_seq_ + 1;
  for (const auto record : records) {
    places_.push_back(add(++newest_seq_, record));
    may_clean_ += 2 * footprint(record);
  }
  return {first, places_};
}

Locator MemoryStore::carry(std::string_view record) {
  carried_bytes_ += record.size();
  return add(0, record);
}

Locator MemoryStore::add(std::uint64_t seq, std::string_view record) {
  entries_.push_back({seq, std::string(record)});
  if (seq != 0) events_.push_back(added_);
  bytes_ += footprint(record);
  backlog_bytes_ += record.size();
  return place_of(added_++);
}

void MemoryStore::flush() {
  if (durable_ != added_) ++commits_;
  durable_ = added_;
  durable_seq_ = newest_seq_;
  backlog_bytes_ = 0;
}

// A place is the record's number from the start, spread over the locator's two halves.
Locator MemoryStore::place_of(std::uint64_t index) const {
  const auto length = entries_[index - base_].bytes.size();
  return {static_cast<std::uint32_t>(index >> 32) + 1, static_cast<std::uint32_t>(index),
          static_cast<std::uint32_t>(length)};
}

const MemoryStore::Entry* MemoryStore::find(const Locator& where) const {
  const std::uint64_t index = (std::uint64_t{where.segment - 1} << 32) | where.offset;
  const bool here = where && index >= base_ && index - base_ < entries_.size();
  return here ? &entries_[index - base_] : nullptr;
}

std::optional<std::string_view> MemoryStore::cached(const Locator& where) {
  const Entry* entry = find(where);
  return entry ? std::optional<std::string_view>(entry->bytes) : std::nullopt;
}

void MemoryStore::fetch(std::uint64_t ticket, const Locator& where) {
  const Entry* entry = find(where);
  DROVER_ASSERT(entry != nullptr);
  Fetched fetched;
  fetched.ticket = ticket;
  fetched.bytes = entry->bytes;
  fetched_.push_back(std::move(fetched));
}

void MemoryStore::fetch_events(std::uint64_t ticket, std::uint64_t since, std::size_t count,
                               std::size_t bytes) {
  Fetched fetched;
  fetched.ticket = ticket;
  if (since + 1 < oldest_seq()) {
    fetched.code = Errc::events_trimmed;
    fetched.message = "the oldest event that is kept has a higher number";
    since = durable_seq_;
  }
  std::size_t taken = 0;
  for (auto seq = since + 1; seq <= durable_seq_ && fetched.events.size() < count; ++seq) {
    const Entry& entry = entries_[events_[seq - oldest_seq()] - base_];
    taken += entry.bytes.size();
    if (taken > bytes && !fetched.events.empty()) break;
    fetched.events.push_back({seq, entry.bytes});
  }
  fetched_.push_back(std::move(fetched));
}

std::optional<Fetched> MemoryStore::next_fetched() {
  if (fetched_.empty()) return std::nullopt;
  auto fetched = std::move(fetched_.front());
  fetched_.pop_front();
  return fetched;
}

std::optional<Kept> MemoryStore::next_to_clean() {
  if (handed_out_) drop_oldest();
  const bool over = bytes_ > std::max(retain_bytes_, 2 * live_bytes_);
  if (!over || base_ == durable_) may_clean_ = 0;
  if (may_clean_ == 0) return std::nullopt;
  const Entry& oldest = entries_.front();
  may_clean_ -= std::min(may_clean_, footprint(oldest.bytes));
  handed_out_ = true;
  return Kept{oldest.seq, place_of(base_), oldest.bytes};
}

void MemoryStore::drop_oldest() {
  bytes_ -= footprint(entries_.front().bytes);
  if (entries_.front().seq != 0) events_.pop_front();
  entries_.pop_front();
  ++base_;
  handed_out_ = false;
}

StoreFigures MemoryStore::figures() const {
  StoreFigures figures;
  figures.segments = 1;
  figures.commits = commits_;
  figures.cached_bytes = bytes_;
  figures.carried_bytes = carried_bytes_;
  return figures;
}

}  // namespace drover::broker
