// The turn among peers that come too fast or send what nobody can read: they are refused or
// ignored, and counted; the others are served.

#include <gtest/gtest.h>

#include "broker/io/turn.hpp"
#include "tests/unit/broker/io/io_session.hpp"

namespace drover::broker::testing {
namespace {

constexpr Peer kBad{1}, kGood{2};
const Principal kEverybody = everybody();

class TurnLimitsTest : public ::testing::Test {
 protected:
  explicit TurnLimitsTest(TurnOptions options = {}) : turn(options, store, out, 1) {
    out.listened_to = false;
    EXPECT_TRUE(turn.start(kThen));
    turn.begin(kThen);
  }

  static std::string ping(std::uint64_t request) { return encoded(wire::Ping{request}); }
  static std::string encoded(const wire::ClientMessage& message) {
    std::string frame;
    wire::encode(message, frame);
    return frame;
  }
  static std::string encoded(const wire::WorkerMessage& message) {
    std::string frame;
    wire::encode(message, frame);
    return frame;
  }

  // What has left since the last time.
  std::vector<std::string> said() {
    turn.finish();
    return std::exchange(out.lines, {});
  }

  HeldStore store;
  NotebookOutlet out;
  Turn turn;
};

TEST_F(TurnLimitsTest, WhoSendsTwentyUnreadableFramesIsToldEachTimeAndThenIgnored) {
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(turn.on_client_frame(kBad, kEverybody, "\x92\xcc\xc8\x07"));
  EXPECT_EQ(said().size(), 20u);
  EXPECT_FALSE(turn.on_client_frame(kBad, kEverybody, ping(1)));
  EXPECT_TRUE(turn.on_client_frame(kGood, kEverybody, ping(2)));
  const auto lines = said();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("client 2: answer 2")) << lines[0];
  EXPECT_EQ(turn.refusals().of(Errc::unknown_message), 20u);
  EXPECT_EQ(turn.refusals().of(Errc::rate_limited), 1u);
  EXPECT_EQ(turn.refusals().dropped(), 1u);
}

TEST_F(TurnLimitsTest, MessagesOfSeveralFramesCountAsUnreadable) {
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(turn.on_foreign_client(kBad));
  EXPECT_FALSE(turn.on_client_frame(kBad, kEverybody, ping(1)));
  EXPECT_TRUE(said().empty());
  EXPECT_EQ(turn.refusals().of(Errc::malformed), 20u);
}

TEST_F(TurnLimitsTest, AStrangerWithAChosenRoutingIdIsCountedOnly) {
  for (int i = 0; i < 100; ++i) turn.on_foreign_client(Peer{});
  EXPECT_EQ(turn.refusals().dropped(), 100u);
}

TEST_F(TurnLimitsTest, WhileMemoryIsShortNewTasksAreRefusedAndQuestionsAnswered) {
  ProcessFigures process;
  process.memory_short = true;
  turn.tell(process);
  wire::Submit submit{1, {}};
  TaskSpec spec;
  Random random(1);
  spec.id = make_task_id(kThen, "default", random);
  spec.type = "t";
  std::string bytes;
  wire::encode_task(spec, bytes);
  submit.tasks.push_back({spec, bytes, {}});
  turn.on_client_frame(kGood, kEverybody, encoded(submit));
  turn.on_client_frame(kGood, kEverybody, ping(2));
  auto lines = said();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("RESOURCE_EXHAUSTED"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("answer 2"), std::string::npos) << lines[1];

  process.memory_short = false;
  turn.tell(process);
  turn.on_client_frame(kGood, kEverybody, encoded(submit));
  turn.finish();
  store.commit();
  turn.begin(kThen + 1ms);
  lines = said();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("ready]"), std::string::npos) << lines[0];
}

TEST_F(TurnLimitsTest, StatsTellWhatWasRefusedByCode) {
  turn.on_client_frame(kBad, kEverybody, "\xc1");
  turn.on_foreign_worker(kBad);
  ProcessFigures process;
  process.subscriptions_refused = 3;
  turn.tell(process);
  turn.on_client_frame(kGood, kEverybody, encoded(wire::Stats{9}));
  const auto lines = said();
  EXPECT_NE(lines.back().find(R"("refused": {"MALFORMED": 2, "RESOURCE_EXHAUSTED": 3})"),
            std::string::npos)
      << lines.back();
  EXPECT_NE(lines.back().find(R"("dropped_frames": 4)"), std::string::npos) << lines.back();
}

class SlowTurnTest : public TurnLimitsTest {
 protected:
  static TurnOptions slow() {
    TurnOptions options;
    options.client_limits.requests = 10;
    options.worker_limits.greetings = 5;
    options.core.waits_of_peer = 2;
    return options;
  }
  SlowTurnTest() : TurnLimitsTest(slow()) {}
};

TEST_F(SlowTurnTest, RequestsThatComeTooFastAreRefusedUntilTimeHasPassed) {
  for (std::uint64_t i = 0; i < 15; ++i) turn.on_client_frame(kBad, kEverybody, ping(i));
  turn.on_client_frame(kGood, kEverybody, ping(99));
  const auto lines = said();
  EXPECT_EQ(turn.refusals().of(Errc::rate_limited), 5u);
  EXPECT_TRUE(lines.back().starts_with("client 2: answer 99")) << lines.back();
  turn.begin(kThen + 1100ms);
  EXPECT_TRUE(turn.on_client_frame(kBad, kEverybody, ping(16)));
}

TEST_F(SlowTurnTest, AStormOfHeartbeatsIsReadNowAndThen) {
  wire::Heartbeat heartbeat;
  int read = 0;
  for (int i = 0; i < 1000; ++i)
    read += turn.on_worker_frame(kBad, kEverybody, encoded(heartbeat)) ? 1 : 0;
  EXPECT_EQ(read, 5);
  EXPECT_EQ(turn.refusals().dropped(), 995u);
  EXPECT_TRUE(turn.on_worker_frame(kBad, kEverybody, encoded(wire::Bye{})));
}

}  // namespace
}  // namespace drover::broker::testing
