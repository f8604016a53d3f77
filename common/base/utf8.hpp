// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
// Texts on the wire are UTF-8, so that one caller's bytes cannot spoil what another reads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drover {

// The bytes of the character that begins `text`; 0 if none begins there, or nothing is left.
std::size_t character_length(std::string_view text);

// True for bytes that are UTF-8 throughout.
bool is_utf8(std::string_view text);

// At most `max` bytes of `bytes` as UTF-8, no character split; a byte that is none becomes U+FFFD.
std::string clean_text(std::string_view bytes, std::size_t max);

}  // namespace drover
