// The text of a CURVE key: 32 bytes as 40 characters of Z85 (ZeroMQ RFC 32).
//
// A public key may be told to anyone and is what a peer is known by; the secret key to it never
// leaves the file that it was written to.
#pragma once

#include <string_view>

#include "common/base/result.hpp"

namespace drover {

inline constexpr std::size_t kCurveKeySize = 40;

// True for 40 characters of Z85 that stand for 32 bytes.
bool is_curve_key(std::string_view text);

// Whether the text is a public key that proves who its owner is. Refused: what is no key; a key
// that ZeroMQ's manual prints together with its secret half; a key of small order, to which nobody
// needs a secret half; a second spelling of a key. Error: BAD_CONFIGURATION; the message says what
// is wrong and does not hold the text, which may be a secret key in the wrong place.
Result<void> check_public_key(std::string_view text);

}  // namespace drover
