// A level that is watched: too high from `high` on, and only once it is below `low` well again, so
// that what follows from it does not flutter. Pure.
#pragma once

#include <cstdint>

namespace drover::broker {

class Watermark {
 public:
  Watermark(std::uint64_t high, std::uint64_t low) : high_(high), low_(low) {}

  // True if this changed whether the level is too high.
  bool update(std::uint64_t level) {
    const bool before = is_high_;
    is_high_ = level >= (is_high_ ? low_ : high_);
    return is_high_ != before;
  }

  bool is_high() const { return is_high_; }
  std::uint64_t high() const { return high_; }

 private:
  std::uint64_t high_, low_;
  bool is_high_ = false;
};

}  // namespace drover::broker
