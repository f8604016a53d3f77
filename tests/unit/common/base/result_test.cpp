// Result: a value or the reason why there is none, and nothing in between.

#include "common/base/result.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace drover {
namespace {

using namespace std::chrono_literals;

Result<int> halve(int number) {
  if (number % 2 == 0) return number / 2;
  return Error{Errc::invalid_argument, "an even number was expected", "number"};
}

TEST(ResultTest, AValueComesOutAsItWentIn) {
  const auto half = halve(8);
  ASSERT_TRUE(half);
  EXPECT_TRUE(half.has_value());
  EXPECT_EQ(*half, 4);
  EXPECT_EQ(half.value(), 4);
}

TEST(ResultTest, AnErrorKeepsItsCodeItsSentenceAndTheField) {
  const auto half = halve(7);
  ASSERT_FALSE(half);
  EXPECT_FALSE(half.has_value());
  EXPECT_EQ(half.error().code, Errc::invalid_argument);
  EXPECT_EQ(half.error().message, "an even number was expected");
  EXPECT_EQ(half.error().field, "number");
  EXPECT_EQ(half.error().retry_after, 0ms);
}

TEST(ResultTest, AnErrorPassesThroughAResultOfAnotherType) {
  const auto text = []() -> Result<std::string> {
    auto half = halve(7);
    if (!half) return std::move(half).error();
    return std::to_string(*half);
  }();
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().field, "number");
}

TEST(ResultTest, AValueThatCanOnlyBeMovedIsMovedOut) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 5);
}

TEST(ResultTest, TheValueCanBeChangedInPlace) {
  Result<std::string> result = std::string("a");
  result->append("b");
  *result += "c";
  EXPECT_EQ(result.value(), "abc");
}

TEST(ResultTest, WithoutAValueThereIsStillSuccessAndFailure) {
  const Result<void> fine;
  EXPECT_TRUE(fine);
  const Result<void> refused = Error{Errc::queue_full, "the queue is full", {}, 2s};
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::queue_full);
  EXPECT_EQ(refused.error().retry_after, 2000ms);
}

TEST(ResultDeathTest, WhoeverTakesAValueThatIsNotThereIsStopped) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH((void)*halve(7), "assertion failed: has_value");
}

}  // namespace
}  // namespace drover
