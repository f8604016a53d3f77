// Reads the groups of a segment, one after the other, and believes none that is not whole.
//
// Recovery, cleaning and the replay of events all read through this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/store/journal/io.hpp"
#include "broker/store/journal/layout.hpp"

namespace drover::broker::journal {

struct GroupView {
  std::uint32_t offset = 0;  // of the group in its segment
  GroupHeader header;
  std::string_view bytes;  // all of it, header included

  std::uint32_t end() const { return offset + static_cast<std::uint32_t>(bytes.size()); }
  std::uint64_t next_seq() const { return header.first_seq + header.numbered; }
  RecordWalk records() const {
    return {bytes.substr(kGroupHeaderBytes, header.body_bytes), offset + kGroupHeaderBytes};
  }
};

class GroupReader {
 public:
  // Reads the groups from offset `from` to `to` of the segment with this number and salt. `file`
  // must outlive the reader.
  GroupReader(File& file, std::uint32_t segment, std::uint64_t salt, std::uint64_t from,
              std::uint64_t to)
      : file_(file), segment_(segment), salt_(salt), at_(from), to_(to) {}

  // The group that begins at `offset()`, and moves behind it; nullopt at the end, and where no
  // whole group stands. The view is good until the next call. Errors: those of reading.
  Result<std::optional<GroupView>> next();

  std::uint64_t offset() const { return at_; }
  bool at_end() const { return at_ == to_; }

  // With no whole group at `offset()`: where behind it another group of this segment begins, which
  // a torn tail does not have.
  Result<std::optional<std::uint64_t>> find_group_behind();

  // How many bytes the header at `offset()` says that its group has, as far as there is room; 0 if
  // none of this segment's begins here.
  Result<std::uint64_t> claimed_bytes();

 private:
  Result<std::string_view> bytes_at(std::uint64_t offset, std::uint64_t count);

  File& file_;
  std::uint32_t segment_;
  std::uint64_t salt_, at_, to_;
  std::string window_;  // what was read last
  std::uint64_t window_at_ = 0;
};

}  // namespace drover::broker::journal
