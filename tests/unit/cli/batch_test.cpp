// Files of tasks, and what a batch came to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/batch_file.hpp"
#include "cli/batch_report.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;

class BatchFileTest : public testing::Test {
 protected:
  BatchFileTest() : path(testing::TempDir() + "drover-batch-" + std::to_string(getpid())) {}
  ~BatchFileTest() override { std::filesystem::remove(path); }

  void write(const std::string& text) { std::ofstream(path) << text; }
  BatchFile open(const NewTask& usual = {}) { return std::move(*BatchFile::open(path, usual)); }

  std::string path;
};

TEST_F(BatchFileTest, EachLineIsATaskAndEmptyOnesAreNone) {
  write("{\"type\":\"a\"}\n\n  \r\n{\"type\":\"b\",\"queue\":\"q\"}");
  auto file = open();
  const auto lines = file.next(10);
  ASSERT_TRUE(lines);
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].number, 1u);
  EXPECT_EQ((*lines)[0].task->type, "a");
  EXPECT_EQ((*lines)[1].number, 4u);
  EXPECT_EQ((*lines)[1].task->queue, "q");
  EXPECT_EQ(file.next(10)->size(), 0u);
  EXPECT_EQ(file.bytes_read(), file.bytes());
}

TEST_F(BatchFileTest, ItIsReadInPieces) {
  write("{\"type\":\"a\"}\n{\"type\":\"b\"}\n{\"type\":\"c\"}\n");
  auto file = open();
  EXPECT_EQ(file.next(2)->size(), 2u);
  EXPECT_EQ(file.next(2)->size(), 1u);
  EXPECT_EQ(file.next(2)->size(), 0u);
}

TEST_F(BatchFileTest, AMistakeIsThatOfItsLine) {
  write("{\"type\":\"a\"}\nnonsense\n{\"type\":\"a\",\"colour\":1}\n{\"queue\":\"q\"}\n");
  const auto lines = *open().next(10);
  EXPECT_TRUE(lines[0].task);
  EXPECT_EQ(lines[1].task.error().code, Errc::invalid_argument);
  EXPECT_EQ(lines[2].task.error().field, "colour");
  EXPECT_EQ(lines[3].task.error().field, "type");
}

TEST_F(BatchFileTest, WhatTheCommandLineSaysIsForLinesThatDoNotSayIt) {
  write("{\"queue\":\"q\"}\n{\"type\":\"b\",\"priority\":\"low\"}\n");
  const auto lines = *open({.type = "a", .queue = "usual", .priority = Priority::high}).next(10);
  EXPECT_EQ(lines[0].task->type, "a");
  EXPECT_EQ(lines[0].task->queue, "q");
  EXPECT_EQ(lines[0].task->priority, Priority::high);
  EXPECT_EQ(lines[1].task->type, "b");
  EXPECT_EQ(lines[1].task->queue, "usual");
  EXPECT_EQ(lines[1].task->priority, Priority::low);
}

TEST_F(BatchFileTest, TheSameFileGivesTheSameKeysAndAnotherOneOthers) {
  write("{\"type\":\"a\"}\n{\"type\":\"a\"}\n{\"type\":\"a\",\"idempotency_key\":\"mine\"}\n");
  const auto first = *open().next(10), again = *open().next(10);
  EXPECT_EQ(first[0].task->idempotency_key, again[0].task->idempotency_key);
  EXPECT_NE(first[0].task->idempotency_key, first[1].task->idempotency_key);
  EXPECT_EQ(first[2].task->idempotency_key, "mine");
  EXPECT_LE(first[0].task->idempotency_key.size(), 128u);

  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  EXPECT_NE((*open().next(10))[0].task->idempotency_key, first[0].task->idempotency_key);
}

TEST_F(BatchFileTest, WhatCannotBeReadIsTold) {
  EXPECT_EQ(BatchFile::open("/nowhere/x", {}).error().message,
            "cannot read /nowhere/x: No such file or directory");
  EXPECT_EQ(BatchFile::open("/", {}).error().message, "cannot read /: it is a folder");
}

TEST(BatchKey, WithoutAnIdentityThereIsNoKey) { EXPECT_EQ(batch_key("", 1, "x"), ""); }

json ended(const char* state, int waited_s, int ran_s, json result = nullptr) {
  const auto at = [](int s) { return to_rfc3339(instant_from_ms(s * 1000)); };
  json task = {{"id", "0190"}, {"state", state}, {"created_at", at(0)}};
  task["attempts"] =
      json::array({{{"started_at", at(waited_s)}, {"finished_at", at(waited_s + ran_s)}}});
  if (!result.is_null()) task["result"] = std::move(result);
  return task;
}

std::string text_of(const Table& table) { return table.text({}); }

TEST(BatchReport, TasksAreRowsInTheOrderOfTheirLines) {
  BatchReport report({});
  report.add(2, ended("dead", 1, 1));
  report.add(1, ended("completed", 2, 3, {{"y", 42}}));
  EXPECT_EQ(text_of(report.table()),
            "TASK  STATE      WAITED    RAN  RESULT\n"
            "0190  completed   2.0 s  3.0 s  {\"y\":42}\n"
            "0190  dead        1.0 s  1.0 s   \n");
  EXPECT_THAT(
      report.summary(),
      ElementsAre("2 tasks: 1 completed, 1 dead.",
                  "Waited p50 1.0 s, p95 2.0 s, at most 2.0 s. Ran p50 1.0 s, p95 3.0 s, at "
                  "most 3.0 s."));
}

TEST(BatchReport, EntriesOfAListAreRows) {
  BatchReport report({"findings", {"path", "line", "severity", "waited", "message"}});
  report.add(1, ended("completed", 0, 1, json::parse(R"({"path":"a.cpp","findings":[
                        {"line":7,"severity":"error","message":"bad"},
                        {"line":9,"message":"odd"}]})")));
  report.add(2, ended("completed", 0, 1, json::parse(R"({"path":"b.cpp","findings":[]})")));
  EXPECT_EQ(text_of(report.table()),
            "PATH   LINE  SEVERITY  WAITED  MESSAGE\n"
            "a.cpp     7  error       0 ms  bad\n"
            "a.cpp     9              0 ms  odd\n");
  EXPECT_EQ(report.summary()[0], "2 tasks: 2 completed, 0 dead. 2 findings.");
}

TEST(BatchReport, WithoutColumnsAnEntrysOwnMembersAreThem) {
  BatchReport report({"rows", {}});
  report.add(1, ended("completed", 0, 1, json::parse(R"({"rows":[{"b":1,"a":"x"}]})")));
  EXPECT_EQ(text_of(report.table()),
            "A  B  WAITED    RAN\n"
            "x  1    0 ms  1.0 s\n");
}

TEST(BatchReport, ResultsOfAnyShapeAreTaken) {
  BatchReport report({"rows", {"a", "state"}});
  report.add(1,
             ended("completed", 0, 1, json::parse(R"({"rows":[1,"x",null,[2],{"a":{"b":1}}]})")));
  report.add(2, ended("completed", 0, 1, "text"));
  report.add(3, json::object());
  EXPECT_EQ(report.entries(), 5u);
  EXPECT_FALSE(report.table().empty());
  EXPECT_EQ(report.figures()["completed"], 2);
  EXPECT_EQ(report.figures()["rows"], 5);
}

TEST(Percentile, ItIsOneOfTheValues) {
  EXPECT_EQ(percentile({}, 50), 0ms);
  EXPECT_EQ(percentile({5ms}, 95), 5ms);
  std::vector<Duration> hundred;
  for (int i = 100; i >= 1; --i) hundred.emplace_back(i);
  EXPECT_EQ(percentile(hundred, 50), 50ms);
  EXPECT_EQ(percentile(hundred, 95), 95ms);
  EXPECT_EQ(percentile(hundred, 100), 100ms);
}

}  // namespace
}  // namespace drover::cli
