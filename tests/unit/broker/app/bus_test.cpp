// The bus on its own thread: what is told to it comes out in order, and who may not listen is cut.

#include "broker/app/bus.hpp"

#include <gtest/gtest.h>

#include <string>

#include "common/transport/poller.hpp"
#include "common/transport/sub_socket.hpp"

namespace drover::broker {
namespace {

using transport::SubSocket;
using transport::XpubSocket;

class BusThreadTest : public testing::Test {
 protected:
  BusThreadTest()
      : bus(std::move(*XpubSocket::bind(context, "tcp://127.0.0.1:*", {.send_max = 10'000})),
            [](auto, auto) { return true; }) {}

  SubSocket listener(const std::string& prefix) {
    auto sub = *SubSocket::connect(context, bus.address(), {.receive_max = 10'000});
    EXPECT_TRUE(sub.subscribe(prefix));
    return sub;
  }

  // Looks every few milliseconds, for ten seconds at most.
  template <class Done>
  static bool until(Done done) {
    for (int i = 0; i < 2000 && !done(); ++i) transport::Poller().wait(5ms);
    return done();
  }

  static std::string next(SubSocket& sub) {
    transport::Poller poller;
    poller.add(sub);
    poller.wait(10s);
    const auto told = sub.receive();
    return told ? std::string(told->topic.view()) + ":" + std::string(told->event.view())
                : "nothing came";
  }

  transport::Context context;
  Bus bus;
};

TEST_F(BusThreadTest, EventsComeInTheOrderInWhichTheyWereTold) {
  auto sub = listener("acme/");
  ASSERT_TRUE(until([&] { return bus.subscriptions() == 1; }));
  for (int i = 0; i < 2000; ++i) {
    bus.publish("zeta/task.created", "not asked for");
    bus.publish("acme/task.created", std::to_string(i));
  }
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(next(sub), "acme/task.created:" + std::to_string(i));
  EXPECT_EQ(bus.untold(), 0U);
}

TEST_F(BusThreadTest, WhoMayNotListenAnyMoreIsCutAndDoesNotComeInAgain) {
  auto sub = listener("acme/");
  ASSERT_TRUE(until([&] { return bus.subscriptions() == 1; }));
  bus.set_admits([](auto, auto topic) { return topic.starts_with("zeta/"); });
  bus.cut([](auto) { return true; });
  EXPECT_TRUE(until([&] {
    EXPECT_FALSE(sub.receive());  // it comes again by itself while somebody looks at it
    return bus.subscriptions() == 0 && bus.refused() > 0;
  }));
  bus.publish("acme/task.created", "secret");
  auto other = listener("zeta/");
  ASSERT_TRUE(until([&] { return bus.subscriptions() == 1; }));
  bus.publish("zeta/task.created", "1");
  EXPECT_EQ(next(other), "zeta/task.created:1");
  EXPECT_FALSE(sub.receive());
}

TEST_F(BusThreadTest, EveryConnectionThatSaidSomethingIsToldOnce) {
  auto sub = listener("acme/");
  ASSERT_TRUE(until([&] { return bus.subscriptions() == 1; }));
  int heard = 0;
  const auto count = [&](const transport::Connection& connection) {
    EXPECT_TRUE(connection.stands());
    ++heard;
  };
  ASSERT_TRUE(until([&] { return bus.each_heard(count), heard > 0; }));
  bus.each_heard(count);
  EXPECT_EQ(heard, 1);
}

}  // namespace
}  // namespace drover::broker
