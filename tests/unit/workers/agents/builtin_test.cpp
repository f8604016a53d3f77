#include "workers/agents/builtin.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace drover::workers {
namespace {

class BuiltinTest : public ::testing::Test {
 protected:
  AttemptResult run(const std::string& type, std::string_view payload, std::uint32_t attempt = 1) {
    AttemptContext context{.stop = stop, .progress = {}};
    context.attempt = attempt;
    context.payload = payload;
    context.content_type = "text/x-test";
    context.progress = [this](auto percent, std::string_view) { told.push_back(percent.value()); };
    for (const auto& [name, handler] : builtin_handlers()) {
      if (name == type) return handler(context);
    }
    return failed("NO_SUCH", type, false);
  }

  StopSignal stop;
  std::vector<std::uint32_t> told;
};

TEST_F(BuiltinTest, EchoGivesThePayloadBackAsItCame) {
  const auto result = run("test.echo", std::string_view("\0\xff bytes", 8));
  EXPECT_EQ(result.outcome, Outcome::completed);
  EXPECT_EQ(result.result, std::string("\0\xff bytes", 8));
  EXPECT_EQ(result.content_type, "text/x-test");
}

TEST_F(BuiltinTest, SleepTellsProgressTenTimes) {
  const auto result = run("test.sleep", R"({"ms": 20})");
  EXPECT_EQ(result.result, R"({"slept_ms":20})");
  EXPECT_EQ(told, (std::vector<std::uint32_t>{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}));
}

TEST_F(BuiltinTest, SleepObeysAStop) {
  std::thread other([this] { stop.request(0ms); });
  EXPECT_EQ(run("test.sleep", R"({"ms": 3600000})").outcome, Outcome::failed);
  other.join();
}

TEST_F(BuiltinTest, FailFailsTheFirstAttemptsAndThenCompletes) {
  const auto* payload = R"({"times": 2, "code": "X", "message": "no", "retry_after_ms": 70})";
  for (std::uint32_t attempt = 1; attempt <= 2; ++attempt) {
    const auto result = run("test.fail", payload, attempt);
    EXPECT_EQ(result.error, (TaskError{"X", "no", true}));
    EXPECT_EQ(result.retry_after, 70ms);
  }
  EXPECT_EQ(run("test.fail", payload, 3).result, R"({"attempt":3})");
}

TEST_F(BuiltinTest, FailCanBeFatal) {
  EXPECT_FALSE(run("test.fail", R"({"times": 1, "retryable": false})").error.retryable);
}

TEST_F(BuiltinTest, CrashKillsItsProcess) {
  const pid_t worker = fork();
  if (worker == 0) {
    run("test.crash", R"({"times": 1})");
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(worker, &status, 0), worker);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(run("test.crash", R"({"times": 1})", 2).outcome, Outcome::completed);
}

TEST_F(BuiltinTest, AWrongPayloadIsFatal) {
  const std::pair<const char*, const char*> wrong[] = {
      {"test.sleep", ""},
      {"test.sleep", "{}"},
      {"test.sleep", R"({"ms": -1})"},
      {"test.sleep", R"({"ms": 1.5})"},
      {"test.sleep", R"({"ms": 18446744073709551615})"},
      {"test.fail", "[]"},
      {"test.fail", R"({"times": "two"})"},
      {"test.fail", R"({"retryable": 1})"},
      {"test.crash", "null"},
  };
  for (const auto& [type, payload] : wrong) {
    const auto result = run(type, payload);
    EXPECT_EQ(result.error.code, "BAD_PAYLOAD") << type << " " << payload;
    EXPECT_FALSE(result.error.retryable);
  }
}

}  // namespace
}  // namespace drover::workers
