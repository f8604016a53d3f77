#include "broker/store/journal/reading.hpp"

#include <algorithm>
#include <utility>

#include "broker/store/journal/damage.hpp"
#include "broker/store/journal/group_reader.hpp"

namespace drover::broker::journal {
namespace {

// A page of events while it fills.
class Page {
 public:
  explicit Page(const EventRange& range) : left_(range) {}

  bool full() const { return full_ || left_.first > left_.last || events_.size() >= left_.count; }
  std::vector<Fetched::Event> take() { return std::move(events_); }

  void add_from(const GroupView& group) {
    if (group.next_seq() <= left_.first) return;
    auto seq = group.header.first_seq;
    RecordWalk walk = group.records();
    for (auto record = walk.next(); record && !full(); record = walk.next()) {
      if (!record->carried && seq++ == left_.first) add(record->bytes);
    }
  }

 private:
  void add(std::string_view record) {
    full_ = record.size() > left_.bytes && !events_.empty();
    if (full_) return;
    left_.bytes -= std::min(left_.bytes, record.size());
    events_.push_back({left_.first++, std::string(record)});
  }

  EventRange left_;
  std::vector<Fetched::Event> events_;
  bool full_ = false;
};

}  // namespace

Result<std::string> read_record(File& file, const Locator& where) {
  std::string framed(kRecordHeaderBytes + std::size_t{where.length}, '\0');
  const auto read = read_exactly(file, where.offset - kRecordHeaderBytes, framed);
  if (!read) return read.error();
  if (!is_record(framed, where.segment, where.offset)) {
    return damaged(segment_name(where.segment), where.offset, "the record here is damaged");
  }
  return framed.erase(0, kRecordHeaderBytes);
}

Result<std::vector<Fetched::Event>> read_events(const std::vector<Stretch>& stretches,
                                                const EventRange& range) {
  Page page(range);
  for (const Stretch& stretch : stretches) {
    GroupReader reader(*stretch.file, stretch.segment, stretch.salt, stretch.from, stretch.to);
    while (!page.full() && !reader.at_end()) {
      const auto group = reader.next();
      if (!group) return group.error();
      if (!*group)
        return damaged(segment_name(stretch.segment), reader.offset(), "the group here is damaged");
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
    if (!*group)
      return damaged(segment_name(stretch.segment), reader.offset(), "the group here is damaged");
    groups += (*group)->bytes;
  }
  return groups;
}

}  // namespace drover::broker::journal
