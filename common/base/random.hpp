// Randomness that can be repeated: a small generator that starts from a seed handed in.
//
// xoshiro256** 1.0 by David Blackman and Sebastiano Vigna (2018, public domain), its state filled
// by splitmix64. Good for jitter, ids and tests; not for secrets.
#pragma once

#include <array>
#include <cstdint>

namespace drover {

class Random {
 public:
  explicit Random(std::uint64_t seed);

  std::uint64_t next();

  // A number from 0 to `bound` - 1, each equally likely (Lemire's multiply and reject).
  // `bound` is at least 1.
  std::uint64_t below(std::uint64_t bound);

  // A number from `low` to `high`, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }

  // True once in `n` times on average.
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace drover
