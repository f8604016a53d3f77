// A release reads what the next one writes: fields added to any entry of a list are passed over.
// tests/contract/wire adds fields to the messages themselves, one golden frame after the other.

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/common/wire/sentences.hpp"

namespace drover::wire::testing {
namespace {

// Two fields that no release has.
Writer& added(Writer& w) { return w.map(1).str("added").array(1).real(0.5).bin("later"); }

template <class Message>
Message read(const std::string& frame) {
  const auto decoded = decode<FamilyOf<Message>>(frame);
  if (!decoded) {
    ADD_FAILURE() << decoded.error().message;
    return {};
  }
  return std::get<Message>(*decoded);
}

constexpr Instant kThen = instant_from_ms(1'769'846'709'007);

TEST(LaterReleaseTest, OutcomesMayHaveMoreFields) {
  std::string frame;
  Writer w(frame);
  w.array(2).uint(34).array(1).array(4).uint(7).array(1);  // one reply, with one outcome
  w.array(10).id(task_named('a')).uint(2).boolean(true).nil().nil().nil().nil().nil();
  added(added(w));
  const auto m = read<Accepted>(frame);
  ASSERT_EQ(m.replies.size(), 1u);
  EXPECT_EQ(m.replies[0].request, 7u);
  ASSERT_EQ(m.replies[0].outcomes.size(), 1u);
  EXPECT_TRUE(m.replies[0].outcomes[0].duplicate);
  EXPECT_EQ(m.replies[0].outcomes[0].code, Errc::ok);
}

TEST(LaterReleaseTest, HoldsAndLabelsMayHaveMoreFields) {
  std::string frame;
  Writer w(frame);
  w.array(12).uint(65).uint(1).id(worker_named('w')).str("h").uint(1).str("s").array(1).str("t");
  added(w.array(0).array(1).array(4).str("zone").str("eu")).uint(1).uint(1);
  added(w.array(2).array(4).id(task_named('a')).uint(1));
  added(w.array(4).id(task_named('b')).uint(2));
  const auto m = read<Hello>(frame);
  EXPECT_EQ(m.labels, (Pairs{{"zone", "eu"}}));
  EXPECT_EQ(m.holds, (std::vector<Hold>{{task_named('a'), 1}, {task_named('b'), 2}}));
}

TEST(LaterReleaseTest, ResultsAndTheirUsageMayHaveMoreFields) {
  std::string frame;
  Writer w(frame);
  w.array(3).uint(67).uint(9).array(2);
  w.array(7).id(task_named('a')).uint(1).bin("r").nil().array(5).uint(1).uint(2).uint(3);
  added(added(w));
  w.array(5).id(task_named('b')).uint(2).bin("").nil().nil();
  const auto m = read<Done>(frame);
  ASSERT_EQ(m.items.size(), 2u);
  EXPECT_EQ(m.items[0].usage, (Usage{1, 2, 3}));
  EXPECT_EQ(m.items[1].task, task_named('b'));
}

TEST(LaterReleaseTest, AnOlderUsageMayHaveFewerFields) {
  std::string frame;
  Writer w(frame);
  w.array(3).uint(67).uint(9).array(1);
  w.array(5).id(task_named('a')).uint(1).bin("r").nil().array(2).uint(1).uint(2);
  EXPECT_EQ(read<Done>(frame).items.at(0).usage, (Usage{1, 2, 0}));
}

TEST(LaterReleaseTest, FailuresAndProgressMayHaveMoreFields) {
  std::string frame;
  Writer w(frame);
  w.array(3).uint(68).uint(9).array(1).array(10).id(task_named('a')).uint(1).uint(2).str("X");
  added(w.str("message").boolean(true).nil().nil());
  EXPECT_EQ(read<Failed>(frame).items.at(0).message, "message");

  frame.clear();
  w.array(3).uint(70).uint(9).array(1).array(6).id(task_named('a')).uint(1).uint(50).str("half");
  added(w);
  EXPECT_EQ(read<Progress>(frame).items.at(0).percent, 50u);
}

TEST(LaterReleaseTest, OrdersMayHaveMoreFields) {
  std::string frame;
  Writer w(frame);
  w.array(3)
      .uint(98)
      .uint(9)
      .array(1)
      .array(11)
      .uint(1)
      .uint(0)
      .uint(5)
      .span(Duration(1s))
      .str("default");
  added(w.str("default").uint(1).instant(kThen).array(0));
  EXPECT_EQ(read<Assign>(frame).items.at(0).task, "\x90");

  frame.clear();
  w.array(3).uint(99).uint(9).array(1).array(5).id(task_named('a')).uint(1).uint(4004);
  added(w);
  EXPECT_EQ(read<Confirm>(frame).items.at(0).code, Errc::stale_lease);

  frame.clear();
  w.array(3).uint(100).uint(9).array(1).array(5).id(task_named('a')).uint(1).span(Duration(5s));
  added(w);
  EXPECT_EQ(read<CancelAttempts>(frame).items.at(0).grace, 5s);
}

TEST(LaterReleaseTest, AnEntryWithFewerFieldsThanItHasIsRefused) {
  // The next value would be taken for the one that is missing.
  const auto refused = [](auto family, const std::string& frame) {
    return verdict<decltype(family)>(frame);
  };
  std::string frame;
  Writer w(frame);
  w.array(2)
      .uint(34)
      .array(1)
      .array(2)
      .uint(7)
      .array(1)
      .array(2)
      .id(task_named('a'))
      .uint(2)
      .boolean(true);
  EXPECT_EQ(refused(ClientReply{}, frame), "MALFORMED");
  frame.clear();
  w.array(4).uint(66).uint(9).boolean(false).array(1).array(1).id(task_named('a')).uint(1);
  EXPECT_EQ(refused(WorkerMessage{}, frame), "MALFORMED");
  frame.clear();
  w.array(3).uint(99).uint(9).array(1).array(2).id(task_named('a')).uint(1).uint(0);
  EXPECT_EQ(refused(WorkerOrder{}, frame), "MALFORMED");
}

}  // namespace
}  // namespace drover::wire::testing
