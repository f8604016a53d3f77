// The words for states, outcomes and priorities: spelled once, read back as the same.

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "common/task/priority.hpp"
#include "common/task/task_state.hpp"

namespace drover {
namespace {

TEST(TaskStateTest, TheNumbersOnTheWireAndTheNamesAreThoseOfTheCatalogue) {
  const std::vector<std::string> names = {"blocked", "scheduled", "ready",
                                          "running", "retrying",  "completed",
                                          "dead",    "cancelled", "expired"};
  ASSERT_EQ(names.size(), kTaskStates);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto state = static_cast<TaskState>(i);
    EXPECT_EQ(name_of(state), names[i]);
    EXPECT_EQ(parse_task_state(names[i]), state);
  }
}

TEST(TaskStateTest, AStateHasOneSpelling) {
  for (const auto* text : {"", "Ready", "READY", " ready", "ready ", "pending", "failed", "none"}) {
    EXPECT_EQ(parse_task_state(text), std::nullopt) << text;
  }
}

TEST(TaskStateTest, CompletedDeadCancelledAndExpiredAreTheEnds) {
  std::set<std::string> ends;
  for (std::size_t i = 0; i < kTaskStates; ++i) {
    const auto state = static_cast<TaskState>(i);
    if (has_ended(state)) ends.insert(std::string(name_of(state)));
  }
  EXPECT_EQ(ends, (std::set<std::string>{"cancelled", "completed", "dead", "expired"}));
}

TEST(OutcomeTest, TheNumbersOnTheWireKeepTheirNames) {
  const std::vector<std::string> names = {"none",        "completed", "failed",  "timed_out",
                                          "worker_lost", "released",  "yielded", "parked",
                                          "not_started", "stopped"};
  ASSERT_EQ(names.size(), kOutcomes);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(name_of(static_cast<Outcome>(i)), names[i]);
  }
}

TEST(OutcomeTest, OnlyFailingAndRunningOutOfTimeAreCharged) {
  std::set<std::string> charged;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (is_charged(outcome)) charged.insert(std::string(name_of(outcome)));
  }
  EXPECT_EQ(charged, (std::set<std::string>{"failed", "timed_out"}));
}

TEST(PriorityTest, TheNamesStandInTheOrderOfTheirNumbers) {
  const std::vector<std::string> names = {"low", "normal", "high", "urgent", "critical"};
  ASSERT_EQ(names.size(), kPriorities);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto priority = static_cast<Priority>(i);
    EXPECT_EQ(name_of(priority), names[i]);
    EXPECT_EQ(parse_priority(names[i]), priority);
  }
  EXPECT_GT(Priority::critical, Priority::urgent);
}

TEST(PriorityTest, AnyLetterCaseIsReadAndMediumIsNormal) {
  EXPECT_EQ(parse_priority("HIGH"), Priority::high);
  EXPECT_EQ(parse_priority("Critical"), Priority::critical);
  EXPECT_EQ(parse_priority("medium"), Priority::normal);
  EXPECT_EQ(parse_priority("Medium"), Priority::normal);
}

TEST(PriorityTest, WhatIsNoPriorityIsRefused) {
  for (const auto* text : {"", "2", "hig", "highh", "high ", " high", "highest", "norma\x4c\x01",
                           "lo\xd7", "med\xc9um"}) {
    EXPECT_EQ(parse_priority(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace drover
