#include "common/base/ids.hpp"

namespace drover {
namespace {

void put_big_endian(std::uint8_t* at, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * (count - 1 - i)));
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_dash_before(int byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

}  // namespace

std::uint16_t tenant_hash(std::string_view tenant) {
  std::uint32_t hash = 2166136261U;
  for (const char c : tenant) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return static_cast<std::uint16_t>((hash ^ (hash >> 16)) & 0x3ff);
}

std::uint16_t tenant_hash_of(const TaskId& id) {
  return static_cast<std::uint16_t>(((id.bytes[14] & 0x03) << 8) | id.bytes[15]);
}

TaskId make_task_id(Instant now, std::string_view tenant, Random& random) {
  TaskId id;
  put_big_endian(id.bytes.data(), static_cast<std::uint64_t>(to_ms(now)), 6);
  put_big_endian(id.bytes.data() + 6, random.next(), 2);
  put_big_endian(id.bytes.data() + 8, random.next(), 8);
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x70);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  const std::uint16_t hash = tenant_hash(tenant);
  id.bytes[14] = static_cast<std::uint8_t>((id.bytes[14] & 0xfc) | (hash >> 8));
  id.bytes[15] = static_cast<std::uint8_t>(hash & 0xff);
  return id;
}

Instant time_of(const TaskId& id) {
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = (ms << 8) | id.bytes[static_cast<std::size_t>(i)];
  return instant_from_ms(ms);
}

bool is_uuid_v7(const std::array<std::uint8_t, 16>& bytes) {
  return (bytes[6] & 0xf0) == 0x70 && (bytes[8] & 0xc0) == 0x80;
}

std::array<std::uint8_t, 16> make_uuid_v4(Random& random) {
  std::array<std::uint8_t, 16> bytes{};
  put_big_endian(bytes.data(), random.next(), 8);
  put_big_endian(bytes.data() + 8, random.next(), 8);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  return bytes;
}

std::string to_string(const std::array<std::uint8_t, 16>& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (int i = 0; i < 16; ++i) {
    if (has_dash_before(i)) text += '-';
    const std::uint8_t byte = bytes[static_cast<std::size_t>(i)];
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0x0f];
  }
  return text;
}

std::optional<std::array<std::uint8_t, 16>> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::size_t at = 0;
  for (int i = 0; i < 16; ++i) {
    if (has_dash_before(i) && text[at++] != '-') return std::nullopt;
    const int high = hex_value(text[at++]);
    const int low = hex_value(text[at++]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>((high << 4) | low);
  }
  return bytes;
}

}  // namespace drover
