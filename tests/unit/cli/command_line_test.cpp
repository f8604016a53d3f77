// Whole command lines: what is understood, what is refused, and with which exit code.

#include "cli/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/app.hpp"
#include "cli/context.hpp"
#include "tests/unit/sdks/cpp/fake_broker.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

struct Ran {
  int code;
  std::string out, err;
};

Ran drover(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run(words);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

// --- words

TEST(CommandLineTest, HelpIsGivenForEveryVerb) {
  const auto help = drover({"--help"});
  EXPECT_EQ(help.code, kOk);
  for (const auto* verb : {"up", "ping", "submit", "work", "task", "queue", "dlq", "worker",
                           "watch", "stats", "config", "version"}) {
    EXPECT_THAT(help.out, HasSubstr(std::string("\n  ") + verb));
    EXPECT_EQ(drover({verb, "--help"}).code, kOk) << verb;
  }
  EXPECT_THAT(drover({"task", "show", "--help"}).out, HasSubstr("drover task show"));
}

TEST(CommandLineTest, NothingSaidShowsTheHelp) {
  const auto nothing = drover({});
  EXPECT_EQ(nothing.code, kUsage);
  EXPECT_THAT(nothing.err, HasSubstr("Commands:"));
  EXPECT_EQ(drover({"task"}).code, kUsage);
}

TEST(CommandLineTest, ATypoIsToldWithWhatWasMeant) {
  EXPECT_EQ(drover({"sbumit", "x"}).err,
            "drover: there is no command 'sbumit'. Did you mean submit? See drover --help.\n");
  EXPECT_EQ(
      drover({"task", "sohw"}).err,
      "drover: there is no command 'task sohw'. Did you mean show? See drover task --help.\n");
  EXPECT_EQ(
      drover({"submit", "t", "--queu", "q"}).err,
      "drover: submit has no option --queu. Did you mean --queue? See drover submit --help.\n");
  EXPECT_EQ(drover({"--jsn"}).err,
            "drover: there is no option --jsn. Did you mean --json? See drover --help.\n");
  EXPECT_EQ(drover({"ping", "pong"}).err,
            "drover: 'pong' is not expected here. See drover ping --help.\n");
  EXPECT_EQ(drover({"frobnicate"}).code, kUsage);
}

TEST(CommandLineTest, ValuesThatCannotBeReadAreRefused) {
  const auto delay = drover({"submit", "t", "--delay", "5"});
  EXPECT_EQ(delay.code, kUsage);
  EXPECT_THAT(delay.err, HasSubstr("--delay: '5' is no duration"));
  EXPECT_THAT(drover({"submit", "t", "--priority", "asap"}).err, HasSubstr("is no priority"));
  EXPECT_THAT(drover({"submit", "t", "--max-attempts", "0"}).err,
              HasSubstr("'0' is no whole number from 1 to 100"));
  EXPECT_THAT(drover({"submit", "t", "--metadata", "x"}).err, HasSubstr("is no KEY=VALUE"));
  EXPECT_EQ(drover({"task", "show", "nope"}).err, "drover: 'nope' is no task id.\n");
  EXPECT_EQ(drover({"task", "show", "nope"}).code, kUsage);
  EXPECT_EQ(drover({"task", "show"}).code, kUsage);
  EXPECT_EQ(drover({"submit"}).code, kUsage);
  EXPECT_EQ(drover({"task", "list", "--state", "asleep"}).code, kUsage);
  EXPECT_EQ(drover({"watch", "--since", "yore"}).code, kUsage);
  EXPECT_EQ(drover({"dlq", "retry"}).code, kUsage);
}

TEST(CommandLineTest, APayloadThatIsNoJsonIsRefusedBeforeAnythingIsSent) {
  const auto bad = drover({"submit", "t", "{oops"});
  EXPECT_EQ(bad.code, kUsage);
  EXPECT_THAT(bad.err, HasSubstr("the payload is no JSON"));
  EXPECT_THAT(drover({"submit", "t", "@/nowhere"}).err, HasSubstr("No such file"));
  EXPECT_EQ(drover({"submit", "--batch", "/nowhere"}).code, kUsage);
  EXPECT_EQ(drover({"submit", "t", "1", "--batch", "x"}).code, kUsage);
  EXPECT_EQ(drover({"submit", "t", "--wait-timeout", "1s"}).code, kUsage);
}

TEST(CommandLineTest, MistakesAreJsonWhereJsonIsAskedFor) {
  const auto bad = drover({"--json", "task", "show", "nope"});
  EXPECT_EQ(json::parse(bad.err),
            (json{{"error",
                   {{"code", "BAD_ID"}, {"message", "'nope' is no task id"}, {"field", "id"}}}}));
  EXPECT_EQ(drover({"task", "show", "nope", "--json"}).err, bad.err);
}

TEST(CommandLineTest, TheVersionAndTheSettingsNeedNoBroker) {
  EXPECT_THAT(drover({"version"}).out, StartsWith("drover "));
  EXPECT_TRUE(json::parse(drover({"version", "--json"}).out).contains("version"));
  EXPECT_THAT(drover({"config", "show"}).out, HasSubstr("broker.clients.bind"));
  const auto shown =
      json::parse(drover({"config", "show", "--origin", "--json", "--url", "tcp://h:1"}).out);
  EXPECT_EQ(shown["client.url"], (json{{"value", "tcp://h:1"}, {"origin", "--url"}}));
  EXPECT_THAT(drover({"config", "default"}).out, HasSubstr("broker:\n  clients:\n"));
  EXPECT_EQ(drover({"config", "show", "--config", "/nowhere"}).code, kUsage);
}

TEST(CommandLineTest, WithoutABrokerTheExitCodeIsThree) {
  setenv("DROVER_CLIENT__TIMEOUT", "100ms", 1);
  const auto ping = drover({"ping", "--url", "tcp://127.0.0.1:1"});
  unsetenv("DROVER_CLIENT__TIMEOUT");
  EXPECT_EQ(ping.code, kUnreachable);
  EXPECT_EQ(
      ping.err,
      "drover: no broker answered at tcp://127.0.0.1:1 within 100ms. Is it running? `drover up` "
      "starts one.\n");
}

TEST(CommandLineTest, WorkNeedsACommand) {
  EXPECT_EQ(drover({"work", "t"}).code, kUsage);
  EXPECT_EQ(drover({"work", "no type!", "--", "true"}).code, kUsage);
  EXPECT_EQ(drover({"work"}).code, kUsage);
}

// --- verbs, against a broker of a few lines

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

TEST_F(VerbsTest, WhatIsNotThereLeavesWithFour) {
  const auto id = "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c04";
  EXPECT_EQ(say({"task", "show", id}).code, kNotFound);
}

TEST_F(VerbsTest, ABatchIsCountedAndRepeatingItMakesNothingTwice) {
  const auto path = testing::TempDir() + "drover-cli-" + std::to_string(getpid());
  {
    std::ofstream file(path);
    for (int i = 0; i < 250; ++i) file << "{\"type\":\"test.echo\",\"payload\":" << i << "}\n";
    file << "nonsense\n";
  }
  const auto batch = say({"submit", "--batch", path, "--json"});
  std::filesystem::remove(path);
  EXPECT_EQ(batch.code, kFailed);  // one line was refused
  EXPECT_EQ(json::parse(batch.out), (json{{"accepted", 250}, {"duplicates", 0}, {"refused", 1}}));
  EXPECT_THAT(batch.err, HasSubstr("line 251 was refused: INVALID_ARGUMENT"));
  EXPECT_EQ(broker.tasks(), 250u);
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

}  // namespace
}  // namespace drover::cli
