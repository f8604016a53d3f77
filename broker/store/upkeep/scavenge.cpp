#include "broker/store/upkeep/scavenge.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "broker/store/journal/layout.hpp"

namespace drover::broker::upkeep {
namespace {

using journal::kRecordHeaderBytes;

// Every record is a msgpack array of more than 15 elements: it begins with this byte. Looking at it
// first spares the checksums of nearly all places that begin none.
constexpr char kLongArray = '\xdc';
constexpr std::uint32_t kSmallest = 26;  // bytes; a byte for each field at least
constexpr std::uint64_t kSectorBytes = 512;

// The bytes between two offsets, zeros where a sector cannot be read.
std::string read_what_can_be(journal::File& file, std::uint64_t from, std::uint64_t to) {
  std::string bytes(to - from, '\0');
  if (journal::read_exactly(file, from, bytes)) return bytes;
  for (std::uint64_t at = 0; at < bytes.size(); at += kSectorBytes) {
    const auto count = std::min<std::uint64_t>(kSectorBytes, bytes.size() - at);
    const std::span<char> sector(bytes.data() + at, count);
    if (!journal::read_exactly(file, from + at, sector)) std::ranges::fill(sector, '\0');
  }
  return bytes;
}

// The length that a record's header here claims; 0 if there can be none.
std::uint32_t claimed_length(std::string_view left) {
  if (left.size() < kRecordHeaderBytes + kSmallest) return 0;
  if (left[kRecordHeaderBytes] != kLongArray) return 0;
  std::uint32_t word = 0;
  std::memcpy(&word, left.data(), sizeof word);
  const auto length = word & ~journal::kCarriedBit;
  return length >= kSmallest && length <= left.size() - kRecordHeaderBytes ? length : 0;
}

}  // namespace

std::uint64_t scavenge(journal::File& file, std::uint32_t segment, std::uint64_t from,
                       std::uint64_t to, const std::function<void(const Kept&)>& record) {
  const std::string bytes = read_what_can_be(file, from, to);
  std::uint64_t found = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto left = std::string_view(bytes).substr(at);
    const auto length = claimed_length(left);
    const auto framed = left.substr(0, kRecordHeaderBytes + length);
    const auto offset = static_cast<std::uint32_t>(from + at + kRecordHeaderBytes);
    if (length == 0 || !journal::is_record(framed, segment, offset)) {
      ++at;
      continue;
    }
    record({0, {segment, offset, length}, framed.substr(kRecordHeaderBytes)});
    at += framed.size();
    ++found;
  }
  return found;
}

std::uint64_t find_salt(journal::File& file, std::uint32_t segment, std::uint64_t size) {
  if (size <= journal::kSegmentHeaderBytes) return 0;
  const std::string bytes = read_what_can_be(file, journal::kSegmentHeaderBytes, size);
  const std::string_view all = bytes;
  for (std::size_t at = 0; at + journal::kGroupHeaderBytes < all.size(); at += 8) {
    const auto header = journal::decode_group_header(all.substr(at));
    const bool plausible = header.salt != 0 && header.records > 0 &&
                           header.numbered <= header.records && header.body_bytes > 0 &&
                           header.group_bytes() <= all.size() - at;
    if (!plausible) continue;
    const auto group = all.substr(at, header.group_bytes());
    if (journal::crc_of_group(group, segment) == header.crc) return header.salt;
  }
  return 0;
}

}  // namespace drover::broker::upkeep
