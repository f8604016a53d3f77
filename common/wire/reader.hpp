// Reads msgpack values in place, one after the other, from bytes that nobody vouches for.
//
// Nothing is allocated and nothing is trusted: a count or length is held against the bytes that
// are left before anything is done with it, nesting stops at kDepthMax. Texts and blobs are views
// into the frame.
//
// The first fault sticks: from then on every read gives zero, empty or nil and moves nothing. A
// caller reads a whole message and asks `failed()` once, at its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace drover::wire {

inline constexpr int kDepthMax = 32;

class Reader {
 public:
  // `bytes` must outlive the reader and all views read from it.
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  // The count of the array or map that begins here. Each element takes a byte at least, so a count
  // above the bytes left is malformed; a count above `most` is too many elements.
  std::uint32_t array(std::uint32_t most = UINT32_MAX);
  std::uint32_t map(std::uint32_t most = UINT32_MAX);

  std::uint64_t uint();
  std::uint64_t uint(std::uint64_t most);  // a greater one is an invalid argument
  std::int64_t sint();                     // integers of either sign, not above INT64_MAX
  bool boolean();
  double real();           // also an integer: some encoders write 1.0 as 1
  std::string_view str();  // text; a blob is refused, and so is what is not UTF-8
  std::string_view bin();  // a blob; text is taken too
  bool take_nil();         // true if a nil stood here, and moves past it

  template <class Tag>
  Uuid<Tag> id() {
    const auto bytes = bin();
    if (bytes.size() == 16) return Uuid<Tag>::from_bytes(bytes);
    if (!failed()) fail(Errc::malformed, "an id must have 16 bytes");
    return {};
  }
  Instant instant();  // nil is kNever
  Duration span() { return Duration(sint()); }
  std::optional<Duration> span_or_nil() {
    return take_nil() ? std::nullopt : std::optional(span());
  }
  std::string_view str_or_nil() { return take_nil() ? std::string_view() : str(); }

  // One whole value with all that is in it, as bytes. Its texts are not looked into.
  std::string_view raw();
  void skip() { raw(); }

  bool at_end() const { return left_.empty(); }
  std::string_view rest() const { return left_; }

  // What kind of value stands here.
  enum class Type : std::uint8_t {
    nil,
    boolean,
    uint,
    sint,
    real,
    str,
    bin,
    array,
    map,
    ext,
    none
  };
  Type peek() const;

  // Makes the reader fail as if the bytes were at fault: for rules above the encoding.
  void fail(Errc code, std::string_view message);

  bool failed() const { return code_ != Errc::ok; }
  Error error() const { return {code_, std::string(message_)}; }

 private:
  std::uint8_t take_byte();
  std::uint64_t take_big_endian(int bytes);
  std::string_view take(std::uint64_t count);
  std::string_view take_str();
  std::uint32_t checked_count(std::uint64_t count, std::uint32_t most, std::uint32_t per_element);
  void skip_value(int depth);

  std::string_view left_;
  Errc code_ = Errc::ok;
  std::string_view message_;  // always a literal
};

// Reads `count` = r.array() elements, but at most those of an array that a later release may have
// made longer: skips what is left of it.
inline void skip_rest(Reader& reader, std::uint32_t count, std::uint32_t known) {
  for (std::uint32_t i = known; i < count && !reader.failed(); ++i) reader.skip();
}

}  // namespace drover::wire
