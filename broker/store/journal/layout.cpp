#include "broker/store/journal/layout.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cstring>

#include "common/base/assert.hpp"
#include "common/base/crc32c.hpp"

namespace drover::broker::journal {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the journal's numbers are little-endian");

constexpr std::string_view kSegmentMagic = "DROVERSG";
constexpr std::string_view kMarkMagic = "DROVERMK";
constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kSparePrefix = "spare-";

// Where fields stand. The checksum ends the header, and covers all before it.
namespace at {
constexpr std::size_t kVersion = 8, kNumber = 12, kStore = 16, kSalt = 32, kFirstSeq = 40;
constexpr std::size_t kBytes = 48, kOldest = 56, kPreviousEnd = 60;
constexpr std::size_t kSegmentCrc = kSegmentHeaderBytes - 4;

constexpr std::size_t kMarkStore = 8, kMarkSegment = 24, kMarkEnd = 28, kMarkSalt = 32;
constexpr std::size_t kMarkNextSeq = 40, kMarkGroupCrc = 48, kMarkCrc = kMarkBytes - 4;

constexpr std::size_t kGroupCrc = 8, kBodyBytes = 12, kGroupFirstSeq = 16, kTime = 24;
constexpr std::size_t kRecords = 32, kNumbered = 36;
}  // namespace at

template <class Number>
void put(std::string& bytes, std::size_t offset, Number number) {
  std::memcpy(bytes.data() + offset, &number, sizeof number);
}

template <class Number>
Number get(std::string_view bytes, std::size_t offset) {
  Number number;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

void put_bytes(std::string& bytes, std::size_t offset, std::string_view value) {
  std::memcpy(bytes.data() + offset, value.data(), value.size());
}

std::optional<std::uint32_t> parse_name(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

// A record read from elsewhere, or from another use of the same file, fails by its place.
std::uint32_t crc_of_record(std::string_view bytes, std::uint32_t segment, std::uint32_t offset) {
  return crc32c(bytes, segment * 0x9e3779b1U ^ offset);
}

}  // namespace

std::string segment_name(std::uint32_t number) {
  return fmt::format("{}{:010}", kSegmentPrefix, number);
}
std::string spare_name(std::uint32_t number) { return fmt::format("{}{}", kSparePrefix, number); }

std::optional<std::uint32_t> parse_segment_name(std::string_view name) {
  const auto number = parse_name(name, kSegmentPrefix);
  return number && *number > 0 && segment_name(*number) == name ? number : std::nullopt;
}

std::optional<std::uint32_t> parse_spare_name(std::string_view name) {
  const auto number = parse_name(name, kSparePrefix);
  return number && spare_name(*number) == name ? number : std::nullopt;
}

std::string encode(const SegmentHeader& header) {
  std::string bytes(kSegmentHeaderBytes, '\0');
  put_bytes(bytes, 0, kSegmentMagic);
  put(bytes, at::kVersion, kFormatVersion);
  put(bytes, at::kNumber, header.number);
  put_bytes(bytes, at::kStore, header.store.view());
  put(bytes, at::kSalt, header.salt);
  put(bytes, at::kFirstSeq, header.first_seq);
  put(bytes, at::kBytes, header.bytes);
  put(bytes, at::kOldest, header.oldest);
  put(bytes, at::kPreviousEnd, header.previous_end);
  put(bytes, at::kSegmentCrc, crc32c({bytes.data(), at::kSegmentCrc}));
  return bytes;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kSegmentMagic)) {
    return Error{Errc::store_damaged, "is no segment of a journal"};
  }
  if (get<std::uint32_t>(bytes, at::kSegmentCrc) != crc32c(bytes.substr(0, at::kSegmentCrc))) {
    return Error{Errc::store_damaged, "has a damaged header"};
  }
  const auto version = get<std::uint32_t>(bytes, at::kVersion);
  if (version == 0) return Error{Errc::store_damaged, "has a header of no version"};
  if (version > kFormatVersion) {
    return Error{Errc::store_too_new, fmt::format("has format version {}, this release knows {}",
                                                  version, kFormatVersion)};
  }
  SegmentHeader header;
  header.number = get<std::uint32_t>(bytes, at::kNumber);
  header.store = StoreId::from_bytes(bytes.substr(at::kStore, 16));
  header.salt = get<std::uint64_t>(bytes, at::kSalt);
  header.first_seq = get<std::uint64_t>(bytes, at::kFirstSeq);
  header.bytes = get<std::uint64_t>(bytes, at::kBytes);
  header.oldest = get<std::uint32_t>(bytes, at::kOldest);
  header.previous_end = get<std::uint32_t>(bytes, at::kPreviousEnd);
  const bool sound = header.oldest > 0 && header.oldest <= header.number && header.salt != 0 &&
                     header.first_seq > 0;
  if (!sound) return Error{Errc::store_damaged, "has a header that makes no sense"};
  return header;
}

GroupHeader decode_group_header(std::string_view bytes) {
  GroupHeader header;
  header.salt = get<std::uint64_t>(bytes, 0);
  header.crc = get<std::uint32_t>(bytes, at::kGroupCrc);
  header.body_bytes = get<std::uint32_t>(bytes, at::kBodyBytes);
  header.first_seq = get<std::uint64_t>(bytes, at::kGroupFirstSeq);
  header.time_ms = get<std::int64_t>(bytes, at::kTime);
  header.records = get<std::uint32_t>(bytes, at::kRecords);
  header.numbered = get<std::uint32_t>(bytes, at::kNumbered);
  return header;
}

void seal_group(std::string& group, std::uint32_t segment, std::uint32_t offset,
                GroupHeader& header) {
  DROVER_ASSERT(group.size() == header.group_bytes());
  const std::string_view body(group.data() + kGroupHeaderBytes, header.body_bytes);
  RecordWalk walk(body, offset + kGroupHeaderBytes);
  while (const auto record = walk.next()) {
    put(group, record->offset - offset - 4, crc_of_record(record->bytes, segment, record->offset));
  }
  DROVER_ASSERT(!walk.broken());
  put(group, 0, header.salt);
  put(group, at::kBodyBytes, header.body_bytes);
  put(group, at::kGroupFirstSeq, header.first_seq);
  put(group, at::kTime, header.time_ms);
  put(group, at::kRecords, header.records);
  put(group, at::kNumbered, header.numbered);
  header.crc = crc_of_group(group, segment);
  put(group, at::kGroupCrc, header.crc);
}

std::uint32_t crc_of_group(std::string_view group, std::uint32_t segment) {
  return crc32c(group.substr(at::kBodyBytes), segment);
}

void append_record(std::string& body, std::string_view record, bool carried) {
  DROVER_ASSERT(record.size() < kCarriedBit);
  const auto length = static_cast<std::uint32_t>(record.size()) | (carried ? kCarriedBit : 0);
  char header[kRecordHeaderBytes] = {};
  std::memcpy(header, &length, sizeof length);
  body.append(header, sizeof header);
  body.append(record);
}

std::optional<RecordView> RecordWalk::next() {
  if (left_.empty() || broken_) return std::nullopt;
  broken_ = left_.size() < kRecordHeaderBytes;
  if (broken_) return std::nullopt;
  const auto word = get<std::uint32_t>(left_, 0);
  const std::uint32_t length = word & ~kCarriedBit;
  broken_ = left_.size() - kRecordHeaderBytes < length;
  if (broken_) return std::nullopt;
  const RecordView record{left_.substr(kRecordHeaderBytes, length), offset_ + kRecordHeaderBytes,
                          (word & kCarriedBit) != 0};
  left_.remove_prefix(kRecordHeaderBytes + length);
  offset_ += kRecordHeaderBytes + length;
  return record;
}

bool is_record(std::string_view framed, std::uint32_t segment, std::uint32_t offset) {
  const auto bytes = framed.substr(kRecordHeaderBytes);
  return (get<std::uint32_t>(framed, 0) & ~kCarriedBit) == bytes.size() &&
         get<std::uint32_t>(framed, 4) == crc_of_record(bytes, segment, offset);
}

std::string encode(const Mark& mark) {
  std::string bytes(kMarkBytes, '\0');
  put_bytes(bytes, 0, kMarkMagic);
  put_bytes(bytes, at::kMarkStore, mark.store.view());
  put(bytes, at::kMarkSegment, mark.segment);
  put(bytes, at::kMarkEnd, mark.end);
  put(bytes, at::kMarkSalt, mark.salt);
  put(bytes, at::kMarkNextSeq, mark.next_seq);
  put(bytes, at::kMarkGroupCrc, mark.group_crc);
  put(bytes, at::kMarkCrc, crc32c({bytes.data(), at::kMarkCrc}));
  return bytes;
}

std::optional<Mark> decode_mark(std::string_view bytes) {
  if (bytes.size() < kMarkBytes || !bytes.starts_with(kMarkMagic)) return std::nullopt;
  const auto crc = crc32c(bytes.substr(0, at::kMarkCrc));
  if (get<std::uint32_t>(bytes, at::kMarkCrc) != crc) return std::nullopt;
  Mark mark;
  mark.store = StoreId::from_bytes(bytes.substr(at::kMarkStore, 16));
  mark.segment = get<std::uint32_t>(bytes, at::kMarkSegment);
  mark.end = get<std::uint32_t>(bytes, at::kMarkEnd);
  mark.salt = get<std::uint64_t>(bytes, at::kMarkSalt);
  mark.next_seq = get<std::uint64_t>(bytes, at::kMarkNextSeq);
  mark.group_crc = get<std::uint32_t>(bytes, at::kMarkGroupCrc);
  return mark;
}

}  // namespace drover::broker::journal
