// What happened in a run, as one number: two runs of a seed must give the same.
//
// Everything that passes between processes or reaches the disk goes in. With a sink it is written
// out as well, a line each.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/crc32c.hpp"
#include "tests/simulation/schedule.hpp"

namespace drover::sim {

class Trace {
 public:
  using Sink = std::function<void(const std::string& line)>;

  explicit Trace(const Schedule& schedule) : schedule_(schedule) {}

  void set_sink(Sink sink) { sink_ = std::move(sink); }
  bool is_told() const { return sink_ != nullptr; }

  // `what` is a few words; `bytes` what went by.
  void add(std::string_view what, std::uint64_t number, std::string_view bytes = {}) {
    mix(static_cast<std::uint64_t>(schedule_.now()));
    mix(number);
    mix((std::uint64_t{crc32c(what)} << 32) | crc32c(bytes));
  }

  // A line for a person; it is not hashed.
  void tell(const std::string& text) {
    if (!sink_) return;
    const auto now = schedule_.now();
    sink_(std::to_string(now / kSecond) + "." + std::to_string(kSecond + now % kSecond).substr(1) +
          " " + text);
  }

  std::uint64_t hash() const { return hash_; }

 private:
  void mix(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15U;
    hash_ ^= hash_ >> 29;
  }

  const Schedule& schedule_;
  Sink sink_;
  std::uint64_t hash_ = 0x6a09e667f3bcc908U;
};

}  // namespace drover::sim
