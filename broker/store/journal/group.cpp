#include "broker/store/journal/group.hpp"

namespace drover::broker::journal {

Group::Group(std::uint32_t segment, std::uint64_t salt, std::uint32_t offset,
             std::uint64_t first_seq, std::size_t room)
    : segment_(segment), offset_(offset) {
  header_.salt = salt;
  header_.first_seq = first_seq;
  bytes_.reserve(kGroupHeaderBytes + room);
  bytes_.resize(kGroupHeaderBytes);
}

Locator Group::add(std::string_view record, bool carried) {
  append_record(bytes_, record, carried);
  ++header_.records;
  if (!carried) ++header_.numbered;
  const auto length = static_cast<std::uint32_t>(record.size());
  return {segment_, end() - length, length};
}

void Group::seal(std::int64_t time_ms) {
  header_.time_ms = time_ms;
  header_.body_bytes = static_cast<std::uint32_t>(bytes_.size()) - kGroupHeaderBytes;
  bytes_.resize(header_.group_bytes());
}

}  // namespace drover::broker::journal
