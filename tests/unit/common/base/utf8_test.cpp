// UTF-8: what is a character, and what only looks like one.

#include "common/base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace drover {
namespace {

// RFC 3629's definition: the shortest form of a code point that is no surrogate.
std::string encoded(char32_t c) {
  std::string text;
  const auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) {
    add(c);
  } else if (c < 0x800) {
    add(0xc0 | c >> 6), add(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    add(0xe0 | c >> 12), add(0x80 | (c >> 6 & 0x3f)), add(0x80 | (c & 0x3f));
  } else {
    add(0xf0 | c >> 18), add(0x80 | (c >> 12 & 0x3f));
    add(0x80 | (c >> 6 & 0x3f)), add(0x80 | (c & 0x3f));
  }
  return text;
}

TEST(Utf8Test, EveryCodePointIsACharacterAndSurrogatesAreNone) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    const auto text = encoded(c);
    const bool is_surrogate = c >= 0xd800 && c <= 0xdfff;
    ASSERT_EQ(character_length(text), is_surrogate ? 0 : text.size()) << std::hex << +c;
  }
  EXPECT_FALSE(is_utf8(encoded(0x110000)));
}

TEST(Utf8Test, OverlongAndTornCharactersAreRefused) {
  for (const auto* text :
       {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf", "\xf5\x80\x80\x80", "\xff", "\x80", "\xbf", "\xc3", "\xe2\x82",
        "\xf0\x9f\x90", "\xc3(", "\xe2\x82(", "\xf0\x9f\x90("}) {
    EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(std::string(text));
    EXPECT_EQ(character_length(text), 0u);
    EXPECT_FALSE(is_utf8(std::string("plain ascii ") + text)) << "after plain text too";
    EXPECT_FALSE(is_utf8(std::string(text) + "plain ascii"));
  }
}

TEST(Utf8Test, TextOfAllLengthsIsText) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_EQ(character_length(""), 0u);
  EXPECT_TRUE(is_utf8(std::string(1000, '\0'))) << "a zero byte is a character";
  const std::string mixed = "Grüße, 世界, 🐑 and plain ascii to the end";
  EXPECT_TRUE(is_utf8(mixed));
  std::size_t characters = 0;
  for (std::string_view left = mixed; !left.empty(); ++characters) {
    ASSERT_GT(character_length(left), 0u);
    left.remove_prefix(character_length(left));
  }
  EXPECT_EQ(characters, 39u);
}

TEST(CleanTextTest, TextStaysAndEachByteThatIsNoneBecomesTheReplacement) {
  EXPECT_EQ(clean_text("Grüße 🐑", 100), "Grüße 🐑");
  EXPECT_EQ(clean_text("", 100), "");
  EXPECT_EQ(clean_text("a\xff\xfez", 100), "a\uFFFD\uFFFDz");
  EXPECT_EQ(clean_text("torn \xf0\x9f", 100), "torn \uFFFD\uFFFD");
}

TEST(CleanTextTest, IsCutWhereACharacterEnds) {
  EXPECT_EQ(clean_text("abc", 2), "ab");
  EXPECT_EQ(clean_text("a🐑", 4), "a");
  EXPECT_EQ(clean_text("a\xff", 3), "a") << "the replacement has three bytes";
  for (std::size_t max = 0; max < 12; ++max) {
    const auto clean = clean_text("🐑\xff🐑\x80", max);
    EXPECT_LE(clean.size(), max);
    EXPECT_TRUE(is_utf8(clean));
  }
}

}  // namespace
}  // namespace drover
