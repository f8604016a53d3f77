// A task's timeline and a line for an event, as people see them.

#include "cli/timeline.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/event_line.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

const Stream kPlain{};

class TimelineTest : public testing::Test {
 protected:
  TimelineTest() {
    setenv("TZ", "UTC", 1);
    tzset();
  }

  static std::string text(const char* task) {
    return task_text(json::parse(task), *parse_rfc3339("2026-11-20T12:00:10.000Z"), kPlain);
  }
};

TEST_F(TimelineTest, ATaskThatNeededTwoAttempts) {
  EXPECT_EQ(text(R"({
    "id":"0190","type":"code.review","queue":"reviews","tenant":"default","priority":"high",
    "state":"completed","failures":1,"max_attempts":5,"attempt":2,
    "created_at":"2026-11-20T11:59:59.000Z","finished_at":"2026-11-20T12:00:03.500Z",
    "attempts":[
      {"attempt":1,"worker_id":"3fa8c0d2-0000","started_at":"2026-11-20T12:00:00.200Z",
       "finished_at":"2026-11-20T12:00:00.550Z","outcome":"failed",
       "error":{"code":"X","message":"no such file","retryable":true}},
      {"attempt":2,"worker_id":"91bb1234-0000","started_at":"2026-11-20T12:00:02.000Z",
       "finished_at":"2026-11-20T12:00:03.500Z","outcome":"completed"}],
    "result":{"y":42}})"),
            R"(0190  code.review  completed
queue reviews  priority high  failures 1 of 5

  2026-11-20 11:59:59.000  submitted
                           waited 1.2 s
             12:00:00.200  attempt 1 on 3fa8c0d2
                           ran 350 ms
             12:00:00.550  failed: X: no such file
                           waited 1.4 s for its retry
             12:00:02.000  attempt 2 on 91bb1234
                           ran 1.5 s
             12:00:03.500  completed

result
{
  "y": 42
}
)");
}

TEST_F(TimelineTest, ATaskThatRunsSaysHowLongAndHowFar) {
  const auto shown = text(R"({"id":"1","type":"t","queue":"q","tenant":"acme","state":"running",
    "created_at":"2026-11-20T12:00:00.000Z","attempts":[
      {"attempt":1,"worker_id":"w","started_at":"2026-11-20T12:00:01.000Z"}],
    "progress":{"percent":42,"message":"half"}})");
  EXPECT_NE(shown.find("attempt 1 on w"), std::string::npos);
  EXPECT_NE(shown.find("runs since 9.0 s, 42 %, half"), std::string::npos);
  EXPECT_NE(shown.find("tenant acme"), std::string::npos);
}

TEST_F(TimelineTest, ATaskThatWaitsSaysForWhat) {
  const auto ready = text(R"({"id":"1","type":"t","queue":"q","state":"ready",
    "waiting_for":"capability","created_at":"2026-11-20T12:00:00.000Z","attempts":[]})");
  EXPECT_NE(ready.find("ready, waits since 10 s for capability"), std::string::npos);
  const auto scheduled = text(R"({"id":"1","type":"t","queue":"q","state":"scheduled",
    "created_at":"2026-11-20T12:00:00.000Z","due_at":"2026-11-20T12:01:10.000Z"})");
  EXPECT_NE(scheduled.find("scheduled, due in 1 m 00 s"), std::string::npos);
}

TEST_F(TimelineTest, ADeadTaskSaysWhy) {
  const auto dead = text(R"({"id":"1","type":"t","queue":"q","state":"dead","reason":"poison",
    "created_at":"2026-11-19T12:00:00.000Z","finished_at":"2026-11-20T12:00:09.000Z","attempts":[
      {"attempt":1,"worker_id":"w","started_at":"2026-11-20T12:00:01.000Z",
       "finished_at":"2026-11-20T12:00:09.000Z","outcome":"worker_lost"}]})");
  EXPECT_NE(dead.find("12:00:09.000  its worker was lost\n"), std::string::npos);
  EXPECT_NE(dead.find("12:00:09.000  dead: poison\n"), std::string::npos);
  EXPECT_NE(dead.find("2026-11-19 12:00:00.000"), std::string::npos);  // each day is named
  EXPECT_NE(dead.find("2026-11-20 12:00:01.000"), std::string::npos);
}

TEST_F(TimelineTest, WhatIsMissingOrOddBreaksNothing) {
  EXPECT_FALSE(text("{}").empty());
  EXPECT_FALSE(text(R"({"id":5,"attempts":{"a":1},"created_at":"yesterday"})").empty());
  EXPECT_FALSE(text(R"({"attempts":[5,{"started_at":7},{}],"progress":3})").empty());
}

TEST_F(TimelineTest, TimesAreFromTheFirstAttemptAndOfTheLast) {
  const auto times = times_of(json::parse(R"({"created_at":"2026-11-20T12:00:00.000Z","attempts":[
      {"started_at":"2026-11-20T12:00:01.000Z","finished_at":"2026-11-20T12:00:02.000Z"},
      {"started_at":"2026-11-20T12:00:05.000Z","finished_at":"2026-11-20T12:00:07.500Z"}]})"));
  EXPECT_EQ(times.waited, 1s);
  EXPECT_EQ(times.ran, 2500ms);
  EXPECT_FALSE(times_of(json::object()).waited);
}

TEST_F(TimelineTest, AnEventIsALine) {
  EXPECT_EQ(
      event_line(json::parse(R"({"ts":"2026-11-20T12:00:00.123Z","type":"task.retrying",
      "subject":"0190","tenant":"default","data":{"type":"code.review","queue":"reviews","attempt":1,
      "code":"X","message":"no\nsuch","delay_ms":2100}})"),
                 kPlain),
      "12:00:00.123  task.retrying    code.review  reviews  0190 attempt 1 X: no such in 2.1 s");
  EXPECT_EQ(event_line(json::parse(R"({"ts":"2026-11-20T12:00:00.123Z","type":"worker.left",
      "subject":"w1","data":{"host":"h","pid":7}})"),
                       kPlain),
            "12:00:00.123  worker.left      w1  h pid 7");
  EXPECT_FALSE(event_line(json::array(), kPlain).empty());
}

TEST(EventFilter, APatternFitsWholeNamesAndWhatGoesOnWithADot) {
  EXPECT_TRUE(fits("task", "task.dead"));
  EXPECT_TRUE(fits("task.dead", "task.dead"));
  EXPECT_FALSE(fits("task.de", "task.dead"));
  EXPECT_FALSE(fits("tas", "task.dead"));
  EXPECT_TRUE(fits("*.dead", "task.dead"));
  EXPECT_TRUE(fits("task.*", "task.dead"));
  EXPECT_TRUE(fits("t*k*d", "task.dead"));
  EXPECT_FALSE(fits("*.alive", "task.dead"));
  EXPECT_TRUE(fits("*", ""));
}

TEST(EventFilter, AllThatIsSaidMustFit) {
  const auto event =
      json::parse(R"({"type":"task.dead","data":{"queue":"q","type":"code.review"}})");
  EXPECT_TRUE(wants({}, event));
  EXPECT_TRUE(wants({"task.dead", "q", "code.*"}, event));
  EXPECT_FALSE(wants({"", "other", ""}, event));
  EXPECT_FALSE(wants({"", "", "mail"}, event));
  EXPECT_FALSE(wants({"worker", "", ""}, event));
  EXPECT_FALSE(wants({"", "q", ""}, json::object()));
}

}  // namespace
}  // namespace drover::cli
