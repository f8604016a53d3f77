// Children: what they print, how they end, and that none outlives us.

#include "cli/supervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "cli/child.hpp"

namespace drover::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Child shell(const std::string& script) {
  return std::move(*Child::start({"/bin/sh", "-c", script}));
}

// Reads until the child has ended; its exit code.
int lines_of(Child& child, std::vector<std::string>& lines) {
  const auto take = [&](std::string_view line) { lines.emplace_back(line); };
  std::optional<int> code;
  for (int i = 0; i < 10'000 && !code; ++i) {
    child.read_lines(take);
    code = child.ended();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  child.read_lines(take);
  return code.value_or(-1);
}

TEST(ChildTest, WhatItPrintsIsReadLineByLine) {
  auto child = shell("echo one; echo two >&2; printf 'half '; sleep 0.05; echo whole; exit 7");
  std::vector<std::string> lines;
  EXPECT_EQ(lines_of(child, lines), 7);
  EXPECT_THAT(lines, ElementsAre("one", "two", "half whole"));
}

TEST(ChildTest, ASignalIsToldAsTheShellDoes) {
  auto child = shell("kill -9 $$");
  std::vector<std::string> lines;
  EXPECT_EQ(lines_of(child, lines), 137);
}

TEST(ChildTest, ItHasNoStdinAndItsOwnGroup) {
  auto child = shell("cat; ps -o pgid= -p $$ | tr -d ' '");
  std::vector<std::string> lines;
  EXPECT_EQ(lines_of(child, lines), 0);
  EXPECT_THAT(lines, ElementsAre(std::to_string(child.pid())));
}

TEST(ChildTest, WhatIsNotThereCannotBeStarted) {
  const auto child = Child::start({"/nowhere/x"});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().message, "cannot run /nowhere/x: No such file or directory");
}

TEST(ChildTest, ItDiesWithWhoForgetsIt) {
  pid_t pid = 0;
  {
    auto child = shell("sleep 1000");
    pid = child.pid();
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(ChildTest, ItDiesWhenWeAreKilled) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t between = fork();
  if (between == 0) {
    const auto child = shell("exec sleep 1000");
    const pid_t pid = child.pid();
    [[maybe_unused]] const auto written = write(ends[1], &pid, sizeof pid);
    kill(getpid(), SIGKILL);
    _exit(1);
  }
  pid_t below = 0;
  ASSERT_EQ(read(ends[0], &below, sizeof below), static_cast<ssize_t>(sizeof below));
  waitpid(between, nullptr, 0);
  // It is nobody's child of ours: it is gone, or dead and not reaped by init yet.
  bool gone = false;
  for (int i = 0; i < 5000 && !gone; ++i) {
    std::ifstream status("/proc/" + std::to_string(below) + "/stat");
    std::string word, state;
    status >> word >> word >> state;
    gone = !status || state == "Z";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(gone);
  close(ends[0]);
  close(ends[1]);
}

TEST(RestartTest, PausesGrowToHalfAMinute) {
  EXPECT_EQ(restart_pause(1), 500ms);
  EXPECT_EQ(restart_pause(2), 1s);
  EXPECT_EQ(restart_pause(6), 16s);
  EXPECT_EQ(restart_pause(7), 30s);
  EXPECT_EQ(restart_pause(1000), 30s);
}

TEST(RestartTest, SomeEndsAreForGood) {
  for (const int code : {2, 65, 73, 78}) EXPECT_TRUE(is_final(code)) << code;
  for (const int code : {0, 1, 70, 74, 75, 137, 139}) EXPECT_FALSE(is_final(code)) << code;
}

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() : supervisor(context) { testing::internal::CaptureStderr(); }
  ~SupervisorTest() override {
    if (!taken) testing::internal::GetCapturedStderr();
  }

  void add(const std::string& name, const std::string& script) {
    const auto place = supervisor.add(name, {"/bin/sh", "-c", script});
    ASSERT_TRUE(supervisor.start(place));
  }

  // Rounds until `done` holds, ten seconds at most.
  template <class Done>
  bool until(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < end) supervisor.round(10ms);
    return done();
  }

  std::string said() {
    taken = true;
    return testing::internal::GetCapturedStderr();
  }

  Context context;
  Supervisor supervisor;
  bool taken = false;
};

TEST_F(SupervisorTest, WhatDiesIsStartedAgain) {
  add("worker", "echo alive; sleep 0.05; exit 70");
  const auto first = supervisor.pids(0);
  ASSERT_TRUE(until([&] { return !supervisor.pids(0).empty() && supervisor.pids(0) != first; }));
  EXPECT_FALSE(supervisor.failure());
  supervisor.stop(0, 5s);
  EXPECT_THAT(said(), HasSubstr("worker ended with exit code 70; it is started again in 500 ms"));
}

TEST_F(SupervisorTest, AFinalEndIsAFailureWithTheLastLine) {
  add("broker", "echo starting; echo 'the store is in use'; exit 73");
  ASSERT_TRUE(until([&] { return supervisor.failure().has_value(); }));
  EXPECT_EQ(supervisor.failure()->message, "broker ended with exit code 73: the store is in use");
}

TEST_F(SupervisorTest, TheLastLineOfAJsonLogIsToldAsWords) {
  add("broker", R"(echo '{"message":"cannot open","reason":"it is in use"}'; exit 73)");
  ASSERT_TRUE(until([&] { return supervisor.failure().has_value(); }));
  EXPECT_EQ(supervisor.failure()->message,
            "broker ended with exit code 73: cannot open: it is in use");
}

TEST_F(SupervisorTest, StoppingIsPoliteFirst) {
  add("worker", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(until([&] { return !supervisor.pids(0).empty(); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // until the shell has its trap
  supervisor.stop(0, 10s);
  EXPECT_TRUE(supervisor.pids(0).empty());
  EXPECT_THAT(said(), HasSubstr("bye"));
}

TEST_F(SupervisorTest, WhatDoesNotStopIsKilled) {
  add("worker", "trap '' TERM; while :; do sleep 0.01; done");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  supervisor.stop(0, 100ms);
  EXPECT_TRUE(supervisor.pids(0).empty());
}

TEST_F(SupervisorTest, OnlyThoseBehindAPlaceAreStopped) {
  add("broker", "sleep 1000");
  add("worker", "sleep 1000");
  supervisor.stop(1, 5s);
  EXPECT_EQ(supervisor.pids(0).size(), 1u);
  supervisor.stop(0, 5s);
  EXPECT_TRUE(supervisor.pids(0).empty());
}

}  // namespace
}  // namespace drover::cli
