#include "tests/unit/workers/engines/exec_bench.hpp"

namespace drover::workers::testing {
namespace {

using std::chrono::steady_clock;

// --- payload in, result out

TEST_F(ExecBench, AJsonOutputIsAJsonResult) {
  const auto result = run(shell(R"(echo '{"ok":true}')"));
  EXPECT_EQ(result.outcome, Outcome::completed);
  EXPECT_EQ(result.result, "{\"ok\":true}\n");
  EXPECT_EQ(result.content_type, "application/json");
}

TEST_F(ExecBench, AnyOtherOutputIsTextOrBytes) {
  EXPECT_EQ(run(shell("echo hello")).content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(run(shell("printf 'gr\\303\\274n'")).content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(run(shell("printf '\\377\\001'")).content_type, "application/octet-stream");
  EXPECT_EQ(run(shell("true")).result, "");
}

TEST_F(ExecBench, ThePayloadArrivesOnStdinWhole) {
  const std::string payload(200'000, 'p');
  const auto result = run(shell("wc -c"), payload);
  EXPECT_EQ(std::stoi(result.result), 200'000);
}

TEST_F(ExecBench, AnOutputAsLongAsThePipesIsNoDeadlock) {
  const std::string payload(200'000, 'p');
  EXPECT_EQ(run(shell("cat"), payload).result, payload);
}

TEST_F(ExecBench, ACommandThatDoesNotReadItsPayloadIsNoProblem) {
  const std::string payload(1'000'000, 'p');
  EXPECT_EQ(run(shell("echo done"), payload).result, "done\n");
  EXPECT_EQ(run(shell("exec <&-; echo done"), payload).result, "done\n");
}

TEST_F(ExecBench, InputNoneIsAnEmptyStdin) {
  auto recipe = shell("wc -c");
  recipe.input = ExecInput::none;
  EXPECT_EQ(std::stoi(run(recipe, "payload").result), 0);
}

TEST_F(ExecBench, TheCommandIsToldWhichTaskItRuns) {
  auto recipe = shell(
      "echo $DROVER_TASK_ID $DROVER_TASK_TYPE $DROVER_ATTEMPT/$DROVER_MAX_ATTEMPTS $DROVER_QUEUE "
      "$DROVER_TENANT $MORE");
  recipe.env = {{"MORE", "and more"}};
  EXPECT_EQ(run(recipe).result,
            "abababab-abab-abab-abab-abababababab t.x 2/5 mail acme and more\n");
}

TEST_F(ExecBench, ThereIsNoShellBetween) {
  ExecRecipe recipe;
  recipe.command = {"printf", "%s", "$HOME; echo `id`"};
  EXPECT_EQ(run(recipe).result, "$HOME; echo `id`");
}

// --- exit codes

TEST_F(ExecBench, ExitCodesSayWhetherToTryAgain) {
  for (const int code : {64, 65, 66, 77, 78, 126, 127}) {
    const auto result = run(shell("exit " + std::to_string(code)));
    EXPECT_EQ(result.outcome, Outcome::failed);
    EXPECT_FALSE(result.error.retryable) << code;
  }
  for (const int code : {1, 2, 69, 75, 130, 255}) {
    EXPECT_TRUE(run(shell("exit " + std::to_string(code))).error.retryable) << code;
  }
}

TEST_F(ExecBench, AFailureTellsTheEndOfStderr) {
  const auto result = run(shell("echo all is lost >&2; exit 3"));
  EXPECT_EQ(result.error.code, "EXEC_FAILED");
  EXPECT_EQ(result.error.message, "the command ended with exit code 3: all is lost");
}

TEST_F(ExecBench, OnlyTheTailOfALongStderrIsKept) {
  const auto result = run(shell("seq 1 100000 >&2; exit 1"));
  EXPECT_LE(result.error.message.size(), 8U * 1024);
  EXPECT_TRUE(result.error.message.ends_with("99999\n100000"));
}

TEST_F(ExecBench, ACommandKilledByASignalMayBeTriedAgain) {
  const auto result = run(shell("kill -SEGV $$"));
  EXPECT_TRUE(result.error.retryable);
  EXPECT_EQ(result.error.message, "the command ended with signal 11 (Segmentation fault)");
}

TEST_F(ExecBench, ARecipeHasItsOwnFatalCodes) {
  auto recipe = shell("exit 3");
  recipe.exit_codes.fatal = {3};
  EXPECT_FALSE(run(recipe).error.retryable);
}

TEST_F(ExecBench, ACommandThatIsNotThereIsAFatalFailure) {
  for (const char* name : {"no-such-command", "/no/such/file", "/etc/passwd"}) {
    ExecRecipe recipe;
    recipe.command = {name};
    const auto result = run(recipe);
    EXPECT_EQ(result.error.code, "EXEC_FAILED");
    EXPECT_FALSE(result.error.retryable) << result.error.message;
  }
}

// --- JSON lines

TEST_F(ExecBench, LinesTellProgressUsageAndTheResult) {
  const auto result = run(shell_lines(R"(
    echo '{"progress": 50, "message": "half"}'
    echo
    echo '{"usage": {"input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25}}'
    printf '{"result": {"n": 1}}')"));
  EXPECT_EQ(result.outcome, Outcome::completed) << result.error.message;
  EXPECT_EQ(result.result, R"({"n":1})");
  EXPECT_EQ(told, (decltype(told){{50, "half"}}));
  EXPECT_EQ(result.usage, (Usage{10, 5, 250'000}));
}

TEST_F(ExecBench, ACommandInLinesWithoutAResultHasDoneWithNull) {
  EXPECT_EQ(run(shell_lines("true")).result, "null");
}

TEST_F(ExecBench, AnErrorLineIsTheCommandsOwnWord) {
  const auto result = run(shell_lines(
      R"(echo '{"error": {"code": "RATE", "message": "later", "retryable": true, "retry_after_ms": 1500}}'; exit 65)"));
  EXPECT_EQ(result.error, (TaskError{"RATE", "later", true}));
  EXPECT_EQ(result.retry_after, 1500ms);
}

TEST_F(ExecBench, AnErrorLineThatDoesNotSayWhetherToRetryLeavesItToTheExitCode) {
  EXPECT_FALSE(run(shell_lines(R"(echo '{"error": {"code": "X"}}'; exit 65)")).error.retryable);
  EXPECT_TRUE(run(shell_lines(R"(echo '{"error": "oh"}'; exit 0)")).error.retryable);
}

TEST_F(ExecBench, ALineThatIsNoJsonObjectIsABadOutput) {
  EXPECT_EQ(run(shell_lines("echo hello")).error.code, "BAD_OUTPUT");
  EXPECT_EQ(run(shell_lines("echo 5")).error.code, "BAD_OUTPUT");
  EXPECT_EQ(run(shell_lines("awk 'BEGIN { while (i++ < 5000) printf \"[\" }'")).error.code,
            "BAD_OUTPUT");
}

// --- limits

TEST_F(ExecBench, AnOutputAboveTheLimitEndsTheCommandForGood) {
  auto recipe = shell("trap '' TERM; yes");
  recipe.output_max = 10'000;
  const auto result = run(recipe);
  EXPECT_EQ(result.error.code, "OUTPUT_TOO_LARGE");
  EXPECT_FALSE(result.error.retryable);
}

TEST_F(ExecBench, InLinesTheLimitIsThatOfOneLine) {
  auto recipe = shell_lines(R"(while [ $((i = i + 1)) -le 500 ]; do echo '{"progress": 1}'; done)");
  recipe.output_max = 1000;
  EXPECT_EQ(run(recipe).outcome, Outcome::completed);
  recipe.command.back() = "head -c 1001 /dev/zero";
  EXPECT_EQ(run(recipe).error.code, "OUTPUT_TOO_LARGE");
}

TEST_F(ExecBench, MemoryIsLimited) {
  auto recipe = shell("dd if=/dev/zero of=/dev/null bs=64M count=1");
  recipe.memory_max = 32 * 1024 * 1024;
  EXPECT_EQ(run(recipe).outcome, Outcome::failed);
  recipe.memory_max = 256 * 1024 * 1024;
  EXPECT_EQ(run(recipe).outcome, Outcome::completed);
}

TEST_F(ExecBench, ItsOwnTimeoutEndsACommandThatIgnoresSigterm) {
  auto recipe = shell("trap '' TERM; echo busy >&2; while :; do sleep 60; done");
  recipe.timeout = 100ms;
  recipe.kill_grace = 100ms;
  const auto result = run(recipe);
  EXPECT_EQ(result.outcome, Outcome::timed_out);
  EXPECT_EQ(result.error,
            (TaskError{"TIMED_OUT", "the command ran longer than 100ms: busy", true}));
}

// --- the end of a command and of all that it started

TEST_F(ExecBench, ACancelEndsGrandchildrenToo) {
  pid_t grandchild = 0;
  run_and(shell_lines(R"(
    sh -c 'trap "" TERM; echo "{\"message\": \"$$\"}"; while :; do sleep 60; done' &
    wait)"),
          [&](const std::string& pid) {
            grandchild = std::stoi(pid);
            EXPECT_TRUE(lives(grandchild));
            stop.request(50ms);
          });
  EXPECT_FALSE(lives(grandchild));
}

TEST_F(ExecBench, ACommandThatIgnoresSigtermIsKilledWhenPatienceEnds) {
  const auto result = run_and(
      shell_lines(R"(trap '' TERM; echo '{"message": "deaf"}'; while :; do sleep 60; done)"),
      [&](const std::string&) { stop.request(50ms); });
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_NE(result.error.message.find("signal 9"), std::string::npos) << result.error.message;
}

TEST_F(ExecBench, ACommandThatHearsSigtermMayTidyUp) {
  const auto result = run_and(
      shell_lines(R"(trap 'echo "{\"result\": \"tidy\"}"; exit 0' TERM; echo '{"message": "up"}'
                     while :; do :; done)"),
      [&](const std::string&) { stop.request(1h); });
  EXPECT_EQ(result.result, "\"tidy\"");
}

TEST_F(ExecBench, GrandchildrenHaveTheGraceEvenIfTheCommandItselfHasGone) {
  const auto result = run_and(shell_lines(R"(
      sh -c 'trap "echo tidied >&2; exit" TERM; echo "{\"message\": \"up\"}"
             while :; do :; done' &
      wait)"),
                              [&](const std::string&) { stop.request(1h); });
  EXPECT_NE(result.error.message.find("tidied"), std::string::npos) << result.error.message;
}

TEST_F(ExecBench, AShorterGraceCanFollowALongOne) {
  const auto result = run_and(
      shell_lines(R"(trap '' TERM; echo '{"message": "deaf"}'; while :; do sleep 60; done)"),
      [&](const std::string&) {
        stop.request(1h);
        stop.request(0ms);
      });
  EXPECT_NE(result.error.message.find("signal 9"), std::string::npos) << result.error.message;
}

TEST_F(ExecBench, WhatACommandLeavesInTheBackgroundIsKilledWhenItEnds) {
  const auto result = run(shell("sleep 600 & echo $!"));
  EXPECT_EQ(result.outcome, Outcome::completed);
  EXPECT_FALSE(lives(std::stoi(result.result)));
}

TEST_F(ExecBench, ACommandThatClosesItsStreamsIsWaitedForAllTheSame) {
  const auto path = ::testing::TempDir() + "drover_exec_" + std::to_string(getpid());
  const auto result = run(shell("echo early; exec >&- 2>&-; : > " + path + "; exit 4"));
  EXPECT_EQ(result.error.message, "the command ended with exit code 4: early");
  EXPECT_TRUE(std::filesystem::remove(path));
}

TEST_F(ExecBench, AnAttemptThatIsStoppedBeforeItBeginsEndsSoon) {
  stop.request(0ms);
  EXPECT_EQ(run(shell("sleep 600")).outcome, Outcome::failed);
}

TEST_F(ExecBench, NothingIsLeftBehind) {
  run(shell("true"));
  const auto before = open_descriptors();
  for (int i = 0; i < 10; ++i) {
    run(shell("sleep 600 & sleep 600 & exec true"), "payload");
    stop.request(0ms);
    run(shell("sleep 600 | sleep 600"));
    stop.reset();
  }
  EXPECT_EQ(open_descriptors(), before);
  siginfo_t child{};
  ASSERT_EQ(waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT), 0);
  EXPECT_EQ(child.si_pid, 0);  // the keeper alone is there, and lives
}

TEST_F(ExecBench, ACommandSeesNoDescriptorButItsStreams) {
  const int leak = open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library may do it
  EXPECT_EQ(run(shell("ls /proc/self/fd | wc -l")).result.find('4'), 0U);  // and that of ls itself
  close(leak);
}

TEST_F(ExecBench, ACommandStartsWithOpenEarsForSignals) {
  const auto result = run(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status"));
  EXPECT_EQ(result.result, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(ExecBench, ManyCommandsAtOnceDoNotDisturbEachOther) {
  std::atomic<int> right = 0;
  std::vector<std::thread> runners;
  for (int i = 0; i < 8; ++i) {
    runners.emplace_back([this, i, &right] {
      StopSignal own;
      for (int n = 0; n < 5; ++n) {
        const std::string payload = std::to_string(i * 100 + n);
        const auto given = context(payload);
        AttemptContext attempt{.stop = own, .progress = given.progress};
        attempt.payload = payload;
        const auto result = ExecEngine(shell("cat; sleep 600 & exit 0"), keeper()).run(attempt);
        if (result.result == payload) ++right;
      }
    });
  }
  for (auto& runner : runners) runner.join();
  EXPECT_EQ(right, 40);
}

// --- the worker's own end

TEST_F(ExecBench, NothingOutlivesAWorkerThatIsKilled) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t worker = fork();
  if (worker == 0) {  // a worker of its own, with a keeper of its own; it is killed while it runs
    close(ends[0]);
    ChildKeeper own;
    AttemptContext attempt{.stop = stop, .progress = [&](auto, std::string_view message) {
                             const int pid = std::stoi(std::string(message));
                             [[maybe_unused]] const auto bytes = write(ends[1], &pid, sizeof pid);
                           }};
    ExecEngine(shell_lines(R"(sh -c 'trap "" TERM HUP; echo "{\"message\": \"$$\"}"
                                     while :; do sleep 60; done' & wait)"),
               own)
        .run(attempt);
    _exit(1);
  }
  close(ends[1]);
  int grandchild = 0;
  ASSERT_EQ(read(ends[0], &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));
  EXPECT_TRUE(lives(grandchild));
  kill(worker, SIGKILL);
  waitpid(worker, nullptr, 0);
  // The keeper and the command hold no end of this pipe; only the worker did. We are their reaper.
  while (lives(grandchild)) waitpid(-1, nullptr, WNOHANG);
  close(ends[0]);
}

}  // namespace
}  // namespace drover::workers::testing
