#include "broker/store/journal/group_reader.hpp"

#include <algorithm>
#include <cstring>

#include "broker/core/planted.hpp"

namespace drover::broker::journal {
namespace {

constexpr std::uint64_t kWindowBytes = 256 * 1024;

}  // namespace

Result<std::optional<GroupView>> GroupReader::next() {
  const std::optional<GroupView> none;
  if (to_ - at_ < kGroupHeaderBytes) return none;
  const auto head = bytes_at(at_, kGroupHeaderBytes);
  if (!head) return head.error();
  const GroupHeader header = decode_group_header(*head);
  if (header.salt != salt_ || header.group_bytes() > to_ - at_) return none;
  const auto bytes = bytes_at(at_, header.group_bytes());
  if (!bytes) return bytes.error();
  const bool is_whole = header.crc == crc_of_group(*bytes, segment_);
  if (!is_whole && !planted(Planted::torn_group_believed)) return none;
  const GroupView group{static_cast<std::uint32_t>(at_), header, *bytes};
  at_ += header.group_bytes();
  return std::optional(group);
}

Result<std::optional<std::uint64_t>> GroupReader::find_group_behind() {
  for (std::uint64_t block = at_ + 8; block < to_; block += kWindowBytes) {
    const auto bytes = bytes_at(block, std::min(kWindowBytes, to_ - block));
    if (!bytes) return bytes.error();
    for (std::size_t i = 0; i + sizeof salt_ <= bytes->size(); i += 8) {
      if (std::memcmp(bytes->data() + i, &salt_, sizeof salt_) == 0)
        return std::optional(block + i);
    }
  }
  return std::optional<std::uint64_t>();
}

Result<std::uint64_t> GroupReader::claimed_bytes() {
  if (to_ - at_ < kGroupHeaderBytes) return std::uint64_t{0};
  const auto head = bytes_at(at_, kGroupHeaderBytes);
  if (!head) return head.error();
  const GroupHeader header = decode_group_header(*head);
  return header.salt == salt_ ? std::min(header.group_bytes(), to_ - at_) : 0;
}

// The bytes from the window, which is read anew where it does not reach. All within `to_`.
Result<std::string_view> GroupReader::bytes_at(std::uint64_t offset, std::uint64_t count) {
  const bool here = offset >= window_at_ && offset + count <= window_at_ + window_.size();
  if (!here) {
    window_.resize(std::min(std::max(count, kWindowBytes), to_ - offset));
    window_at_ = offset;
    const auto read = read_exactly(file_, offset, window_);
    if (!read) return window_.clear(), read.error();
  }
  return std::string_view(window_).substr(offset - window_at_, count);
}

}  // namespace drover::broker::journal
