// Many seeds, and what must be true of all of them together.
//
//   DROVER_SEED=42      where to begin (1)
//   DROVER_SEEDS=100    how many (2,000 in a release, 60 with sanitizers)
//
// A seed that fails is looked into with build/release/tests/simulation_run --seed N --trace.

#include "tests/simulation/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace drover::sim {
namespace {

#ifdef NDEBUG
constexpr std::uint64_t kSeeds = 2000;
#else
constexpr std::uint64_t kSeeds = 60;
#endif
constexpr std::uint64_t kEnoughForFigures = 500;  // seeds, to tell how often something happens

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// All seeds are run once; the tests ask different things of them.
class SimulationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    first_ = from_environment("DROVER_SEED", 1);
    count_ = from_environment("DROVER_SEEDS", kSeeds);
    for (auto seed = first_; seed < first_ + count_; ++seed) take(seed, simulate(seed));
    std::printf(
        "simulation: seeds %llu to %llu, %llu tasks, %llu faults of %zu kinds, %.0f minutes\n",
        static_cast<unsigned long long>(first_),
        static_cast<unsigned long long>(first_ + count_ - 1),
        static_cast<unsigned long long>(tasks_), static_cast<unsigned long long>(faults_.total()),
        faults_.kinds(), static_cast<double>(simulated_) / kMinute);
  }

  static void take(std::uint64_t seed, const Report& report) {
    if (report.violation) failures_.emplace_back(seed, *report.violation);
    fewest_tasks_ = std::min(fewest_tasks_, report.tasks);
    fewest_faults_ = std::min(fewest_faults_, report.faults.total());
    fewest_kinds_ = std::min(fewest_kinds_, report.faults.kinds());
    shortest_ = std::min(shortest_, report.simulated);
    faults_.add(report.faults);
    figures_.add(report.figures);
    tasks_ += report.tasks;
    simulated_ += report.simulated;
  }

  static inline std::uint64_t first_ = 1, count_ = 0, tasks_ = 0;
  static inline Micros simulated_ = 0, shortest_ = INT64_MAX;
  static inline std::uint64_t fewest_tasks_ = UINT64_MAX, fewest_faults_ = UINT64_MAX;
  static inline std::size_t fewest_kinds_ = SIZE_MAX;
  static inline FaultCounts faults_;
  static inline CheckerFigures figures_;
  static inline std::vector<std::pair<std::uint64_t, std::string>> failures_;
};

TEST_F(SimulationTest, NoSeedBreaksAPromise) {
  for (const auto& [seed, violation] : failures_) {
    ADD_FAILURE() << "seed " << seed << ": " << violation << "\n"
                  << describe(draw_options(seed)) << "look at it with: simulation_run --seed "
                  << seed << " --trace";
  }
}

TEST_F(SimulationTest, EverySeedHasWorkAndTrouble) {
  if (!failures_.empty()) GTEST_SKIP() << "a seed that fails ends early";
  EXPECT_GE(fewest_tasks_, 500U);
  EXPECT_GE(fewest_faults_, 20U);
  EXPECT_GE(fewest_kinds_, 8U);
  EXPECT_GE(shortest_, 10 * kMinute);
}

TEST_F(SimulationTest, EveryKindOfFaultHappensOften) {
  if (count_ < kEnoughForFigures) GTEST_SKIP() << "too few seeds to tell";
  for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
    EXPECT_GE(faults_.by_kind[kind], 100U) << kFaultNames[kind];
  }
}

TEST_F(SimulationTest, EveryStepOfATasksLifeIsTakenOften) {
  if (count_ < kEnoughForFigures) GTEST_SKIP() << "too few seeds to tell";
  using enum TaskState;
  const std::pair<TaskState, TaskState> steps[] = {
      {ready, running},      {running, completed}, {running, retrying},  {running, dead},
      {running, ready},      {running, cancelled}, {ready, cancelled},   {scheduled, cancelled},
      {retrying, cancelled}, {ready, expired},     {scheduled, expired}, {retrying, expired},
      {dead, ready},         {cancelled, ready},   {expired, ready},     {retrying, ready},
  };
  for (const auto& [from, to] : steps) {
    const auto times = figures_.steps[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
    EXPECT_GE(times, 20U) << name_of(from) << " to " << name_of(to);
  }
  EXPECT_GE(figures_.gaps, 10U) << "subscribers that came too late for the log";
}

TEST_F(SimulationTest, ASeedRepeatsItselfExactly) {
  const std::uint64_t seeds = std::max<std::uint64_t>(count_ / 100, 3);
  for (auto seed = first_; seed < first_ + seeds; ++seed) {
    EXPECT_EQ(simulate(seed).trace_hash, simulate(seed).trace_hash) << "seed " << seed;
  }
}

}  // namespace
}  // namespace drover::sim
