// The status bus: who subscribes hears, limits hold, and the count of subscribers is never too low.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "common/transport/poller.hpp"
#include "common/transport/sub_socket.hpp"
#include "common/transport/xpub_socket.hpp"

namespace drover::transport {
namespace {

using namespace std::chrono_literals;

class BusTest : public testing::Test {
 protected:
  BusTest() : bus(std::move(*XpubSocket::bind(context, "tcp://127.0.0.1:*", {}))) {}

  SubSocket listener() { return std::move(*SubSocket::connect(context, bus.address(), {})); }

  // Takes subscriptions until `done` holds; false after ten seconds.
  template <class Done>
  bool until(Done done) {
    for (int i = 0; i < 2000 && !done(); ++i) {
      Poller poller;
      poller.add(bus);
      poller.wait(5ms);
      bus.take_subscriptions(admits);
    }
    return done();
  }

  static std::ptrdiff_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  }

  // "topic: event", or what is the matter.
  static std::string next(SubSocket& sub) {
    Poller poller;
    poller.add(sub);
    poller.wait(10s);
    const auto told = sub.receive();
    if (!told) return "nothing came";
    return std::string(told->topic.view()) + ": " + std::string(told->event.view());
  }

  Context context;
  XpubSocket bus;
  XpubSocket::Admits admits = [](std::string_view, std::string_view) { return true; };
};

TEST_F(BusTest, ASubscriberHearsWhatItAskedForAndNothingElse) {
  auto sub = listener();
  EXPECT_TRUE(sub.subscribe("default/task.dead"));
  ASSERT_TRUE(until([&] { return bus.subscriptions() == 1; }));
  bus.publish("default/task.created/q/1", "a");
  bus.publish("default/task.dead/q/1", "b");
  EXPECT_EQ(next(sub), "default/task.dead/q/1: b");
}

TEST_F(BusTest, EverythingIsOneSubscription) {
  auto sub = listener();
  EXPECT_TRUE(sub.subscribe(""));
  ASSERT_TRUE(until([&] { return bus.subscriptions() == 1; }));
  bus.publish("a", "1");
  bus.publish("b", "2");
  EXPECT_EQ(next(sub), "a: 1");
  EXPECT_EQ(next(sub), "b: 2");
}

TEST_F(BusTest, NobodyThereIsZeroAndPublishingIsFine) {
  EXPECT_EQ(bus.subscriptions(), 0u);
  bus.publish("a", "1");
}

TEST_F(BusTest, ASubscriptionTooLongIsRefusedAndCounted) {
  auto sub = listener();
  EXPECT_EQ(sub.subscribe(std::string(201, 'x')).error().code, Errc::invalid_argument);
  zmq::socket_t stranger(context.zmq(), zmq::socket_type::sub);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.connect(bus.address());
  stranger.set(zmq::sockopt::subscribe, std::string(201, 'x'));
  EXPECT_TRUE(sub.subscribe(std::string(200, 'y')));
  ASSERT_TRUE(until([&] { return bus.subscriptions() + bus.refused() == 2; }));
  EXPECT_EQ(bus.subscriptions(), 1u);
  EXPECT_EQ(bus.refused(), 1u);

  bus.publish(std::string(201, 'x'), "never heard");
  bus.publish(std::string(200, 'y'), "heard");
  EXPECT_EQ(next(sub), fmt::format("{}: heard", std::string(200, 'y')));
}

TEST_F(BusTest, BeyondItsLimitAPeerIsRefusedButNotTheOthers) {
  auto greedy = listener(), modest = listener();
  for (std::size_t i = 0; i < kSubscriptionsPerPeerMax + 10; ++i) {
    EXPECT_TRUE(greedy.subscribe("topic/" + std::to_string(1000 + i)));
  }
  ASSERT_TRUE(until([&] { return bus.refused() == 10; }));
  EXPECT_EQ(bus.subscriptions(), kSubscriptionsPerPeerMax);

  EXPECT_TRUE(modest.subscribe("topic/1260"));  // was refused to the other
  ASSERT_TRUE(until([&] { return bus.subscriptions() == kSubscriptionsPerPeerMax + 1; }));
  bus.publish("topic/1260", "for the modest one");
  EXPECT_EQ(next(modest), "topic/1260: for the modest one");
  EXPECT_FALSE(greedy.receive());
}

TEST_F(BusTest, ASubscriptionThatItsOwnerMayNotHaveIsCountedAndHearsNothing) {
  std::string users;
  admits = [&](std::string_view user, std::string_view topic) {
    users += user;
    return topic.starts_with("acme/");
  };
  auto sub = listener();
  for (const auto* topic : {"", "acme", "zeta/", "acme/"}) EXPECT_TRUE(sub.subscribe(topic));
  ASSERT_TRUE(until([&] { return bus.subscriptions() + bus.refused() == 4; }));
  EXPECT_EQ(bus.refused(), 3u);
  EXPECT_EQ(users, "") << "a socket without keys knows nobody's name";
  bus.publish("zeta/task.dead/q/1", "theirs");
  bus.publish("acme/task.dead/q/1", "ours");
  EXPECT_EQ(next(sub), "acme/task.dead/q/1: ours");
}

// What the one left unread would be entered for a pipe that is no more.
TEST_F(BusTest, WhoTakesOverTheDescriptorOfOneThatWentGetsNoneOfItsSubscriptions) {
  const auto before = open_descriptors();
  {
    Poller poller;
    poller.add(bus);
    auto gone = listener();
    EXPECT_TRUE(gone.subscribe("gone/"));
    ASSERT_TRUE(poller.wait(10s) && poller.ready(0));
  }
  for (int i = 0; i < 2000 && open_descriptors() > before; ++i) Poller().wait(5ms);
  ASSERT_LE(open_descriptors(), before) << "both ends are closed: the next get their numbers";
  auto heir = listener();
  EXPECT_TRUE(heir.subscribe("heir/"));
  Poller().wait(100ms);  // its request is there as well when the bus looks
  bus.publish("", "");   // and libzmq has taken the other's pipe away
  ASSERT_TRUE(until([&] { return heir.receive(), bus.subscriptions() == 1; }));
  bus.publish("gone/a", "never heard");
  bus.publish("heir/a", "heard");
  EXPECT_EQ(next(heir), "heir/a: heard");
}

// libzmq would enter the request that is read next for somebody else: XSUB may send such messages.
TEST_F(BusTest, AMessageThatIsNoRequestGivesNobodyAnothersSubscription) {
  const auto sends = [&](std::initializer_list<std::string_view> requests) {
    zmq::socket_t peer(context.zmq(), zmq::socket_type::xsub);
    peer.set(zmq::sockopt::linger, 0);
    peer.connect(bus.address());
    for (const auto request : requests) peer.send(zmq::buffer(request));
    return peer;
  };
  for (int round = 0; round < 3; ++round) {
    auto odd = sends({"\x02 no request"});
    auto victim = listener();
    EXPECT_TRUE(victim.subscribe("acme/"));
    auto curious = sends({"\x01zeta/"});
    Poller().wait(100ms);  // all of it is there when the bus looks
    const auto come_again = [&] {
      static_cast<void>(curious.get(zmq::sockopt::events)), victim.receive();
    };
    ASSERT_TRUE(until([&] { return come_again(), bus.subscriptions() == 2; }));
    bus.publish("acme/task.dead", "ours");
    bus.publish("zeta/task.dead", "theirs");
    EXPECT_EQ(next(victim), "acme/task.dead: ours");
    zmq::message_t topic, event;
    curious.set(zmq::sockopt::rcvtimeo, 10'000);
    ASSERT_TRUE(curious.recv(topic));
    EXPECT_EQ(topic.to_string_view(), "zeta/task.dead");
    odd.close(), curious.close(), victim = listener();
    ASSERT_TRUE(until([&] { return bus.subscriptions() == 0; }));
  }
}

TEST_F(BusTest, AListenerThatGoesIsNoticedAndTheOthersStayCounted) {
  auto stays = listener();
  EXPECT_TRUE(stays.subscribe(""));
  {
    auto goes = listener();
    EXPECT_TRUE(goes.subscribe(""));
    EXPECT_TRUE(goes.subscribe("more"));
    ASSERT_TRUE(until([&] { return bus.subscriptions() == 3; }));
  }
  EXPECT_TRUE(until([&] { return bus.subscriptions() == 1; }));
  bus.publish("a", "1");
  EXPECT_EQ(next(stays), "a: 1");
}

TEST_F(BusTest, ManyComeAndGoAndTheCountEndsAtZero) {
  for (int round = 0; round < 20; ++round) {
    auto a = listener(), b = listener();
    EXPECT_TRUE(a.subscribe(""));
    EXPECT_TRUE(b.subscribe("topic"));
    ASSERT_TRUE(until([&] { return bus.subscriptions() >= 2; }));
  }
  EXPECT_TRUE(until([&] { return bus.subscriptions() == 0; }));
}

}  // namespace
}  // namespace drover::transport
