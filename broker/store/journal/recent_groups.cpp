#include "broker/store/journal/recent_groups.hpp"

#include <algorithm>
#include <utility>

namespace drover::broker::journal {

void RecentGroups::add(GroupPtr group) {
  const auto begin = place(group->segment(), group->offset());
  entries_.push_back({begin, std::move(group), 0});
}

void RecentGroups::durable_until(std::uint32_t segment, std::uint32_t offset) {
  durable_ = place(segment, offset);
  shrink();
}

std::optional<std::string_view> RecentGroups::find(const Locator& where) const {
  const Entry* entry = entry_of(where);
  if (entry == nullptr) return std::nullopt;
  return entry->group->at(where);
}

void RecentGroups::forget(const Locator& where) {
  auto* entry = const_cast<Entry*>(entry_of(where));
  if (entry == nullptr) return;
  const bool all = ++entry->forgotten >= entry->group->header().records;
  if (all && entry->place < durable_) drop(*entry);
}

// The newest group that begins before the record does, if the record lies in it.
const RecentGroups::Entry* RecentGroups::entry_of(const Locator& where) const {
  const auto after =
      std::ranges::upper_bound(entries_, place(where.segment, where.offset), {}, &Entry::place);
  if (after == entries_.begin()) return nullptr;
  const Entry& entry = *std::prev(after);
  if (entry.group == nullptr || entry.group->segment() != where.segment) return nullptr;
  return where.offset + std::uint64_t{where.length} <= entry.group->end() ? &entry : nullptr;
}

void RecentGroups::drop(Entry& entry) {
  bytes_ -= entry.group->memory();
  entry.group.reset();
}

void RecentGroups::shrink() {
  while (!entries_.empty() && entries_.front().place < durable_) {
    if (entries_.front().group != nullptr) {
      if (bytes_ <= bound_) return;
      drop(entries_.front());
    }
    entries_.pop_front();
  }
}

}  // namespace drover::broker::journal
