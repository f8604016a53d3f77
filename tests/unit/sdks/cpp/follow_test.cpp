// Following over real sockets: what the bus loses, and a broker that comes back.

#include "drover/follow.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/sdks/cpp/fake_broker.hpp"

namespace drover {
namespace {

class FollowTest : public testing::Test {
 protected:
  FollowTest() {
    ClientOptions options;
    options.url = broker.url();
    client.emplace(std::move(*Client::open(options)));
  }

  Follower follow(const Since& since = Since::now()) {
    auto follower = Follower::start(*client, since);
    EXPECT_TRUE(follower) << follower.error().message;
    return std::move(*follower);
  }

  // The number of the next event; 0 for a gap, -1 if none came.
  static std::int64_t next(Follower& follower, Duration timeout = 20s) {
    const auto followed = follower.next(timeout);
    if (!followed || !*followed) return -1;
    return (*followed)->kind == Followed::Kind::gap
               ? 0
               : static_cast<std::int64_t>((*followed)->event.seq);
  }

  void await_subscription() {
    while (broker.subscribers() == 0) std::this_thread::yield();
  }

  FakeBroker broker;
  std::optional<Client> client;
};

TEST_F(FollowTest, FromNowOnEveryEventIsTold) {
  broker.happen();
  auto follower = follow();
  await_subscription();
  broker.happen();
  broker.happen();
  EXPECT_EQ(next(follower), 2);
  EXPECT_EQ(next(follower), 3);
  EXPECT_EQ(next(follower, 10ms), -1);
  EXPECT_EQ(follower.cursor().seq, 3u);
}

TEST_F(FollowTest, WhatTheBusLosesIsFetched) {
  auto follower = follow();
  await_subscription();
  broker.happen(/*told=*/false);
  broker.happen();
  EXPECT_EQ(next(follower), 1);
  EXPECT_EQ(next(follower), 2);
  broker.happen(/*told=*/false);
  broker.tick();
  EXPECT_EQ(next(follower), 3);
}

TEST_F(FollowTest, FromTheBeginningIsFromTheOldestThatIsKept) {
  for (int i = 0; i < 5; ++i) broker.happen(false);
  broker.trim(2);
  auto follower = follow(Since::beginning());
  EXPECT_EQ(next(follower), 3);
  EXPECT_EQ(next(follower), 4);
  EXPECT_EQ(next(follower), 5);
}

TEST_F(FollowTest, FromACursorOnNothingIsMissedOrRepeated) {
  for (int i = 0; i < 5; ++i) broker.happen(false);
  auto follower = follow(Since::cursor({FakeBroker::store(), 3}));
  EXPECT_EQ(next(follower), 4);
  EXPECT_EQ(next(follower), 5);
}

TEST_F(FollowTest, FromAnInstantOnIsFoundInTheLog) {
  for (int i = 0; i < 100; ++i) broker.happen(false);  // event n at n seconds
  broker.trim(10);
  auto middle = follow(Since::instant(instant_from_ms(41'500)));
  EXPECT_EQ(next(middle), 42);
}

TEST_F(FollowTest, AnInstantBeforeTheLogIsItsBeginningAndOneAfterItIsNow) {
  for (int i = 0; i < 20; ++i) broker.happen(false);
  broker.trim(10);
  {
    auto all = follow(Since::instant(instant_from_ms(0)));
    EXPECT_EQ(next(all), 11);
  }
  auto none = follow(Since::instant(instant_from_ms(1'000'000)));
  EXPECT_EQ(next(none, 10ms), -1);
}

TEST_F(FollowTest, ACursorThatWasTrimmedIsToldAsAGap) {
  for (int i = 0; i < 20; ++i) broker.happen(false);
  broker.trim(10);
  auto follower = follow(Since::cursor({FakeBroker::store(), 3}));
  const auto gap = follower.next(20s);
  ASSERT_TRUE(gap && *gap);
  EXPECT_EQ((*gap)->reason, "EVENTS_TRIMMED");
  EXPECT_EQ((*gap)->from->seq, 3u);
  EXPECT_EQ((*gap)->to->seq, 20u);
}

TEST_F(FollowTest, FollowingGoesOnWhenTheBrokerComesBack) {
  auto follower = follow();
  await_subscription();
  broker.happen();
  EXPECT_EQ(next(follower), 1);
  broker.stop();
  broker.start();
  for (int i = 0; i < 3; ++i) broker.happen();
  EXPECT_EQ(next(follower), 2);
  EXPECT_EQ(next(follower), 3);
  EXPECT_EQ(next(follower), 4);
}

TEST_F(FollowTest, TheClientCanBeUsedMeanwhile) {
  auto follower = follow();
  await_subscription();
  broker.happen();
  EXPECT_TRUE(client->ping());
  EXPECT_EQ(next(follower), 1);
  EXPECT_TRUE(client->ping());
}

TEST_F(FollowTest, AnEventIsJsonWithItsCursor) {
  auto follower = follow();
  await_subscription();
  broker.happen();
  const auto followed = follower.next(20s);
  ASSERT_TRUE(followed && *followed);
  EXPECT_EQ(to_json((*followed)->event),
            (nlohmann::json{{"store", to_string(FakeBroker::store())},
                            {"seq", 1},
                            {"ts", "1970-01-01T00:00:01.000Z"},
                            {"type", "task.created"},
                            {"tenant", "default"},
                            {"subject", "x"},
                            {"cursor", to_string(FakeBroker::store()) + ":1"}}));
}

}  // namespace
}  // namespace drover
