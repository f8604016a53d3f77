#include "broker/store/journal/reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/store/journal/group_reader.hpp"

namespace drover::broker::journal {
namespace {

Error damaged(std::uint32_t segment, std::uint64_t offset, std::string_view what) {
  return {Errc::store_damaged,
          fmt::format("{}, offset {}: {}", segment_name(segment), offset, what)};
}

// A page of events while it fills.
class Page {
 public:
  Page(std::uint64_t first, std::uint64_t last, std::size_t count, std::size_t bytes)
      : next_(first), last_(last), count_(count), bytes_(bytes) {}

  bool full() const { return full_ || next_ > last_ || events_.size() >= count_; }
  std::uint64_t next() const { return next_; }
  std::vector<Fetched::Event> take() { return std::move(events_); }

  void add_from(const GroupView& group) {
    if (group.next_seq() <= next_) return;
    auto seq = group.header.first_seq;
    RecordWalk walk = group.records();
    for (auto record = walk.next(); record && !full(); record = walk.next()) {
      if (!record->carried && seq++ == next_) add(record->bytes);
    }
  }

 private:
  void add(std::string_view record) {
    full_ = record.size() > bytes_ && !events_.empty();
    if (full_) return;
    bytes_ -= std::min(bytes_, record.size());
    events_.push_back({next_++, std::string(record)});
  }

  std::uint64_t next_, last_;
  std::size_t count_, bytes_;
  std::vector<Fetched::Event> events_;
  bool full_ = false;
};

}  // namespace

Result<std::string> read_record(File& file, const Locator& where) {
  std::string framed(kRecordHeaderBytes + std::size_t{where.length}, '\0');
  const auto read = read_exactly(file, where.offset - kRecordHeaderBytes, framed);
  if (!read) return read.error();
  if (!is_record(framed, where.segment, where.offset)) {
    return damaged(where.segment, where.offset, "the record here is damaged");
  }
  return framed.erase(0, kRecordHeaderBytes);
}

Result<std::vector<Fetched::Event>> read_events(const std::vector<Stretch>& stretches,
                                                std::uint64_t first, std::uint64_t last,
                                                std::size_t count, std::size_t bytes) {
  Page page(first, last, count, bytes);
  for (const Stretch& stretch : stretches) {
    GroupReader reader(*stretch.file, stretch.segment, stretch.salt, stretch.from, stretch.to);
    while (!page.full() && !reader.at_end()) {
      const auto group = reader.next();
      if (!group) return group.error();
      if (!*group) return damaged(stretch.segment, reader.offset(), "the group here is damaged");
      page.add_from(**group);
    }
  }
  return page.take();
}

Result<std::string> read_groups(const Stretch& stretch, std::uint64_t bytes) {
  GroupReader reader(*stretch.file, stretch.segment, stretch.salt, stretch.from, stretch.to);
  std::string groups;
  while (groups.size() < bytes && !reader.at_end()) {
    const auto group = reader.next();
    if (!group) return group.error();
    if (!*group) return damaged(stretch.segment, reader.offset(), "the group here is damaged");
    groups += (*group)->bytes;
  }
  return groups;
}

}  // namespace drover::broker::journal
