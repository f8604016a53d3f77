#include "workers/io/broker_link.hpp"

#include <gtest/gtest.h>

#include "common/transport/poller.hpp"
#include "common/transport/router_socket.hpp"
#include "common/wire/codec.hpp"

namespace drover::workers {
namespace {

class BrokerLinkTest : public ::testing::Test {
 protected:
  static constexpr SessionId kKnock{1};

  void SetUp() override {
    bind("tcp://127.0.0.1:*");
    auto opened = BrokerLink::open(context, broker->address(), {}, 1);
    ASSERT_TRUE(opened);
    link.emplace(std::move(*opened));
    connect();
  }

  // The broker has a context of its own: when that is gone, its address is free.
  void bind(const std::string& address) {
    broker.reset();
    brokers_context.emplace();
    auto bound = transport::RouterSocket::bind(*brokers_context, address, {});
    ASSERT_TRUE(bound) << bound.error().message;
    broker.emplace(std::move(*bound));
  }

  // Says bye until it arrives: before there is a connection it is dropped.
  void connect() {
    transport::Poller poller;
    const auto heard_it = poller.add(*broker);
    for (int tries = 0; tries < 1000 && !poller.ready(heard_it); ++tries) {
      link->send(wire::Bye{kKnock});
      poller.wait(10ms);
    }
  }
  void TearDown() override { link.reset(); }

  static void await(transport::Socket& socket) {
    transport::Poller poller;
    const auto slot = poller.add(socket);
    poller.wait(10s);
    ASSERT_TRUE(poller.ready(slot));
  }

  // What the worker said after its knocking, decoded; the broker knows from then on where it is.
  wire::WorkerMessage heard() {
    for (;;) {
      await(*broker);
      in = broker->receive();
      peer = in->peer;
      auto message = wire::decode_worker_message(in->frame.view(), {});
      EXPECT_TRUE(message) << message.error().message;
      const auto* bye = std::get_if<wire::Bye>(&*message);
      if (!bye || bye->session != kKnock) return *message;
    }
  }

  void say(const wire::WorkerOrder& order) {
    std::string frame;
    wire::encode(order, frame);
    ASSERT_EQ(broker->send(peer, frame), transport::Sent::sent);
  }

  transport::Context context;
  std::optional<transport::Context> brokers_context;
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
  auto lonely = BrokerLink::open(nowhere, "tcp://127.0.0.1:1", {}, 1);
  ASSERT_TRUE(lonely);
  for (int i = 0; i < 3; ++i) lonely->send(wire::Bye{SessionId{5}});
  EXPECT_EQ(lonely->figures().dropped, 3U);
}

TEST_F(BrokerLinkTest, AConnectionThatComesUpAgainIsToldAndCanBeUsedAtOnce) {
  link->take_connected();
  bind(broker->address());
  while (!link->take_connected()) await(link->watch());
  link->send(wire::Bye{SessionId{5}});
  EXPECT_EQ(std::get<wire::Bye>(heard()).session, SessionId{5});
}

TEST_F(BrokerLinkTest, AnAddressThatIsNoneIsABadConfiguration) {
  const auto link_to_nowhere = BrokerLink::open(context, "tcp//nowhere", {}, 1);
  ASSERT_FALSE(link_to_nowhere);
  EXPECT_EQ(link_to_nowhere.error().code, Errc::bad_configuration);
}

}  // namespace
}  // namespace drover::workers
