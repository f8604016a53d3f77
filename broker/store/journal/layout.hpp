// What the journal's files look like, byte by byte. Numbers are little-endian.
//
//   segment-0000000007   512 bytes of header, then commit groups one after the other
//   spare-3              a segment's file that waits for its next use
//   mark                 how far the journal is known to be durable
//
//   group    salt 8 | crc 4 | body bytes 4 | first seq 8 | time ms 8 | records 4 | numbered 4 |
//   body body     records, then zeros up to a multiple of 8 bytes record   length 4 (top bit:
//   carried, without a number) | crc 4 | bytes
//
// A segment's salt is a fresh random number for each use of its file, and a group begins with it.
// No payload can know it and no earlier life of the file had it, so these 8 bytes stand at the
// beginnings of this segment's groups and nowhere else. Since a group is written only after the one
// before it is synced, a salt behind a broken group proves that the broken one was once whole.
//
// Checksums are CRC-32C. A group's covers all of it behind the checksum and starts from the
// segment's number; a record's (which lets a single record be read back and trusted) starts from
// the record's place.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"

namespace drover::broker::journal {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint32_t kSegmentHeaderBytes = 512;  // a sector of its own
inline constexpr std::uint32_t kGroupHeaderBytes = 40;
inline constexpr std::uint32_t kRecordHeaderBytes = 8;
inline constexpr std::uint32_t kCarriedBit = 1U << 31;
inline constexpr std::uint32_t kMarkBytes = 64;
inline constexpr std::string_view kMarkName = "mark";

constexpr std::uint64_t round_up_to_8(std::uint64_t bytes) {
  return (bytes + 7) & ~std::uint64_t{7};
}

// --- names

std::string segment_name(std::uint32_t number);
std::string spare_name(std::uint32_t number);
std::optional<std::uint32_t> parse_segment_name(std::string_view name);
std::optional<std::uint32_t> parse_spare_name(std::string_view name);

// --- segments

struct SegmentHeader {
  StoreId store;
  std::uint32_t number = 0;
  std::uint32_t oldest = 0;        // the oldest segment that is needed, this one included
  std::uint64_t salt = 0;          // never 0
  std::uint64_t first_seq = 0;     // the number that the first event in it has or would have
  std::uint64_t bytes = 0;         // of the whole file
  std::uint32_t previous_end = 0;  // where the groups of the segment before this one end

  bool operator==(const SegmentHeader&) const = default;
};

// kSegmentHeaderBytes of them.
std::string encode(const SegmentHeader& header);

// Errors: STORE_DAMAGED; STORE_TOO_NEW for a header that is whole, of a later format version. (All
// versions keep magic, version and checksum where they are.) The message lacks the file's name.
Result<SegmentHeader> decode_segment_header(std::string_view bytes);

// --- groups

struct GroupHeader {
  std::uint64_t salt = 0;
  std::uint32_t crc = 0;
  std::uint32_t body_bytes = 0;  // without the zeros behind
  std::uint64_t first_seq = 0;   // of the first numbered record, or of the next one to come
  std::int64_t time_ms = 0;
  std::uint32_t records = 0;   // all of them
  std::uint32_t numbered = 0;  // those that are events

  std::uint64_t group_bytes() const { return kGroupHeaderBytes + round_up_to_8(body_bytes); }
};

// `bytes` has at least kGroupHeaderBytes.
GroupHeader decode_group_header(std::string_view bytes);

// Finishes a group whose body stands behind room for its header, zeros included: fills in the
// records' checksums, and the header with its own. `offset` is the group's place in its segment.
void seal_group(std::string& group, std::uint32_t segment, std::uint32_t offset,
                GroupHeader& header);

// The checksum that the header of `group` should have. `group` ends where the group does.
std::uint32_t crc_of_group(std::string_view group, std::uint32_t segment);

// --- records

// The room of a record of so many bytes in a group's body.
constexpr std::uint64_t framed_bytes(std::uint64_t record) { return kRecordHeaderBytes + record; }

// Appends a record without its checksum, which seal_group fills in.
void append_record(std::string& body, std::string_view record, bool carried);

struct RecordView {
  std::string_view bytes;
  std::uint32_t offset = 0;  // of the bytes, from where `body` was said to begin
  bool carried = false;
};

// Walks over the records of a body.
class RecordWalk {
 public:
  // `offset` is the place of `body` in its segment.
  RecordWalk(std::string_view body, std::uint32_t offset) : left_(body), offset_(offset) {}

  // The next record; nullopt at the end of the body, or where it makes no sense (`broken`).
  std::optional<RecordView> next();
  bool broken() const { return broken_; }

 private:
  std::string_view left_;
  std::uint32_t offset_;
  bool broken_ = false;
};

// True if `framed`, the header and bytes of a record as they were read, is what was written at the
// place of these bytes.
bool is_record(std::string_view framed, std::uint32_t segment, std::uint32_t offset);

// --- the mark

// The end of the newest group that was synced when the mark was written. Never ahead of the disk.
struct Mark {
  StoreId store;
  std::uint32_t segment = 0;
  std::uint32_t end = 0;
  std::uint64_t salt = 0;  // of the segment
  std::uint64_t next_seq = 0;
  std::uint32_t group_crc = 0;  // 0 while the segment has no group

  bool operator==(const Mark&) const = default;
};

// kMarkBytes of them.
std::string encode(const Mark& mark);

// nullopt for anything that is not a whole mark: it may be torn, and says nothing then.
std::optional<Mark> decode_mark(std::string_view bytes);

}  // namespace drover::broker::journal
