#include "common/wire/reader.hpp"

#include <bit>

#include "common/base/utf8.hpp"

namespace drover::wire {
namespace {

constexpr std::string_view kShort = "the frame ends in the middle of a value";

}  // namespace

void Reader::fail(Errc code, std::string_view message) {
  if (failed()) return;
  code_ = code;
  message_ = message;
  left_ = {};
}

Reader::Type Reader::peek() const {
  if (left_.empty()) return Type::none;
  const auto b = static_cast<std::uint8_t>(left_.front());
  if (b <= 0x7f) return Type::uint;
  if (b <= 0x8f) return Type::map;
  if (b <= 0x9f) return Type::array;
  if (b <= 0xbf) return Type::str;
  if (b >= 0xe0) return Type::sint;
  switch (b) {
    case 0xc0: return Type::nil;
    case 0xc2:
    case 0xc3: return Type::boolean;
    case 0xc4:
    case 0xc5:
    case 0xc6: return Type::bin;
    case 0xca:
    case 0xcb: return Type::real;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: return Type::uint;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: return Type::sint;
    case 0xd9:
    case 0xda:
    case 0xdb: return Type::str;
    case 0xdc:
    case 0xdd: return Type::array;
    case 0xde:
    case 0xdf: return Type::map;
    case 0xc1: return Type::none;
    default: return Type::ext;
  }
}

std::uint8_t Reader::take_byte() {
  const auto one = take(1);
  return one.empty() ? 0 : static_cast<std::uint8_t>(one.front());
}

std::string_view Reader::take(std::uint64_t count) {
  if (count > left_.size()) {
    fail(Errc::malformed, kShort);
    return {};
  }
  const auto taken = left_.substr(0, count);
  left_.remove_prefix(count);
  return taken;
}

std::uint64_t Reader::take_big_endian(int bytes) {
  std::uint64_t value = 0;
  for (const char c : take(static_cast<std::uint64_t>(bytes))) {
    value = (value << 8) | static_cast<std::uint8_t>(c);
  }
  return value;
}

std::uint32_t Reader::checked_count(std::uint64_t count, std::uint32_t most,
                                    std::uint32_t per_element) {
  if (count * per_element > left_.size()) {
    fail(Errc::malformed, "a list claims more elements than the frame has bytes");
    return 0;
  }
  if (count > most) {
    fail(Errc::too_many_elements, "a list has more elements than it may");
    return 0;
  }
  return static_cast<std::uint32_t>(count);
}

std::uint32_t Reader::array(std::uint32_t most) {
  const std::uint8_t b = take_byte();
  if (b >= 0x90 && b <= 0x9f) return checked_count(b & 0x0f, most, 1);
  if (b == 0xdc) return checked_count(take_big_endian(2), most, 1);
  if (b == 0xdd) return checked_count(take_big_endian(4), most, 1);
  fail(Errc::malformed, "a list was expected");
  return 0;
}

std::uint32_t Reader::map(std::uint32_t most) {
  const std::uint8_t b = take_byte();
  if (b >= 0x80 && b <= 0x8f) return checked_count(b & 0x0f, most, 2);
  if (b == 0xde) return checked_count(take_big_endian(2), most, 2);
  if (b == 0xdf) return checked_count(take_big_endian(4), most, 2);
  fail(Errc::malformed, "a map was expected");
  return 0;
}

std::uint64_t Reader::uint() {
  const std::uint8_t b = take_byte();
  if (b <= 0x7f) return b;
  switch (b) {
    case 0xcc: return take_big_endian(1);
    case 0xcd: return take_big_endian(2);
    case 0xce: return take_big_endian(4);
    case 0xcf: return take_big_endian(8);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {  // signed forms of a number that is not negative
      const int bytes = 1 << (b - 0xd0);
      const std::uint64_t value = take_big_endian(bytes);
      if ((value >> (8 * bytes - 1)) == 0) return value;
      break;
    }
    default: break;
  }
  fail(Errc::malformed, "a number of zero or more was expected");
  return 0;
}

std::uint64_t Reader::uint(std::uint64_t most) {
  const std::uint64_t value = uint();
  if (value <= most) return value;
  fail(Errc::invalid_argument, "a number is greater than it may be");
  return 0;
}

std::int64_t Reader::sint() {
  if (left_.empty()) {
    fail(Errc::malformed, kShort);
    return 0;
  }
  const auto b = static_cast<std::uint8_t>(left_.front());
  if (b >= 0xe0) {
    take_byte();
    return static_cast<std::int8_t>(b);
  }
  if (b >= 0xd0 && b <= 0xd3) {
    take_byte();
    const int bytes = 1 << (b - 0xd0);
    const std::uint64_t value = take_big_endian(bytes);
    const int unused = 64 - 8 * bytes;
    return static_cast<std::int64_t>(value << unused) >> unused;
  }
  const std::uint64_t value = uint();
  if (value <= INT64_MAX) return static_cast<std::int64_t>(value);
  fail(Errc::malformed, "a number is too great");
  return 0;
}

bool Reader::boolean() {
  const std::uint8_t b = take_byte();
  if (b == 0xc2 || b == 0xc3) return b == 0xc3;
  fail(Errc::malformed, "true or false was expected");
  return false;
}

double Reader::real() {
  if (peek() != Type::real) return static_cast<double>(sint());
  if (take_byte() == 0xca) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(take_big_endian(4)));
  }
  return std::bit_cast<double>(take_big_endian(8));
}

std::string_view Reader::str() {
  const auto text = take_str();
  if (is_utf8(text)) return text;
  fail(Errc::malformed, "a text is not UTF-8");
  return {};
}

std::string_view Reader::take_str() {
  const std::uint8_t b = take_byte();
  if (b >= 0xa0 && b <= 0xbf) return take(b & 0x1f);
  if (b >= 0xd9 && b <= 0xdb) return take(take_big_endian(1 << (b - 0xd9)));
  fail(Errc::malformed, "a text was expected");
  return {};
}

std::string_view Reader::bin() {
  if (peek() == Type::str) return take_str();
  const std::uint8_t b = take_byte();
  if (b >= 0xc4 && b <= 0xc6) return take(take_big_endian(1 << (b - 0xc4)));
  fail(Errc::malformed, "bytes were expected");
  return {};
}

bool Reader::take_nil() {
  if (peek() != Type::nil) return false;
  take_byte();
  return true;
}

Instant Reader::instant() {
  if (take_nil()) return kNever;
  return instant_from_ms(sint());
}

std::string_view Reader::raw() {
  const std::string_view before = left_;
  skip_value(0);
  if (failed()) return {};
  return before.substr(0, before.size() - left_.size());
}

void Reader::skip_value(int depth) {
  if (depth > kDepthMax) return fail(Errc::too_deep, "values are nested deeper than 32");
  switch (peek()) {
    case Type::array: {
      const auto count = array();
      for (std::uint32_t i = 0; i < count && !failed(); ++i) skip_value(depth + 1);
      return;
    }
    case Type::map: {
      const auto count = map();
      for (std::uint32_t i = 0; i < 2 * count && !failed(); ++i) skip_value(depth + 1);
      return;
    }
    case Type::str:
    case Type::bin: bin(); return;
    case Type::uint: uint(); return;
    case Type::sint: sint(); return;
    case Type::real: real(); return;
    case Type::boolean: boolean(); return;
    case Type::nil: take_byte(); return;
    case Type::ext: return fail(Errc::malformed, "extension values are not part of the protocol");
    case Type::none:
      return fail(Errc::malformed, left_.empty() ? kShort : std::string_view("0xc1 is no value"));
  }
}

}  // namespace drover::wire
