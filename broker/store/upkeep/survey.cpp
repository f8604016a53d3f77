#include "broker/store/upkeep/survey.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "broker/store/journal/group_reader.hpp"
#include "broker/store/upkeep/scavenge.hpp"

namespace drover::broker::upkeep {
namespace {

using journal::File;
using journal::GroupReader;
using journal::GroupView;
using journal::kSegmentHeaderBytes;
using journal::OpenMode;
using journal::segment_name;

// A segment's file as far as it makes sense.
struct Ruin {
  std::shared_ptr<File> file;
  std::uint64_t size = 0;
  std::optional<journal::SegmentHeader> header;  // if it is whole and says what it should
  std::uint64_t salt = 0;                        // 0 = nothing in it can be believed
  std::string what;                              // is wrong with its header
};

class Walk {
 public:
  Walk(journal::Io& io, const Surveyor& surveyor) : io_(io), surveyor_(surveyor) {}

  Result<Surveyed> run() {
    if (auto opened = open_all(); !opened) return opened.error();
    if (ruins_.empty()) return Error{Errc::not_found, "there is no segment of a store"};
    read_mark();
    choose_range();
    for (auto number = oldest_; number <= newest_; ++number) {
      if (auto walked = walk(number); !walked) return walked.error();
    }
    const bool marked = mark_ && mark_->next_seq > next_seq_;
    tell_gaps(marked ? std::optional(mark_->next_seq - 1) : std::nullopt);
    return found_;
  }

 private:
  Result<void> open_all() {
    const auto names = io_.list();
    if (!names) return names.error();
    for (const auto& name : *names) {
      const auto number = journal::parse_segment_name(name);
      if (!number) continue;
      auto ruin = open(name, *number);
      if (!ruin) return ruin.error();
      ruins_[*number] = std::move(*ruin);
    }
    return {};
  }

  Result<Ruin> open(const std::string& name, std::uint32_t number) {
    auto file = io_.open(name, OpenMode::existing);
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    Ruin ruin{std::move(*file), *size, std::nullopt, 0, ""};
    std::string bytes(std::min<std::uint64_t>(kSegmentHeaderBytes, *size), '\0');
    // What cannot be read is as good as not there.
    const auto read = journal::read_exactly(*ruin.file, 0, bytes);
    const auto header = journal::decode_segment_header(read ? bytes : std::string());
    if (!header && header.error().code == Errc::store_too_new) {
      return Error{Errc::store_too_new, name + ", offset 0: " + header.error().message};
    }
    if (header && header->number == number) {
      ruin.header = *header;
      ruin.salt = header->salt;
    } else {
      ruin.what = header ? "is another segment's file" : header.error().message;
      if (!header) ruin.salt = find_salt(*ruin.file, number, ruin.size);
    }
    return ruin;
  }

  void read_mark() {
    const auto file = io_.open(std::string(journal::kMarkName), OpenMode::existing);
    std::string bytes(journal::kMarkBytes, '\0');
    if (file && journal::read_exactly(**file, 0, bytes)) mark_ = journal::decode_mark(bytes);
  }

  // The segments that count: from the oldest that the newest whole header needs, to the newest that
  // anything tells of.
  void choose_range() {
    oldest_ = ruins_.begin()->first;
    newest_ = ruins_.rbegin()->first;
    const auto whole = std::find_if(ruins_.rbegin(), ruins_.rend(), [](const auto& ruin) {
      return ruin.second.header.has_value();
    });
    if (whole != ruins_.rend()) {
      const auto& header = *whole->second.header;
      oldest_ = header.oldest;
      found_.store = header.store;
      found_.segment_bytes = header.bytes;
      if (mark_ && mark_->store != header.store) mark_.reset();
    }
    if (mark_) newest_ = std::max(newest_, mark_->segment);
    const auto first = ruins_.find(oldest_);
    const bool is_known = first != ruins_.end() && first->second.header;
    next_seq_ = is_known ? first->second.header->first_seq : oldest_ == 1 ? 1 : 0;
  }

  const Ruin* at(std::uint32_t number) const {
    const auto found = ruins_.find(number);
    return found == ruins_.end() ? nullptr : &found->second;
  }

  Result<void> walk(std::uint32_t number) {
    const Ruin* ruin = at(number);
    if (ruin == nullptr) return missing(number, 0, 0, "the segment is missing"), Result<void>();
    const bool foreign = ruin->header && ruin->header->store != found_.store;
    if (foreign || ruin->salt == 0) {
      missing(number, 0, ruin->size, foreign ? "belongs to another store" : ruin->what);
      return {};
    }
    ++found_.segments;
    if (!ruin->header) {
      ++found_.gaps;
      surveyor_.gap({segment_name(number), 0, kSegmentHeaderBytes, ruin->what, 0, false, 0, 0});
    }
    if (ruin->header) tell_gaps(ruin->header->first_seq - 1);
    return walk_groups(number, *ruin);
  }

  // Where the groups end, as the next segment or the mark tells; nullopt if nothing does.
  std::optional<std::uint64_t> end_of(std::uint32_t number, const Ruin& ruin) const {
    const Ruin* next = at(number + 1);
    if (next != nullptr && next->header) return next->header->previous_end;
    if (mark_ && mark_->segment == number && mark_->salt == ruin.salt) return mark_->end;
    return std::nullopt;
  }

  Result<void> walk_groups(std::uint32_t number, const Ruin& ruin) {
    const auto told = end_of(number, ruin);
    std::uint64_t offset = kSegmentHeaderBytes;
    while (offset < ruin.size) {
      GroupReader reader(*ruin.file, number, ruin.salt, offset, ruin.size);
      const auto group = reader.next();
      if (group && *group) {
        take(number, **group);
        offset = reader.offset();
        continue;
      }
      const auto next = next_whole(number, ruin, offset);
      if (!next && offset >= told.value_or(0)) return {};  // the end, or a torn tail
      const auto to = next.value_or(std::max(offset, std::min(*told, ruin.size)));
      if (to > offset) scavenge_gap(number, ruin, offset, to);
      if (!next) break;
      offset = *next;
    }
    if (told && *told > ruin.size) {
      missing(number, std::max(ruin.size, offset), *told, "the file ends before its groups do");
    }
    return {};
  }

  void take(std::uint32_t number, const GroupView& group) {
    tell_gaps(group.header.first_seq - 1);
    next_seq_ = group.header.first_seq;
    journal::RecordWalk walk = group.records();
    while (const auto record = walk.next()) {
      const Locator where{number, record->offset, static_cast<std::uint32_t>(record->bytes.size())};
      surveyor_.record({record->carried ? 0 : next_seq_, where, record->bytes});
      if (!record->carried) ++next_seq_;
    }
  }

  // Where behind a broken place the next group stands that is whole.
  static std::optional<std::uint64_t> next_whole(std::uint32_t number, const Ruin& ruin,
                                                 std::uint64_t from) {
    while (from + journal::kGroupHeaderBytes < ruin.size) {
      GroupReader broken(*ruin.file, number, ruin.salt, from, ruin.size);
      const auto salt_at = broken.find_group_behind();
      if (!salt_at || !*salt_at) return std::nullopt;
      from = **salt_at;
      GroupReader candidate(*ruin.file, number, ruin.salt, from, ruin.size);
      const auto group = candidate.next();
      if (group && *group) return from;
    }
    return std::nullopt;
  }

  void scavenge_gap(std::uint32_t number, const Ruin& ruin, std::uint64_t from, std::uint64_t to) {
    Gap gap{segment_name(number), from, to, "no whole group here", 0, true, next_seq_, 0};
    gap.records_saved = scavenge(*ruin.file, number, from, to, surveyor_.record);
    gaps_.push_back(std::move(gap));
  }

  void missing(std::uint32_t number, std::uint64_t from, std::uint64_t to, std::string what) {
    gaps_.push_back({segment_name(number), from, to, std::move(what), 0, true, next_seq_, 0});
  }

  // What the gaps since the last whole group can have held is known now: events up to `last`, if
  // anything tells.
  void tell_gaps(std::optional<std::uint64_t> last) {
    for (auto& gap : gaps_) {
      gap.last_seq = last.value_or(0);
      if (last && gap.first_seq > *last) {
        gap.may_hold_events = false;
        gap.first_seq = gap.last_seq = 0;
      }
      ++found_.gaps;
      surveyor_.gap(gap);
    }
    gaps_.clear();
    if (last) next_seq_ = std::max(next_seq_, *last + 1);
  }

  journal::Io& io_;
  const Surveyor& surveyor_;
  std::map<std::uint32_t, Ruin> ruins_;
  std::optional<journal::Mark> mark_;
  std::uint32_t oldest_ = 0, newest_ = 0;
  std::uint64_t next_seq_ = 0;  // 0 = not known
  std::vector<Gap> gaps_;       // that wait for what comes behind them
  Surveyed found_;
};

}  // namespace

Result<Surveyed> survey(journal::Io& io, const Surveyor& surveyor) {
  return Walk(io, surveyor).run();
}

}  // namespace drover::broker::upkeep
