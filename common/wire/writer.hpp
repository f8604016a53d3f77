// Writes msgpack values one after the other to the end of a string that the caller owns.
//
// Arrays and maps are announced with their count; the caller then writes exactly that many values
// (a map: key, value, key, value ...). Integers take the shortest form, so equal values have equal
// bytes. The packing itself is msgpack-c's; this class keeps its header out of everyone's way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"

namespace drover::wire {

class Writer {
 public:
  // `out` must outlive the writer.
  explicit Writer(std::string& out) : out_(out) {}

  Writer& array(std::size_t count);
  Writer& map(std::size_t count);
  Writer& nil();
  Writer& boolean(bool value);
  Writer& uint(std::uint64_t value);
  Writer& sint(std::int64_t value);
  Writer& real(double value);
  Writer& str(std::string_view text);
  Writer& bin(std::string_view bytes);

  // A value that is msgpack already: one whole value, copied as it is.
  Writer& raw(std::string_view value);

  template <class Tag>
  Writer& id(const Uuid<Tag>& id) {
    return bin(id.view());
  }
  // Milliseconds since 1970; nil for kNever.
  Writer& instant(Instant at);
  Writer& span(Duration duration) { return sint(duration.count()); }
  // nil where there is nothing to say.
  Writer& span(const std::optional<Duration>& duration);
  Writer& str_or_nil(std::string_view text) { return text.empty() ? nil() : str(text); }

 private:
  std::string& out_;
};

}  // namespace drover::wire
