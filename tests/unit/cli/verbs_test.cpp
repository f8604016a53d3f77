// The verbs in conversation with a broker of a few lines: one task, lists, dead tasks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/command_line.hpp"
#include "common/base/ids.hpp"
#include "tests/unit/cli/run_drover.hpp"
#include "tests/unit/sdks/cpp/fake_broker.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class VerbsTest : public testing::Test {
 protected:
  Ran say(std::vector<std::string> words) {
    words.insert(words.begin(), {"--url", broker.url()});
    return drover(words);
  }

  FakeBroker broker;
};

TEST_F(VerbsTest, PingTellsWhoAnsweredAndHowFast) {
  const auto ping = say({"ping", "--json"});
  EXPECT_EQ(ping.code, kOk);
  const auto answer = json::parse(ping.out);
  EXPECT_EQ(answer["software"], "fake");
  EXPECT_GT(answer["round_trip_us"], 0);
  EXPECT_THAT(say({"ping"}).out, HasSubstr(" answered in "));
}

TEST_F(VerbsTest, SubmitPrintsTheId) {
  const auto submitted = say({"submit", "test.echo", "{\"x\":1}"});
  EXPECT_EQ(submitted.code, kOk);
  EXPECT_TRUE(parse_uuid(submitted.out.substr(0, 36)));
  EXPECT_EQ(submitted.out.size(), 37u);
  const auto outcome = json::parse(say({"submit", "test.echo", "--json"}).out);
  EXPECT_EQ(outcome["state"], "ready");
  EXPECT_EQ(outcome["duplicate"], false);
  EXPECT_EQ(outcome["warnings"], json::array());
}

TEST_F(VerbsTest, SubmitAndWaitPrintsTheResult) {
  broker.end_tasks();
  const auto ended = say({"submit", "test.echo", "--wait"});
  EXPECT_EQ(ended.code, kOk);
  EXPECT_EQ(json::parse(ended.out), (json{{"x", 1}}));
  EXPECT_EQ(json::parse(say({"submit", "test.echo", "--wait", "--json"}).out)["state"],
            "completed");
}

TEST_F(VerbsTest, AWaitThatIsOverLeavesWithSix) {
  const auto waited = say({"submit", "test.echo", "--wait", "--wait-timeout", "0s"});
  EXPECT_EQ(waited.code, kWaitTimedOut);
  EXPECT_THAT(waited.err, HasSubstr("submitted "));
}

TEST_F(VerbsTest, ARefusalIsAFailure) {
  const auto refused = say({"submit", "test.echo", "--queue", "full", "--json"});
  EXPECT_EQ(refused.code, kFailed);
  EXPECT_EQ(json::parse(refused.err)["error"]["code"], "QUEUE_FULL");
}

TEST_F(VerbsTest, WhatTheCallerGotWrongLeavesWithTwo) {
  EXPECT_EQ(say({"submit", "bad name"}).code, kUsage);
  EXPECT_EQ(say({"submit", "test.echo", "--queue", "bad name"}).code, kUsage);
  EXPECT_EQ(say({"submit", "test.echo", "\"" + std::string(2000, 'x') + "\""}).code, kUsage);
}

TEST_F(VerbsTest, WhatIsNotThereLeavesWithFour) {
  const auto id = "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c04";
  EXPECT_EQ(say({"task", "show", id}).code, kNotFound);
}

// --- a submission that is not answered

TEST_F(VerbsTest, AnUnansweredSubmissionNamesTheIdToRepeatItWith) {
  setenv("DROVER_CLIENT__TIMEOUT", "200ms", 1);
  broker.ignore(1'000'000);
  const auto lost = say({"submit", "test.echo", "--json"});
  const auto told = say({"submit", "test.echo"});
  unsetenv("DROVER_CLIENT__TIMEOUT");
  broker.ignore(0);
  EXPECT_EQ(lost.code, kUnreachable);
  const auto error = json::parse(lost.err);
  EXPECT_EQ(error["error"]["code"], "BROKER_UNAVAILABLE");
  const std::string id = error["id"];
  EXPECT_THAT(told.err, HasSubstr("Repeating this with --id "));

  EXPECT_EQ(json::parse(say({"submit", "test.echo", "--id", id, "--json"}).out)["id"], id);
  const auto again = json::parse(say({"submit", "test.echo", "--id", id, "--json"}).out);
  EXPECT_EQ(again["duplicate"], true);
  EXPECT_EQ(broker.tasks(), 1u);
}

// --- waiting

TEST_F(VerbsTest, WhatIsWaitedForIsSaidOnceUnlessNobodyWantsWords) {
  broker.end_tasks();
  const auto waited = say({"submit", "test.echo", "--wait"});
  EXPECT_THAT(waited.err, HasSubstr("(ready), waiting for its end"));
  EXPECT_THAT(waited.err, HasSubstr("--wait-timeout"));
  EXPECT_THAT(say({"submit", "test.echo", "--wait", "--wait-timeout", "9s"}).err,
              HasSubstr("for at most 9s"));
  EXPECT_EQ(say({"submit", "test.echo", "--wait", "-q"}).err, "");
  EXPECT_EQ(say({"submit", "test.echo", "--wait", "--json"}).err, "");
}

TEST_F(VerbsTest, AWaitThatIsOverNamesItsTask) {
  const auto waited = say({"submit", "test.echo", "--wait", "--wait-timeout", "0s", "--json"});
  EXPECT_EQ(waited.code, kWaitTimedOut);
  const auto error = json::parse(waited.err);
  EXPECT_EQ(error["error"]["code"], "WAIT_TIMED_OUT");
  EXPECT_TRUE(parse_uuid(std::string(error["id"])));
}

TEST_F(VerbsTest, ListsOfNothingSaySo) {
  EXPECT_THAT(say({"queue", "list"}).err, HasSubstr("no queues"));
  EXPECT_THAT(say({"workers", "list"}).err, HasSubstr("No worker"));
  EXPECT_THAT(say({"tasks", "list"}).err, HasSubstr("No task"));
  EXPECT_THAT(say({"dlq", "list"}).err, HasSubstr("No task is dead"));
  EXPECT_EQ(say({"dlq", "list", "--json"}).out, "[]\n");
  EXPECT_EQ(json::parse(say({"task", "list", "--json"}).out),
            (json{{"tasks", json::array()}, {"next_cursor", nullptr}}));
}

TEST_F(VerbsTest, StatsAreFiguresWithTheirUnits) {
  EXPECT_THAT(say({"stats"}).out, HasSubstr("oldest seq"));
  EXPECT_EQ(json::parse(say({"stats", "--json"}).out)["seq"], 0);
}

// --- long lists

TEST_F(VerbsTest, AListThatGoesOnSaysWhereAndGoesOnThere) {
  for (int i = 0; i < 3; ++i) say({"submit", "test.echo"});
  const auto first = json::parse(say({"task", "list", "--limit", "2", "--json"}).out);
  EXPECT_EQ(first["tasks"].size(), 2u);
  const auto cursor = first["next_cursor"].dump();
  EXPECT_THAT(say({"task", "list", "--limit", "2"}).err, HasSubstr("--cursor " + cursor));

  const auto rest = json::parse(say({"task", "list", "--cursor", cursor, "--json"}).out);
  EXPECT_EQ(rest["tasks"].size(), 1u);
  EXPECT_TRUE(rest["next_cursor"].is_null());
  EXPECT_NE(rest["tasks"][0]["id"], first["tasks"][1]["id"]);
  EXPECT_EQ(say({"task", "list", "--cursor", cursor}).err, "");
}

TEST_F(VerbsTest, AllDeadTasksAreRetriedHoweverMany) {
  broker.set_dead(100'001);
  const auto retried = say({"dlq", "retry", "--all", "--json"});
  EXPECT_EQ(retried.code, kOk) << retried.err;
  EXPECT_EQ(json::parse(retried.out), (json{{"retried", 100'001}, {"refused", 0}}));
  EXPECT_EQ(broker.dead(), 0u);
}

TEST_F(VerbsTest, AListOfDeadTasksThatChangesIsReadAgain) {
  broker.set_dead(2500);
  broker.change_dead_list_once();
  EXPECT_EQ(json::parse(say({"dlq", "list", "--limit", "2500", "--json"}).out).size(), 2500u);
  EXPECT_THAT(say({"dlq", "list", "--limit", "5"}).err, HasSubstr("There may be more"));
}

TEST_F(VerbsTest, ARetryThatStopsSaysWhatIsLeft) {
  broker.set_dead(5);
  broker.end_tasks();                                                    // waits are answered
  const auto stopped = say({"dlq", "retry", "--all", "--canary", "2"});  // it does not know them
  EXPECT_EQ(stopped.code, kNotFound);
  EXPECT_THAT(stopped.err, HasSubstr("2 of 5 dead tasks were retried, 3 left"));
  EXPECT_EQ(broker.dead(), 3u);
}

}  // namespace
}  // namespace drover::cli
