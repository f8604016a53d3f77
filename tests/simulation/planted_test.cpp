// The checker is not trusted before it has found what was hidden from it: each planted bug
// (broker/core/planted.hpp) must be found within a few hundred seeds, and nothing without one.
//
// Every bug is looked for in a process of its own, since some end in an assertion of the broker's,
// which counts as found. What this prints is the table in PLANTED.md.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "broker/core/planted.hpp"
#include "tests/simulation/simulation.hpp"

namespace drover::sim {
namespace {

using broker::kPlanted;
using broker::Planted;

constexpr std::uint64_t kSeedsAtMost = 400;
constexpr std::uint64_t kSeedsOfTheSound = 40;

constexpr std::array<const char*, kPlanted> kNames = {
    "none",
    "ack_before_write",
    "sync_skipped",
    "torn_group_believed",
    "refused_says_accepted",
    "carry_forgets_scheduled",
    "cancel_lost_in_crash",
    "books_not_carried",
    "assign_before_lease",
    "event_before_durable",
    "attempt_reused",
    "stale_done_accepted",
    "silent_worker_kept",
    "window_ignored",
    "grace_ignored",
    "result_not_journaled",
    "requeue_loses_priority",
    "unsorted_after_restart",
    "keys_lost_in_crash",
    "replay_skips_event",
    "retry_delay_redrawn",
    "delayed_starts_early",
    "worker_lost_charged",
    "one_failure_too_many",
    "neighbour_called_poison",
    "dead_without_history",
    "retry_after_ignored",
    "cancel_before_record",
    "repeat_refused",
    "purged_key_lost",
    "judged_unheard",
    "delay_cut_by_stall",
    "scope_ignored",
    "session_of_anybody",
    "aging_ignored",
    "aging_unbounded",
    "key_ignored",
    "gate_stays_shut",
    "key_lost_in_crash",
};

struct Finding {
  std::uint64_t seed = 0;
  bool found = false;
  std::string what;
};

void say(int pipe, const std::string& line) {
  [[maybe_unused]] const auto written = ::write(pipe, line.data(), line.size());
}

// Tells each seed as it begins, and what it found.
[[noreturn]] void search(int pipe, Planted bug, std::uint64_t seeds) {
  broker::planted_now = bug;
  ::close(STDERR_FILENO);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    say(pipe, "seed " + std::to_string(seed) + "\n");
    const Report report = simulate(seed);
    if (!report.violation) continue;
    say(pipe, "found " + *report.violation + "\n");
    break;
  }
  ::_exit(0);
}

Finding read_finding(int pipe) {
  std::string text;
  std::array<char, 4096> bytes;
  for (ssize_t count = 0; (count = ::read(pipe, bytes.data(), bytes.size())) > 0;) {
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  Finding finding;
  if (const auto found = text.find("found "); found != std::string::npos) {
    finding.found = true;
    finding.what = text.substr(found + 6, text.size() - found - 7);
  }
  const auto last = text.rfind("seed ", text.find("found "));
  if (last != std::string::npos) finding.seed = std::stoull(text.substr(last + 5));
  return finding;
}

Finding look_for(Planted bug, std::uint64_t seeds) {
  int ends[2];
  if (::pipe(ends) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) search(ends[1], bug, seeds);
  ::close(ends[1]);
  Finding finding = read_finding(ends[0]);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!finding.found && WIFSIGNALED(status)) {
    finding.found = true;
    finding.what = "the broker asserts";
  }
  return finding;
}

class PlantedTest : public ::testing::TestWithParam<int> {};

TEST_P(PlantedTest, IsFound) {
  const char* name = kNames[static_cast<std::size_t>(GetParam())];
  const Finding finding = look_for(static_cast<Planted>(GetParam()), kSeedsAtMost);
  EXPECT_TRUE(finding.found) << name << " was not found in " << kSeedsAtMost << " seeds";
  std::printf("| %s | %llu | %s |\n", name, static_cast<unsigned long long>(finding.seed),
              finding.what.c_str());
}

INSTANTIATE_TEST_SUITE_P(EachBug, PlantedTest, ::testing::Range(1, static_cast<int>(kPlanted)),
                         [](const auto& each) {
                           return std::string(kNames[static_cast<std::size_t>(each.param)]);
                         });

TEST(SoundTest, WithoutABugNothingIsFound) {
  const Finding finding = look_for(Planted::none, kSeedsOfTheSound);
  EXPECT_FALSE(finding.found) << "seed " << finding.seed << ": " << finding.what;
}

}  // namespace
}  // namespace drover::sim
