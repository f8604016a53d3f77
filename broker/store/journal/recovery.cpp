#include "broker/store/journal/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "broker/store/journal/damage.hpp"
#include "broker/store/journal/group_reader.hpp"

namespace drover::broker::journal {
namespace {

// One recovery, from the list of names to the last group.
class Recovery {
 public:
  Recovery(Io& io, const Visit& visit) : io_(io), visit_(visit) {}

  Result<Recovered> run() {
    if (auto listed = list_files(); !listed) return listed.error();
    if (auto read = read_mark(); !read) return read.error();
    if (auto read = read_headers(); !read) return read.error();
    if (auto fits = check_mark_fits(); !fits) return fits.error();
    for (const auto& segment : found_.segments.all()) {
      if (auto read = read_groups(found_.segments.at(segment.number())); !read) return read.error();
    }
    return std::move(found_);
  }

 private:
  Result<void> list_files() {
    const auto names = io_.list();
    if (!names) return names.error();
    for (const auto& name : *names) {
      if (const auto number = parse_segment_name(name)) named_[*number].header.number = *number;
      if (parse_spare_name(name)) found_.spares.push_back(name);
      if (name == kMarkName) found_.has_mark = true;
    }
    return {};
  }

  Result<void> read_mark() {
    if (!found_.has_mark) return {};
    const auto file = io_.open(std::string(kMarkName), OpenMode::existing);
    if (!file) return file.error();
    std::string bytes(kMarkBytes, '\0');
    const auto size = (*file)->size();
    if (!size) return size.error();
    if (*size < kMarkBytes) return {};
    if (auto read = read_exactly(**file, 0, bytes); !read) return read.error();
    mark_ = decode_mark(bytes);
    return {};
  }

  // From the newest, which names the oldest that is needed, down to that one.
  Result<void> read_headers() {
    if (named_.empty()) return {};
    auto& newest = named_.rbegin()->second;
    if (auto read = read_header(newest); !read) return read.error();
    const SegmentHeader header = newest.header;
    for (const auto number : leftovers_of(header)) named_.erase(number);
    for (auto number = header.oldest; number <= header.number; ++number) {
      const auto named = named_.find(number);
      if (named == named_.end()) return damaged(segment_name(number), 0, "the segment is missing");
      Segment& segment = named->second;
      if (number != header.number) {
        if (auto read = read_header(segment); !read) return read.error();
      }
      if (segment.header.store != header.store) {
        return damaged(segment_name(number), 0, "belongs to another store");
      }
      found_.segments.add(std::move(segment));
    }
    found_.next_seq = found_.segments.oldest().header.first_seq;
    return {};
  }

  std::vector<std::uint32_t> leftovers_of(const SegmentHeader& newest) {
    std::vector<std::uint32_t> numbers;
    for (const auto& [number, segment] : named_) {
      if (number >= newest.oldest) break;
      numbers.push_back(number);
      found_.leftovers.push_back(segment_name(number));
    }
    return numbers;
  }

  Result<void> read_header(Segment& segment) {
    const std::string name = segment_name(segment.number());
    auto file = io_.open(name, OpenMode::existing);
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    std::string bytes(kSegmentHeaderBytes, '\0');
    if (*size < bytes.size()) return damaged(name, *size, "the file ends within its header");
    if (auto read = read_exactly(**file, 0, bytes); !read) return read.error();
    const auto header = decode_segment_header(bytes);
    if (!header) return Error{header.error().code, name + ", offset 0: " + header.error().message};
    if (header->number != segment.number()) return damaged(name, 0, "is another segment's file");
    if (header->bytes != *size) {
      return damaged(name, *size,
                     fmt::format("the file has {} bytes, not {}", *size, header->bytes));
    }
    segment.header = *header;
    segment.file = std::move(*file);
    return {};
  }

  Result<void> check_mark_fits() {
    if (found_.has_mark && found_.segments.empty()) {
      return damaged(std::string(kMarkName), 0, "there is no segment beside it");
    }
    if (!mark_) return {};
    const auto& newest = found_.segments.newest();
    if (mark_->store != newest.header.store) {
      return damaged(std::string(kMarkName), 0, "belongs to another store");
    }
    if (mark_->segment > newest.number()) {
      return damaged(segment_name(mark_->segment), 0, "the segment is missing");
    }
    return {};
  }

  Result<void> read_groups(Segment& segment) {
    const std::string name = segment_name(segment.number());
    const SegmentHeader& header = segment.header;
    if (header.first_seq != found_.next_seq) {
      return damaged(
          name, 0,
          fmt::format("begins with event {}, expected {}", header.first_seq, found_.next_seq));
    }
    const bool newest = &segment == &found_.segments.newest();
    const auto to =
        newest ? header.bytes : found_.segments.at(segment.number() + 1).header.previous_end;
    if (to < kSegmentHeaderBytes || to > header.bytes) {
      return damaged(name, 0, "the next segment says that it ends elsewhere");
    }
    GroupReader reader(*segment.file, segment.number(), header.salt, kSegmentHeaderBytes, to);
    if (auto passed = pass_mark(segment, 0); !passed) return passed.error();
    while (true) {
      const auto group = reader.next();
      if (!group) return group.error();
      if (!*group) break;
      if (auto taken = take(segment, **group); !taken) return taken.error();
    }
    if (newest) return end_of_log(segment, reader);
    segment.closed = true;
    return reader.at_end() ? check_mark_passed(segment)
                           : damaged(name, reader.offset(), "the group here is damaged");
  }

  Result<void> take(Segment& segment, const GroupView& group) {
    const std::string name = segment_name(segment.number());
    if (group.header.first_seq != found_.next_seq) {
      return damaged(name, group.offset,
                     fmt::format("begins with event {}, expected {}", group.header.first_seq,
                                 found_.next_seq));
    }
    segment.pass(group.header.first_seq, group.offset);
    if (auto visited = visit_records(segment.number(), group); !visited) return visited.error();
    ++found_.groups;
    segment.end = group.end();
    if (&segment == &found_.segments.newest()) found_.newest_crc = group.header.crc;
    return pass_mark(segment, group.header.crc);
  }

  Result<void> visit_records(std::uint32_t segment, const GroupView& group) {
    RecordWalk walk = group.records();
    std::uint32_t records = 0;
    while (const auto record = walk.next()) {
      const Locator where{segment, record->offset,
                          static_cast<std::uint32_t>(record->bytes.size())};
      const auto seq = record->carried ? 0 : found_.next_seq++;
      if (auto visited = visit_({seq, where, record->bytes}); !visited) return visited.error();
      ++records;
    }
    const bool sound =
        !walk.broken() && records == group.header.records && found_.next_seq == group.next_seq();
    if (sound) return {};
    return damaged(segment_name(segment), group.offset, "the group's records do not add up");
  }

  // Holds the mark against a place at which the journal was whole.
  Result<void> pass_mark(const Segment& segment, std::uint32_t crc) {
    if (!mark_ || mark_->segment != segment.number() || mark_->end != segment.end) return {};
    if (mark_->salt != segment.header.salt || mark_->group_crc != crc) {
      return damaged(segment_name(segment.number()), segment.end,
                     "is not what the mark says was here");
    }
    mark_.reset();
    return {};
  }

  // The segment was read to its end: the mark, if it names this one, must have been passed.
  Result<void> check_mark_passed(const Segment& segment) {
    if (!mark_ || mark_->segment != segment.number()) return {};
    return damaged(
        segment_name(segment.number()), segment.end,
        fmt::format("acknowledged records are gone: the mark says that the log was durable "
                    "up to offset {}, event {}",
                    mark_->end, mark_->next_seq - 1));
  }

  Result<void> end_of_log(const Segment& segment, GroupReader& reader) {
    const auto behind = reader.find_group_behind();
    if (!behind) return behind.error();
    if (*behind) {
      return damaged(segment_name(segment.number()), reader.offset(),
                     fmt::format("the group here is damaged; another follows at {}", **behind));
    }
    const auto torn = reader.claimed_bytes();
    if (!torn) return torn.error();
    found_.torn_tail_bytes = *torn;
    return check_mark_passed(segment);
  }

  Io& io_;
  const Visit& visit_;
  std::map<std::uint32_t, Segment> named_;  // by the number in the name
  std::optional<Mark> mark_;                // until it was passed
  Recovered found_;
};

}  // namespace

Mark mark_of(const Recovered& recovered) {
  const Segment& newest = recovered.segments.newest();
  return {newest.header.store, newest.number(),    newest.end,
          newest.header.salt,  recovered.next_seq, recovered.newest_crc};
}

Result<Recovered> recover(Io& io, const Visit& visit) { return Recovery(io, visit).run(); }

}  // namespace drover::broker::journal
