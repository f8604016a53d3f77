#include "broker/store/upkeep/replay.hpp"

#include <algorithm>

#include "broker/store/journal/damage.hpp"
#include "broker/store/journal/layout.hpp"

namespace drover::broker::upkeep {
namespace {

Error damaged_at(const Locator& where, const Error& why) {
  return journal::damaged(journal::segment_name(where.segment), where.offset, why.message);
}

}  // namespace

Result<StoredRecord> decode(const Kept& kept) {
  auto stored = decode_record(kept.bytes);
  if (!stored) return damaged_at(kept.where, stored.error());
  return stored;
}

Replay::Replay() : core_(CoreOptions{}, Random(1)) {}

Result<void> Replay::take(const Kept& kept) {
  const auto stored = decode(kept);
  if (!stored) return stored.error();
  return take(kept, stored->record);
}

Result<void> Replay::take(const Kept& kept, const Record& record) {
  newest_ = std::max(newest_, record.at);
  const auto taken = core_.recover(record, kept.where);
  return taken ? taken : damaged_at(kept.where, taken.error());
}

Result<void> Replay::finish() { return core_.finish_recovery(newest_); }

}  // namespace drover::broker::upkeep
