#include "workers/io/broker_link.hpp"

#include <gtest/gtest.h>

#include "common/transport/poller.hpp"
#include "common/transport/router_socket.hpp"
#include "common/wire/codec.hpp"

namespace drover::workers {
namespace {

class BrokerLinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bound = transport::RouterSocket::bind(context, "tcp://127.0.0.1:*", {});
    ASSERT_TRUE(bound);
    broker.emplace(std::move(*bound));
    auto opened = BrokerLink::open(context, broker->address(), 1);
    ASSERT_TRUE(opened);
    link.emplace(std::move(*opened));
    await(link->watch());
    ASSERT_TRUE(link->take_connected());
  }
  void TearDown() override { link.reset(); }

  static void await(transport::Socket& socket) {
    transport::Poller poller;
    const auto slot = poller.add(socket);
    poller.wait(10s);
    ASSERT_TRUE(poller.ready(slot));
  }

  // What the worker said, decoded; the broker knows from then on where the worker is.
  wire::WorkerMessage heard() {
    await(*broker);
    in = broker->receive();
    peer = in->peer;
    auto message = wire::decode_worker_message(in->frame.view(), {});
    EXPECT_TRUE(message) << message.error().message;
    return *message;
  }

  void say(const wire::WorkerOrder& order) {
    std::string frame;
    wire::encode(order, frame);
    ASSERT_EQ(broker->send(peer, frame), transport::Sent::sent);
  }

  transport::Context context;
  std::optional<transport::RouterSocket> broker;
  std::optional<BrokerLink> link;
  std::optional<transport::RouterSocket::Incoming> in;
  transport::PeerId peer = 0;
};

TEST_F(BrokerLinkTest, WhatIsSaidArrivesAndIsAnswered) {
  link->send(wire::Bye{SessionId{5}});
  EXPECT_EQ(std::get<wire::Bye>(heard()).session, SessionId{5});

  say(wire::Alive{SessionId{6}});
  say(wire::Drain{SessionId{7}});
  std::vector<std::size_t> kinds;
  while (kinds.size() < 2) {
    await(link->socket());
    link->receive([&](const wire::WorkerOrder& order) { kinds.push_back(order.index()); });
  }
  EXPECT_EQ(kinds, (std::vector{wire::WorkerOrder(wire::Alive{}).index(),
                                wire::WorkerOrder(wire::Drain{}).index()}));
}

TEST_F(BrokerLinkTest, AFrameThatIsNoMessageIsCountedAndPassedOver) {
  link->send(wire::Bye{SessionId{5}});
  heard();
  broker->send(peer, "nonsense");
  say(wire::Alive{SessionId{6}});
  int heard_orders = 0;
  while (heard_orders == 0) {
    await(link->socket());
    link->receive([&](const wire::WorkerOrder&) { ++heard_orders; });
  }
  EXPECT_EQ(link->figures().unreadable, 1U);
}

TEST_F(BrokerLinkTest, WithoutABrokerMessagesAreDroppedAndCountedNotGathered) {
  transport::Context nowhere;
  auto lonely = BrokerLink::open(nowhere, "tcp://127.0.0.1:1", 1);
  ASSERT_TRUE(lonely);
  for (int i = 0; i < 3; ++i) lonely->send(wire::Bye{SessionId{5}});
  EXPECT_EQ(lonely->figures().dropped, 3U);
}

TEST_F(BrokerLinkTest, AnAddressThatIsNoneIsABadConfiguration) {
  const auto link_to_nowhere = BrokerLink::open(context, "tcp//nowhere", 1);
  ASSERT_FALSE(link_to_nowhere);
  EXPECT_EQ(link_to_nowhere.error().code, Errc::bad_configuration);
}

}  // namespace
}  // namespace drover::workers
