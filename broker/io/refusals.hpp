// How often the broker said no, by code; and what it threw away without a word. For stats; one
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/base/errc.hpp"
#include "common/wire/map_writer.hpp"

namespace drover::broker {

class Refusals {
 public:
  // A request, a task or a report was answered with this code. A wait that is over was not refused.
  void told(Errc code) {
    if (code != Errc::ok && code != Errc::wait_timed_out) ++by_code_[code];
  }
  // Frames were thrown away and nobody was told.
  void dropped(Errc code, std::uint64_t count = 1) {
    if (count == 0) return;
    by_code_[code] += count;
    dropped_ += count;
  }

  std::uint64_t of(Errc code) const {
    const auto found = by_code_.find(code);
    return found == by_code_.end() ? 0 : found->second;
  }
  std::uint64_t dropped() const { return dropped_; }

  // {"MALFORMED": 3, ...}: the codes that came up, told and dropped together.
  std::string to_map() const {
    std::string out;
    wire::MapWriter m(out);
    for (const auto& [code, count] : by_code_) m.uint(name_of(code), count);
    m.finish();
    return out;
  }

 private:
  std::map<Errc, std::uint64_t> by_code_;
  std::uint64_t dropped_ = 0;
};

}  // namespace drover::broker
