// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
// Texts on the wire are UTF-8, so that one caller's bytes cannot spoil what another reads.
#pragma once

#include <cstddef>
#include <string_view>

namespace drover {

// The bytes of the character that begins `text`; 0 if none begins there, or nothing is left.
std::size_t character_length(std::string_view text);

// True for bytes that are UTF-8 throughout.
bool is_utf8(std::string_view text);

}  // namespace drover
