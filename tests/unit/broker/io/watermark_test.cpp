// A level that is too high from one mark on, until it is well below it again.

#include "broker/io/watermark.hpp"

#include <gtest/gtest.h>

namespace drover::broker {
namespace {

TEST(Watermark, ItIsHighFromTheMarkOnAndLowOnlyWellBelow) {
  Watermark mark(100, 90);
  EXPECT_FALSE(mark.update(99));
  EXPECT_TRUE(mark.update(100));
  EXPECT_TRUE(mark.is_high());
  EXPECT_FALSE(mark.update(95));
  EXPECT_FALSE(mark.update(90));
  EXPECT_TRUE(mark.is_high());
  EXPECT_TRUE(mark.update(89));
  EXPECT_FALSE(mark.is_high());
  EXPECT_FALSE(mark.update(95));
}

}  // namespace
}  // namespace drover::broker
