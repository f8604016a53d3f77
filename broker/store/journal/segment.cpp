#include "broker/store/journal/segment.hpp"

#include <algorithm>
#include <utility>

#include "broker/store/journal/options.hpp"
#include "common/base/assert.hpp"

namespace drover::broker::journal {

void Segment::pass(std::uint64_t seq, std::uint32_t offset) {
  if (landmarks.empty() || offset - landmarks.back().offset >= kLandmarkBytes) {
    landmarks.push_back({seq, offset});
  }
}

std::uint32_t Segment::start_for(std::uint64_t seq) const {
  const auto after = std::ranges::upper_bound(landmarks, seq, {}, &Landmark::seq);
  return after == landmarks.begin() ? kSegmentHeaderBytes : std::prev(after)->offset;
}

void SegmentList::add(Segment segment) {
  DROVER_ASSERT(list_.empty() || segment.number() == newest().number() + 1);
  bytes_ += segment.header.bytes;
  list_.push_back(std::move(segment));
}

Segment SegmentList::take_oldest() {
  Segment segment = std::move(list_.front());
  list_.pop_front();
  bytes_ -= segment.header.bytes;
  return segment;
}

Segment& SegmentList::at(std::uint32_t number) {
  DROVER_ASSERT(!list_.empty() && number - oldest().number() < list_.size());
  return list_[number - oldest().number()];
}

std::size_t SegmentList::index_for(std::uint64_t seq) const {
  const auto first_seq = [](const Segment& segment) { return segment.header.first_seq; };
  const auto after = std::ranges::upper_bound(list_, seq, {}, first_seq);
  return after == list_.begin() ? 0 : static_cast<std::size_t>(after - list_.begin()) - 1;
}

}  // namespace drover::broker::journal
