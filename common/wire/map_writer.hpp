// Writes a msgpack map whose entries are not counted beforehand: those that are not said are left
// out. For answers and events; the hot messages are arrays.
//
//   MapWriter(out).str("id", id).instant("due_at", kNever).finish();   // {"id": ...}
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/wire/writer.hpp"

namespace drover::wire {

class MapWriter {
 public:
  // `out` gets the whole map when finish() is called.
  explicit MapWriter(std::string& out) : out_(out) {}

  // Texts, instants and durations that are empty, kNever and zero are left out.
  MapWriter& str(std::string_view key, std::string_view text) {
    return text.empty() ? *this : (entry(key).str(text), *this);
  }
  MapWriter& instant(std::string_view key, Instant at) {
    return at == kNever ? *this : (entry(key).instant(at), *this);
  }
  MapWriter& span(std::string_view key, Duration span) { return entry(key).span(span), *this; }
  MapWriter& uint(std::string_view key, std::uint64_t value) {
    return entry(key).uint(value), *this;
  }
  MapWriter& real(std::string_view key, double value) { return entry(key).real(value), *this; }
  MapWriter& boolean(std::string_view key, bool value) { return entry(key).boolean(value), *this; }
  MapWriter& bin(std::string_view key, std::string_view bytes) {
    return entry(key).bin(bytes), *this;
  }
  MapWriter& nil(std::string_view key) { return entry(key).nil(), *this; }
  // A value that is msgpack already.
  MapWriter& raw(std::string_view key, std::string_view value) {
    return value.empty() ? *this : (entry(key).raw(value), *this);
  }

  // The writer of a key's value: exactly one value must follow.
  Writer entry(std::string_view key) {
    ++count_;
    Writer(entries_).str(key);
    return Writer(entries_);
  }

  void finish() { Writer(out_).map(count_).raw(entries_); }

 private:
  std::string& out_;
  std::string entries_;
  std::size_t count_ = 0;
};

}  // namespace drover::wire
