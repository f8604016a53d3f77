// Whole command lines: what is understood, what is refused, and with which exit code.

#include "cli/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/context.hpp"
#include "tests/unit/cli/run_drover.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

TEST(CommandLineTest, HelpIsGivenForEveryVerb) {
  const auto help = drover({"--help"});
  EXPECT_EQ(help.code, kOk);
  for (const auto* verb : {"up", "ping", "submit", "work", "task", "queue", "dlq", "worker",
                           "watch", "stats", "keygen", "key", "config", "version"}) {
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
  EXPECT_THAT(drover({"submit", "t", "--metadata", "a=1", "--metadata", "x"}).err,
              HasSubstr("--metadata: 'x' is no KEY=VALUE"));
  EXPECT_EQ(drover({"task", "show", "nope"}).err, "drover: 'nope' is no task id.\n");
  EXPECT_EQ(drover({"task", "show", "nope"}).code, kUsage);
  EXPECT_EQ(drover({"task", "show"}).code, kUsage);
  EXPECT_EQ(drover({"submit"}).code, kUsage);
  EXPECT_EQ(drover({"task", "list", "--state", "asleep"}).code, kUsage);
  EXPECT_EQ(drover({"task", "list", "--since", "yore"}).code, kUsage);
  EXPECT_EQ(drover({"task", "list", "--cursor", "x"}).code, kUsage);
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

TEST(CommandLineTest, WhatTheCallerGotWrongIsUsageWhoeverNoticedIt) {
  for (const auto code :
       {Errc::invalid_argument, Errc::bad_id, Errc::bad_name, Errc::message_too_large,
        Errc::payload_too_large, Errc::batch_too_large, Errc::too_deep, Errc::too_many_elements,
        Errc::bad_cursor, Errc::bad_configuration}) {
    EXPECT_EQ(exit_code_of(code), kUsage) << name_of(code);
  }
  for (const auto code : {Errc::malformed, Errc::unsupported_version, Errc::unknown_message,
                          Errc::queue_full, Errc::idempotency_conflict, Errc::internal}) {
    EXPECT_EQ(exit_code_of(code), kFailed) << name_of(code);
  }
}

TEST(CommandLineTest, AWorkersSettingsAreCheckedByTheirFlag) {
  const auto work = [](const std::string& flag, const std::string& value) {
    return drover({"work", "t", flag, value, "--", "true"});
  };
  for (const auto& [flag, value] : {std::pair("--slots", "many"),
                                    {"--prefetch", "-1"},
                                    {"--drain-timeout", "5"},
                                    {"--capability", "no name!"},
                                    {"--label", "zone"}}) {
    const auto refused = work(flag, value);
    EXPECT_EQ(refused.code, kUsage) << flag;
    EXPECT_THAT(refused.err, HasSubstr(flag));
  }
}

TEST(CommandLineTest, WorkNeedsACommand) {
  EXPECT_EQ(drover({"work", "t"}).code, kUsage);
  EXPECT_EQ(drover({"work", "no type!", "--", "true"}).code, kUsage);
  EXPECT_EQ(drover({"work"}).code, kUsage);
}

}  // namespace
}  // namespace drover::cli
