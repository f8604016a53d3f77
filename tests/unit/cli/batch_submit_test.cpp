// `drover submit --batch` in conversation with a broker of a few lines.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/context.hpp"
#include "common/base/ids.hpp"
#include "tests/unit/cli/run_drover.hpp"
#include "tests/unit/sdks/cpp/fake_broker.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class BatchSubmitTest : public testing::Test {
 protected:
  BatchSubmitTest() : path(testing::TempDir() + "drover-cli-" + std::to_string(getpid())) {}
  ~BatchSubmitTest() override { std::filesystem::remove(path); }

  void write(const std::string& line, int times) {
    std::ofstream file(path, std::ios::app);
    for (int i = 0; i < times; ++i) file << line << "\n";
  }
  Ran submit(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"--url", broker.url(), "submit", "--batch", path};
    words.insert(words.end(), more.begin(), more.end());
    return drover(words);
  }

  std::string path;
  FakeBroker broker;
};

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST_F(BatchSubmitTest, ScriptsAreToldEachRefusalOnALineOfJson) {
  write(R"({"type":"test.echo"})", 250);
  write("nonsense", 12);
  write(R"({"type":"test.echo","queue":"full"})", 3);
  const auto batch = submit({"--json"});
  EXPECT_EQ(batch.code, kFailed);  // some lines were refused
  EXPECT_EQ(json::parse(batch.out), (json{{"accepted", 250}, {"duplicates", 0}, {"refused", 15}}));

  const auto refused = lines_of(batch.err);
  ASSERT_EQ(refused.size(), 15u);
  EXPECT_EQ(refused[0]["line"], 251);
  EXPECT_EQ(refused[0]["error"]["code"], "INVALID_ARGUMENT");
  EXPECT_FALSE(refused[0].contains("id"));  // it never became a task
  EXPECT_EQ(refused[14]["line"], 265);
  EXPECT_EQ(refused[14]["error"]["code"], "QUEUE_FULL");
  EXPECT_TRUE(parse_uuid(std::string(refused[14]["id"])));
}

TEST_F(BatchSubmitTest, PeopleAreToldTheFirstRefusalsAndHowToSeeTheRest) {
  write(R"({"type":"test.echo","colour":1})", 12);
  const auto batch = submit();
  EXPECT_EQ(batch.code, kFailed);
  EXPECT_THAT(batch.err, HasSubstr("line 1 was refused: INVALID_ARGUMENT"));
  EXPECT_THAT(batch.err, HasSubstr("line 10 was refused"));
  EXPECT_THAT(batch.err, Not(HasSubstr("line 11 was refused")));
  EXPECT_THAT(batch.err, HasSubstr("12 lines refused, 2 of them not shown: --json shows all"));
  EXPECT_THAT(submit({"-q"}).err, HasSubstr("12 lines refused"));  // never without a word
}

TEST_F(BatchSubmitTest, ARepeatedBatchSaysThatThisIsSafeForTheUnchangedFileOnly) {
  Random random(7);
  const auto id = to_string(make_task_id(system_now(), "default", random));
  write(R"({"type":"test.echo","id":")" + id + "\"}", 1);
  EXPECT_THAT(submit().err, Not(HasSubstr("unchanged")));
  const auto again = submit();
  EXPECT_EQ(again.code, kOk);
  EXPECT_THAT(again.err, HasSubstr("0 accepted, 1 known already"));
  EXPECT_THAT(again.err, HasSubstr("holds for the unchanged file"));
  EXPECT_EQ(broker.tasks(), 1u);
}

TEST_F(BatchSubmitTest, ABatchThatBreaksOffSaysWhetherRepeatingItIsSafe) {
  write(R"({"type":"test.echo"})", 3);
  setenv("DROVER_CLIENT__TIMEOUT", "200ms", 1);
  broker.ignore(1'000'000);
  const auto told = submit();
  const auto scripted = submit({"--json"});
  unsetenv("DROVER_CLIENT__TIMEOUT");
  EXPECT_EQ(told.code, kUnreachable);
  EXPECT_THAT(told.err, HasSubstr("Submitting the unchanged file again is safe"));
  EXPECT_THAT(std::string(json::parse(scripted.err)["error"]["message"]),
              HasSubstr("Submitting the unchanged file again is safe"));
}

}  // namespace
}  // namespace drover::cli
