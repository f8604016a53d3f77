#include "workers/engines/stop_signal.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

#include "workers/engines/json.hpp"
#include "workers/engines/limited_engine.hpp"
#include "workers/engines/native_engine.hpp"

namespace drover::workers {
namespace {

bool readable(const StopSignal& stop) {
  pollfd look{stop.fd(), POLLIN, 0};
  return poll(&look, 1, 0) == 1;
}

TEST(StopSignal, ARequestIsSeenHeardAndTaken) {
  StopSignal stop;
  const auto token = stop.token();
  EXPECT_FALSE(stop.requested());
  EXPECT_FALSE(readable(stop));

  stop.request(10s);
  EXPECT_TRUE(stop.requested());
  EXPECT_TRUE(token.stop_requested());
  EXPECT_TRUE(readable(stop));
  stop.heard();
  EXPECT_FALSE(readable(stop));
}

TEST(StopSignal, ASecondRequestOnlyShortensTheFirst) {
  StopSignal stop;
  stop.request(10s);
  const auto first = *stop.force_at();
  stop.request(1h);
  EXPECT_EQ(stop.force_at(), first);
  stop.request(1s);
  EXPECT_LT(*stop.force_at(), first);
}

TEST(StopSignal, AWaitEndsWithTheRequest) {
  StopSignal stop;
  std::thread other([&] { stop.request(0ms); });
  EXPECT_TRUE(stop.wait_for(1h));
  other.join();
}

TEST(StopSignal, AResetSignalIsAsNew) {
  StopSignal stop;
  stop.request(1s);
  stop.reset();
  EXPECT_FALSE(stop.requested());
  EXPECT_FALSE(stop.token().stop_requested());
  EXPECT_FALSE(readable(stop));
  EXPECT_FALSE(stop.wait_for(1ms));
}

TEST(NativeEngine, AHandlerThatThrowsHasFailedAndMayBeTriedAgain) {
  StopSignal stop;
  const AttemptContext attempt{.stop = stop, .progress = [](auto, auto) {}};
  NativeEngine engine(
      [](const AttemptContext&) -> AttemptResult { throw std::runtime_error("no"); });
  const auto result = engine.run(attempt);
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_EQ(result.error, (TaskError{"TASK_FAILED", "the handler threw: no", true}));
}

TEST(LimitedEngine, FurtherAttemptsWaitAndOneThatIsStoppedMeanwhileIsReleased) {
  StopSignal running_stop;
  StopSignal waiting_stop;
  std::atomic<int> begun = 0;
  LimitedEngine engine(std::make_shared<NativeEngine>([&](const AttemptContext& a) {
                         ++begun;
                         waiting_stop.request(0ms);
                         a.stop.wait_for(1h);
                         return AttemptResult{};
                       }),
                       1);
  const AttemptContext running{.stop = running_stop, .progress = [](auto, auto) {}};
  const AttemptContext waiting{.stop = waiting_stop, .progress = [](auto, auto) {}};
  std::thread first([&] { engine.run(running); });
  while (begun == 0) std::this_thread::yield();
  EXPECT_EQ(engine.run(waiting).outcome, Outcome::released);
  running_stop.request(0ms);
  first.join();
  EXPECT_EQ(begun, 1);
  waiting_stop.reset();
  EXPECT_EQ(engine.run(waiting).outcome, Outcome::completed);  // its turn: the place is free again
}

TEST(Json, DeepNestingIsRefusedAndBracketsInTextsAreNone) {
  EXPECT_TRUE(is_json(std::string(128, '[') + std::string(128, ']')));
  EXPECT_FALSE(is_json(std::string(129, '[') + std::string(129, ']')));
  EXPECT_TRUE(is_json("\"" + std::string(1000, '[') + "\""));
  EXPECT_FALSE(is_json("{\"a\":1} x"));
  EXPECT_FALSE(is_json("\"\xff\""));
}

}  // namespace
}  // namespace drover::workers
