#include "broker/store/journal/cleaner.hpp"

#include <algorithm>
#include <utility>

#include "broker/store/journal/options.hpp"
#include "broker/store/journal/reading.hpp"

namespace drover::broker::journal {
namespace {

constexpr std::uint64_t kChunkBytes = 256 * 1024;
constexpr std::uint64_t kPaceMax = 32;

}  // namespace

std::uint64_t Cleaner::wanted_bytes() const {
  return std::max({retain_bytes_, 2 * live_bytes_, kSegmentsRetainedMin * segment_bytes_});
}

// What the log will take when the next segment has begun, the retired ones gone by then.
std::uint64_t Cleaner::kept_bytes() const {
  return segments_.bytes() - retired_bytes_ + segment_bytes_;
}

std::uint64_t Cleaner::begin_above(std::uint64_t bound) const {
  const auto margin = std::max(bound / 8, std::min(2 * segment_bytes_, bound / 4));
  return bound - margin;
}

bool Cleaner::is_due() const {
  return !failure_ && segments_.size() > retired_ + 1 && target().closed &&
         kept_bytes() > begin_above(bound());
}

void Cleaner::earned(std::uint64_t bytes) {
  if (!is_due()) {
    allowance_ = 0;
    return;
  }
  const auto segments_above = (kept_bytes() - begin_above(bound())) / segment_bytes_;
  allowance_ += bytes * std::min(2 * (1 + segments_above), kPaceMax);
  allowance_ = std::min(allowance_, 2 * segment_bytes_);
}

// What cleaning all of the log would gain must be worth the writing: two segments and an eighth.
void Cleaner::hasten() {
  const auto bytes = segments_.bytes() - retired_bytes_;
  if (!is_due() || live_bytes_ + 2 * segment_bytes_ + bytes / 8 > bytes) return;
  allowance_ = std::max(allowance_, kChunkBytes);
}

std::uint64_t Cleaner::left_of_target() const {
  const auto read = chunks_.empty() ? read_to_ : chunks_.front().offset + in_chunk_;
  return target().end - read;
}

std::optional<Kept> Cleaner::next() {
  if (!is_due() || !find_record() || allowance_ == 0) return std::nullopt;
  const RecordView record = *std::exchange(record_, std::nullopt);
  const auto length = static_cast<std::uint32_t>(record.bytes.size());
  allowance_ -= std::min<std::uint64_t>(allowance_, framed_bytes(length));
  const Locator where{target().number(), record.offset, length};
  return Kept{record.carried ? 0 : seq_++, where, record.bytes};
}

// Moves on to the next record of the oldest segment that is not retired. False if it must be read
// first, or if there is no such segment any more.
bool Cleaner::find_record() {
  while (!record_) {
    record_ = walk_.next();
    if (record_ || next_group()) continue;
    if (read_to_ < target().end) {
      read_on();
      return false;
    }
    retire();
    if (!is_due()) return false;
  }
  return true;
}

bool Cleaner::next_group() {
  if (!chunks_.empty() && in_chunk_ == chunks_.front().groups.size()) {
    chunks_.pop_front();
    in_chunk_ = 0;
  }
  if (chunks_.empty()) return false;
  if (chunks_.size() == 1) read_on();
  const Chunk& chunk = chunks_.front();
  const auto group = std::string_view(chunk.groups).substr(in_chunk_);
  const GroupHeader header = decode_group_header(group);
  const auto offset = chunk.offset + static_cast<std::uint32_t>(in_chunk_);
  walk_ = {group.substr(kGroupHeaderBytes, header.body_bytes), offset + kGroupHeaderBytes};
  seq_ = header.first_seq;
  in_chunk_ += header.group_bytes();
  return true;
}

void Cleaner::read_on() {
  const Segment& segment = target();
  if (reading_ || read_to_ == segment.end) return;
  reading_ = true;
  const Stretch rest{segment.file, segment.number(), segment.header.salt, read_to_, segment.end};
  auto groups = std::make_shared<Result<std::string>>(std::string());
  hands_.give(Chore{[rest, groups](Io&) { *groups = read_groups(rest, kChunkBytes); },
                    [this, groups] { came(std::move(*groups)); }});
}

void Cleaner::came(Result<std::string> groups) {
  reading_ = false;
  if (!groups) {
    failure_ = groups.error();
    return;
  }
  const auto offset = read_to_;
  read_to_ += static_cast<std::uint32_t>(groups->size());
  chunks_.push_back({std::move(*groups), offset});
}

void Cleaner::retire() {
  trimmed_early_ += kept_bytes() <= begin_above(wanted_bytes());
  retired_bytes_ += target().header.bytes;
  ++retired_;
  read_to_ = kSegmentHeaderBytes;
  walk_ = {{}, 0};
}

void Cleaner::dropped(const Segment& segment) {
  retired_bytes_ -= segment.header.bytes;
  --retired_;
}

}  // namespace drover::broker::journal
