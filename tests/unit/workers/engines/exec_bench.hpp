// The small vocabulary of the exec engine's tests: real commands, written as shell lines, and what
// is left of them afterwards.
//
// Nothing here sleeps to let something happen: a command says through its progress lines, or a
// named pipe, that it is where the test wants it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "workers/engines/exec_engine.hpp"

namespace drover::workers::testing {

// One for the whole test program, as in a worker.
inline ChildKeeper& keeper() {
  static ChildKeeper the_keeper;
  return the_keeper;
}

inline ExecRecipe shell(std::string script) {
  ExecRecipe recipe;
  recipe.command = {"/bin/sh", "-c", std::move(script)};
  return recipe;
}

inline ExecRecipe shell_lines(std::string script) {
  ExecRecipe recipe = shell(std::move(script));
  recipe.output = ExecOutputMode::lines;
  return recipe;
}

inline bool lives(pid_t pid) { return kill(pid, 0) == 0; }

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

class ExecBench : public ::testing::Test {
 protected:
  void SetUp() override { keeper(); }

  AttemptContext context(std::string_view payload) {
    AttemptContext attempt{.stop = stop, .progress = {}};
    attempt.task.bytes.fill(0xab);
    attempt.attempt = 2;
    attempt.max_attempts = 5;
    attempt.type = "t.x";
    attempt.queue = "mail";
    attempt.tenant = "acme";
    attempt.payload = payload;
    attempt.progress = [this](auto percent, std::string_view message) {
      const std::lock_guard lock(mutex);
      told.emplace_back(percent.value_or(0), message);
      news.notify_all();
    };
    return attempt;
  }

  AttemptResult run(const ExecRecipe& recipe, std::string_view payload = "") {
    return ExecEngine(recipe, keeper()).run(context(payload));
  }

  // Runs beside the test, which waits for the command's first words ("message") and then goes on.
  template <class Then>
  AttemptResult run_and(const ExecRecipe& recipe, Then then) {
    AttemptResult result;
    std::thread runner([&] { result = run(recipe); });
    then(first_message());
    runner.join();
    return result;
  }

  std::string first_message() {
    std::unique_lock lock(mutex);
    news.wait(lock, [this] { return !told.empty(); });
    return told.front().second;
  }

  StopSignal stop;
  std::mutex mutex;
  std::condition_variable news;
  std::vector<std::pair<std::uint32_t, std::string>> told;
};

}  // namespace drover::workers::testing
