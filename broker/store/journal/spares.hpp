// The spare segments: files of full size that wait to become the next segment.
//
// Making one is the only thing in the journal that can run out of space. kSpares are held ready, so
// when that happens there is room left for results and confirms while submissions wait.
//
// The loop owns this; the files are made and recycled by chores.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "broker/store/journal/hands.hpp"
#include "broker/store/journal/options.hpp"
#include "broker/store/journal/segment.hpp"

namespace drover::broker::journal {

struct Spare {
  std::string name;
  std::shared_ptr<File> file;
};

// A new spare, durable but for its name.
Result<std::shared_ptr<File>> make_spare(Io& io, const std::string& name, std::uint64_t bytes);

class Spares {
 public:
  // `hands` must outlive this.
  Spares(Hands& hands, std::uint64_t bytes) : hands_(hands), bytes_(bytes) {}

  // A spare found on disk.
  void adopt(Spare spare);

  std::optional<Spare> take();

  // Has spares made, one at a time, while any are missing. `coming` segments will be recycled when
  // the next segment has begun.
  void tend(std::size_t coming);

  // Makes a segment that is not needed any more into a spare, or removes its file: where there are
  // spares enough, and where a reader holds it.
  void recycle(const Segment& segment);

  // A spare could not be made for lack of space, and some are still missing.
  bool lacks_space() const { return lacks_space_; }
  // Space may have come back: `tend` tries once more.
  void retry() { blocked_ = false; }

  // There is none, and none to hope for.
  bool exhausted() const { return blocked_ && ready_.empty() && under_way_ == 0; }

  // A failure other than the lack of space, which is final.
  const std::optional<Error>& failure() const { return failure_; }

  std::size_t ready() const { return ready_.size(); }
  // Those that are being recycled included.
  std::size_t at_hand() const { return ready_.size() + under_way_ - (making_ ? 1 : 0); }
  std::uint64_t bytes() const { return at_hand() * bytes_; }

 private:
  void make_one();
  void came(const Spare& spare, const Result<void>& outcome);

  Hands& hands_;
  std::uint64_t bytes_;
  std::deque<Spare> ready_;
  std::size_t under_way_ = 0;  // being made or recycled
  std::uint32_t next_number_ = 1;
  bool making_ = false;  // one of these is being made
  bool lacks_space_ = false;
  bool blocked_ = false;  // no more attempts until something changes
  std::optional<Error> failure_;
};

}  // namespace drover::broker::journal
