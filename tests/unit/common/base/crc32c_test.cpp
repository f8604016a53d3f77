// CRC-32C: the numbers that every journal and tool outside agrees on.

#include "common/base/crc32c.hpp"

#include <gtest/gtest.h>

#include <string>

#include "common/base/random.hpp"

namespace drover {
namespace {

std::string counting_up() {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes += static_cast<char>(i);
  return bytes;
}

// The polynomial, one bit after the other.
std::uint32_t by_definition(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
  }
  return ~crc;
}

TEST(Crc32cTest, AgreesWithThePublishedValues) {
  for (const auto& crc : {crc32c, crc32c_by_table}) {
    EXPECT_EQ(crc("", 0), 0u);
    EXPECT_EQ(crc("a", 0), 0xc1d04330);
    EXPECT_EQ(crc("123456789", 0), 0xe3069283);
    // RFC 3720, B.4
    EXPECT_EQ(crc(std::string(32, '\0'), 0), 0x8a9136aa);
    EXPECT_EQ(crc(std::string(32, '\xff'), 0), 0x62a8ab43);
    EXPECT_EQ(crc(counting_up(), 0), 0x46dd794e);
    const std::string up = counting_up();
    EXPECT_EQ(crc(std::string(up.rbegin(), up.rend()), 0), 0x113fdb5c);
    const std::string read_10_command(
        "\x01\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00\x00\x00"
        "\x04\x00\x00\x00\x00\x14\x00\x00\x00\x18\x28\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00"
        "\x00\x00\x00\x00",
        48);
    EXPECT_EQ(crc(read_10_command, 0), 0xd9963a56);
  }
}

TEST(Crc32cTest, TheInstructionAndTheTableAgreeAtEveryLengthAndAlignment) {
  Random random(1);
  std::string bytes(200, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  for (std::size_t from = 0; from < 16; ++from) {
    for (std::size_t length = 0; from + length <= bytes.size(); ++length) {
      const auto piece = std::string_view(bytes).substr(from, length);
      const auto expected = by_definition(piece);
      ASSERT_EQ(crc32c(piece), expected) << from << " " << length;
      ASSERT_EQ(crc32c_by_table(piece), expected) << from << " " << length;
    }
  }
}

TEST(Crc32cTest, GoesOnWhereItStopped) {
  const std::string_view text = "the quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    ASSERT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text)) << cut;
  }
}

TEST(Crc32cTest, OneFlippedBitChangesIt) {
  std::string bytes = counting_up();
  const auto sound = crc32c(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(crc32c(bytes), sound) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
}

}  // namespace
}  // namespace drover
