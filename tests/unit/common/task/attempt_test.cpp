// Texts that are too long are cut where a character ends.

#include "common/task/attempt.hpp"

#include <gtest/gtest.h>

#include <string>

#include "common/base/utf8.hpp"

namespace drover {
namespace {

TEST(CutTextTest, WhatFitsStaysWhole) {
  EXPECT_EQ(cut_text("", 0), "");
  EXPECT_EQ(cut_text("abc", 3), "abc");
  EXPECT_EQ(cut_text("grün", 5), "grün") << "5 bytes";
}

TEST(CutTextTest, TheRestIsCutOff) {
  EXPECT_EQ(cut_text("abcdef", 3), "abc");
  EXPECT_EQ(cut_text("abcdef", 0), "");
}

TEST(CutTextTest, NoCharacterIsSplit) {
  const std::string text = "a\u00fc\u4e16\U0001f411z";  // of 1, 2, 3, 4 and 1 bytes
  const std::string_view whole[] = {"", "a", "a", "a\u00fc", "a\u00fc", "a\u00fc", "a\u00fc\u4e16"};
  for (std::size_t max = 0; max < std::size(whole); ++max) {
    EXPECT_EQ(cut_text(text, max), whole[max]) << max;
  }
  for (std::size_t max = 0; max <= text.size(); ++max) {
    const auto cut = cut_text(text, max);
    EXPECT_LE(cut.size(), max);
    EXPECT_TRUE(is_utf8(cut)) << max;
    EXPECT_GT(cut.size() + 4, max) << "no more than one character is lost";
  }
}

TEST(CutTextTest, BytesThatAreNoUtf8AreCutWithoutReadingBeyondThem) {
  const std::string bytes(10, '\x80');
  for (std::size_t max = 0; max <= 12; ++max) EXPECT_LE(cut_text(bytes, max).size(), max);
  EXPECT_EQ(cut_text(bytes, 10), bytes);
}

}  // namespace
}  // namespace drover
