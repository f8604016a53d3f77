#include "common/base/curve_key.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace drover {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

// Printed in zmq_curve(7) and copied into many programs: everybody has the secret halves. All four
// stand here, for either half may turn up in the wrong place.
constexpr std::array<std::string_view, 4> kPublished = {
    "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"};

using Bytes = std::array<std::uint8_t, 32>;

std::optional<Bytes> decode(std::string_view text) {
  if (text.size() != kCurveKeySize) return std::nullopt;
  Bytes bytes;
  for (std::size_t group = 0; group < bytes.size() / 4; ++group) {
    std::uint64_t value = 0;
    for (const char c : text.substr(5 * group, 5)) {
      const auto digit = kAlphabet.find(c);
      if (digit == std::string_view::npos) return std::nullopt;
      value = value * 85 + digit;
    }
    if (value > 0xffff'ffff) return std::nullopt;
    for (std::size_t i = 4; i-- > 0; value >>= 8) {
      bytes[4 * group + i] = static_cast<std::uint8_t>(value);
    }
  }
  return bytes;
}

// A number below 2^255 that is not below p = 2^255 - 19 is another spelling of a smaller one, and
// the highest bit counts for nothing. Nobody who makes keys makes such.
bool is_canonical(const Bytes& key) {
  const auto full = [](std::uint8_t byte) { return byte == 0xff; };
  if (key[31] > 0x7f) return false;
  const bool high = key[31] == 0x7f && std::all_of(key.begin() + 1, key.end() - 1, full);
  return !high || key[0] < 0xed;
}

// The points of curve25519 whose multiples are few: what is agreed upon with one of them is the
// same for everybody. Least significant byte first: 0, 1, two of order eight, and p - 1.
bool is_of_small_order(const Bytes& key) {
  static constexpr Bytes kZero{};
  static constexpr Bytes kOne{1};
  static constexpr Bytes kEight = {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
                                   0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
                                   0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00};
  static constexpr Bytes kOtherEight = {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24,
                                        0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
                                        0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86,
                                        0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57};
  Bytes minus_one;
  minus_one.fill(0xff);
  minus_one[0] = 0xec;
  minus_one[31] = 0x7f;
  return key == kZero || key == kOne || key == kEight || key == kOtherEight || key == minus_one;
}

Error bad(std::string why) { return {Errc::bad_configuration, std::move(why)}; }

}  // namespace

bool is_curve_key(std::string_view text) { return decode(text).has_value(); }

Result<void> check_public_key(std::string_view text) {
  const auto bytes = decode(text);
  if (!bytes) return bad("expected a key of 40 characters, as `drover keygen` prints it");
  if (std::find(kPublished.begin(), kPublished.end(), text) != kPublished.end()) {
    return bad("this key is printed in ZeroMQ's manual with its secret half: everybody has it");
  }
  if (!is_canonical(*bytes) || is_of_small_order(*bytes)) {
    return bad("this key proves nothing: it is not one that a key generator makes");
  }
  return {};
}

}  // namespace drover
