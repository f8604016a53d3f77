// One msgpack value as text that a test can be read by: {"queue": "emails", "percent": 50}.
// Keys stand in the order of the bytes; blobs are b"..." with what is not printable as \x00.
#pragma once

#include <string>
#include <string_view>

namespace drover::testing {

// The text of `bytes`, or "malformed: ..." if they are not exactly one value.
std::string spell_msgpack(std::string_view bytes);

}  // namespace drover::testing
