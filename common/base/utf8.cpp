#include "common/base/utf8.hpp"

#include <algorithm>

#include <cstdint>
#include <cstring>

namespace drover {
namespace {

// What may follow a lead byte.
struct Lead {
  std::size_t length;  // of the whole character; 0 = no lead byte
  unsigned low, high;  // of the second byte
};

Lead lead_of(unsigned byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte >= 0xc2 && byte <= 0xdf) return {2, 0x80, 0xbf};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return {3, 0x80, 0xbf};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte >= 0xf1 && byte <= 0xf3) return {4, 0x80, 0xbf};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

// True if the first eight bytes are ASCII: most texts are, from end to end.
bool begins_plain(std::string_view text) {
  if (text.size() < 8) return false;
  std::uint64_t eight;
  std::memcpy(&eight, text.data(), 8);
  return (eight & 0x8080808080808080) == 0;
}

}  // namespace

std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  const Lead lead = lead_of(byte(0));
  if (lead.length <= 1) return lead.length;
  if (text.size() < lead.length || byte(1) < lead.low || byte(1) > lead.high) return 0;
  for (std::size_t i = 2; i < lead.length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return lead.length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = begins_plain(text) ? 8 : character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string clean_text(std::string_view bytes, std::size_t max) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string clean;
  while (!bytes.empty()) {
    const std::size_t length = character_length(bytes);
    const auto piece = length == 0 ? kReplacement : bytes.substr(0, length);
    if (clean.size() + piece.size() > max) break;
    clean += piece;
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

}  // namespace drover
