#include "broker/store/journal/placement.hpp"

#include <utility>

#include "common/base/assert.hpp"

namespace drover::broker::journal {
Placement::Placement(const JournalOptions& options, SegmentList& segments, RecentGroups& recent,
                     std::uint64_t next_seq, Random& random)
    : options_(options),
      segments_(segments),
      recent_(recent),
      random_(random),
      offset_(segments.newest().end),
      next_seq_(next_seq) {}

void Placement::make_room(std::uint64_t framed) {
  if (open_ && !fits(open_->bytes().size() + framed)) seal();
  if (open_ && open_->bytes().size() + framed > kGroupBytes) seal();
  if (!open_) open_group(framed);
  DROVER_ASSERT(fits(open_->bytes().size() + framed));
}

bool Placement::fits(std::uint64_t bytes) const {
  return offset_ + round_up_to_8(bytes) <= segments_.newest().header.bytes;
}

Locator Placement::add(std::string_view record, bool carried) {
  if (!carried) ++next_seq_;
  ++added_;
  return open_->add(record, carried);
}

// The books stand at the beginning of every segment, also of one whose first group a crash has
// taken: the segments before it are given up one day.
void Placement::open_group(std::uint64_t framed) {
  std::string books = offset_ == kSegmentHeaderBytes ? current_books() : std::string();
  const auto for_books = books.empty() ? 0 : framed_bytes(books.size());
  if (!fits(kGroupHeaderBytes + for_books + framed)) {
    begin_segment();
    if (books.empty()) books = current_books();
  }
  Segment& segment = segments_.newest();
  segment.pass(next_seq_, offset_);
  open_ = std::make_shared<Group>(segment.number(), segment.header.salt, offset_, next_seq_,
                                  last_size_);
  open_->begins = std::exchange(begins_, std::nullopt);
  recent_.add(open_);
  if (!books.empty()) add(books, true);
}

std::string Placement::current_books() const { return books_ ? books_() : std::string(); }

void Placement::seal() {
  open_->seal(options_.clock_ms());
  recent_.sealed(*open_);
  offset_ = open_->end();
  last_size_ = open_->bytes().size();
  placed_bytes_ += last_size_;
  sealed_.push_back(std::exchange(open_, nullptr));
}

void Placement::begin_segment() {
  const SegmentHeader& before = segments_.newest().header;
  Segment segment;
  segment.header.store = before.store;
  segment.header.number = before.number + 1;
  segment.header.oldest =
      segments_.oldest().number() + static_cast<std::uint32_t>(retired_ ? retired_() : 0);
  segment.header.salt = random_.next() | 1;
  segment.header.first_seq = next_seq_;
  segment.header.bytes = options_.segment_bytes;
  segment.header.previous_end = offset_;
  begins_ = segment.header;
  segments_.add(std::move(segment));
  offset_ = kSegmentHeaderBytes;
}

}  // namespace drover::broker::journal
