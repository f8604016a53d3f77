// Sockets that talk over the machine's own loopback: what arrives, what is dropped, what is
// refused.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/transport/dealer_socket.hpp"
#include "common/transport/poller.hpp"
#include "common/transport/router_socket.hpp"

namespace drover::transport {
namespace {

using namespace std::chrono_literals;

constexpr const char* kAnywhere = "tcp://127.0.0.1:*";

class SocketsTest : public testing::Test {
 protected:
  RouterSocket router(SocketOptions options = {}) {
    auto bound = RouterSocket::bind(context, kAnywhere, options);
    EXPECT_TRUE(bound) << bound.error().message;
    return std::move(*bound);
  }

  DealerSocket dealer(const RouterSocket& to, SocketOptions options = {}) {
    auto connected = DealerSocket::connect(context, to.address(), options, 7);
    EXPECT_TRUE(connected);
    return std::move(*connected);
  }

  // Waits until the socket has something to read; false after ten seconds of nothing.
  static bool readable(Socket& socket) {
    Poller poller;
    const auto slot = poller.add(socket);
    return poller.wait(10s) && poller.ready(slot);
  }

  // Waits until a connection is told of; false after ten seconds of nothing.
  static bool connects(ConnectionWatch& watch) {
    while (readable(watch)) {
      if (watch.take_connected()) return true;
    }
    return false;
  }

  // Sends as soon as there is a connection.
  static Sent send_soon(DealerSocket& socket, const std::string& bytes) {
    auto sent = Sent::full;
    for (int i = 0; i < 10'000 && sent == Sent::full; ++i) {
      sent = socket.send(bytes);
      if (sent == Sent::full) Poller().wait(1ms);
    }
    return sent;
  }

  static std::optional<RouterSocket::Incoming> next(RouterSocket& socket) {
    return readable(socket) ? socket.receive() : std::nullopt;
  }

  static std::string next(DealerSocket& socket) {
    if (!readable(socket)) return "nothing came";
    auto frame = socket.receive();
    return frame ? std::string(frame->view()) : "nothing was there";
  }

  // A peer that is not one of ours: it may choose its routing id and send what it likes.
  zmq::socket_t stranger(const RouterSocket& to, const std::string& routing_id = "") {
    zmq::socket_t socket(context.zmq(), zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    if (!routing_id.empty()) socket.set(zmq::sockopt::routing_id, routing_id);
    socket.connect(to.address());
    return socket;
  }

  static void send(zmq::socket_t& socket, const std::vector<std::string>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto more = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      ASSERT_TRUE(socket.send(zmq::buffer(frames[i]), more));
    }
  }

  Context context;
};

TEST_F(SocketsTest, AFrameArrivesWithItsSenderAndIsAnswered) {
  auto broker = router();
  auto caller = dealer(broker);

  EXPECT_EQ(send_soon(caller, "hello"), Sent::sent);
  const auto in = next(broker);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->frame.view(), "hello");
  EXPECT_NE(in->peer, 0u);

  EXPECT_EQ(broker.send(in->peer, "welcome"), Sent::sent);
  EXPECT_EQ(next(caller), "welcome");
}

TEST_F(SocketsTest, TwoPeersAreTwoPeers) {
  auto broker = router();
  auto a = dealer(broker), b = dealer(broker);

  send_soon(a, "from a");
  const auto first = next(broker);
  send_soon(b, "from b");
  const auto second = next(broker);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->peer, second->peer);

  broker.send(second->peer, "to b");
  broker.send(first->peer, "to a");
  EXPECT_EQ(next(a), "to a");
  EXPECT_EQ(next(b), "to b");
}

TEST_F(SocketsTest, ReceivingNeverWaits) {
  auto broker = router();
  auto caller = dealer(broker);
  EXPECT_FALSE(broker.receive());
  EXPECT_FALSE(caller.receive());
}

TEST_F(SocketsTest, APeerThatNeverWasIsUnreachable) {
  auto broker = router();
  EXPECT_EQ(broker.send((PeerId{1} << 40) | 12345, "anyone?"), Sent::unreachable);
}

TEST_F(SocketsTest, APeerThatWentAwayIsUnreachable) {
  auto broker = router();
  PeerId gone = 0;
  {
    auto caller = dealer(broker);
    send_soon(caller, "hello");
    gone = next(broker)->peer;
  }
  auto sent = Sent::sent;
  for (int i = 0; i < 1000 && sent != Sent::unreachable; ++i) {
    sent = broker.send(gone, "still there?");
    Poller().wait(1ms);
    broker.receive();
  }
  EXPECT_EQ(sent, Sent::unreachable);
}

TEST_F(SocketsTest, APeerThatDoesNotReadIsFullAndNobodyWaits) {
  SocketOptions narrow;
  narrow.send_max = 1;
  narrow.receive_max = 1;
  auto broker = router(narrow);
  auto caller = dealer(broker, narrow);
  send_soon(caller, "hello");
  const auto peer = next(broker)->peer;
  const std::string large(1 << 20, 'x');
  auto sent = Sent::sent;
  for (int i = 0; i < 1000 && sent == Sent::sent; ++i) sent = broker.send(peer, large);
  EXPECT_EQ(sent, Sent::full);
}

TEST_F(SocketsTest, AMessageOfTwoFramesIsDroppedAndTheNextOneIsHeard) {
  auto broker = router();
  auto odd = stranger(broker);
  send(odd, {"one", "two", "three"});
  send(odd, {"single"});

  const auto dropped = next(broker);
  ASSERT_TRUE(dropped);
  EXPECT_TRUE(dropped->foreign);
  EXPECT_EQ(dropped->frame.size(), 0u);
  const auto in = next(broker);
  ASSERT_TRUE(in);
  EXPECT_FALSE(in->foreign);
  EXPECT_EQ(in->frame.view(), "single");
  EXPECT_EQ(in->peer, dropped->peer);
  EXPECT_EQ(broker.dropped(), 1u);
}

TEST_F(SocketsTest, AMessageOfVeryManyFramesIsThrownAwayPieceByPiece) {
  auto broker = router();
  auto odd = stranger(broker);
  send(odd, std::vector<std::string>(125, "x"));
  send(odd, {"single"});

  int pieces = 0;
  auto in = next(broker);
  for (; in && in->foreign; in = next(broker)) ++pieces;
  EXPECT_EQ(pieces, 3);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->frame.view(), "single");
  EXPECT_EQ(broker.dropped(), 1u);
}

TEST_F(SocketsTest, APeerThatChoseItsOwnRoutingIdIsNotHeard) {
  auto broker = router();
  auto named = stranger(broker, "bob"), five = stranger(broker, "robin");
  send(named, {"hello"});
  send(five, {"hello"});
  auto good = dealer(broker);
  send_soon(good, "good");

  std::vector<std::string> heard;
  for (int i = 0; i < 1000 && (heard.empty() || broker.dropped() < 2); ++i) {
    Poller().wait(1ms);
    while (const auto in = broker.receive()) {
      if (!in->foreign) heard.emplace_back(in->frame.view());
    }
  }
  EXPECT_EQ(heard, std::vector<std::string>{"good"});
  EXPECT_EQ(broker.dropped(), 2u);
}

TEST_F(SocketsTest, AFrameBeyondTheLimitCutsItsSenderOff) {
  SocketOptions limited;
  limited.message_max = 1000;
  auto broker = router(limited);
  auto greedy = dealer(broker), modest = dealer(broker);
  send_soon(greedy, std::string(1001, 'x'));
  send_soon(modest, std::string(1000, 'y'));

  const auto in = next(broker);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->frame.size(), 1000u);
  EXPECT_FALSE(broker.receive());
}

TEST_F(SocketsTest, LongFramesAreTakenOverAndArriveWhole) {
  auto broker = router();
  auto caller = dealer(broker);
  for (const std::size_t size : {0u, 33u, 34u, 4095u, 4096u, 1'000'000u}) {
    std::string bytes(size, 'z');
    ASSERT_EQ(send_soon(caller, "next"), Sent::sent);
    ASSERT_TRUE(next(broker));
    EXPECT_EQ(caller.send(Frame::adopt(std::move(bytes))), Sent::sent);
    const auto in = next(broker);
    ASSERT_TRUE(in);
    EXPECT_EQ(in->frame.view(), std::string(size, 'z'));
  }
}

TEST_F(SocketsTest, AnAddressThatIsTakenIsRefusedWithItsReason) {
  auto first = router();
  const auto second = RouterSocket::bind(context, first.address(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::bad_configuration);
  EXPECT_EQ(second.error().message, "cannot bind " + first.address() + ": Address already in use");
}

TEST_F(SocketsTest, AnAddressThatIsNoneIsRefused) {
  EXPECT_FALSE(RouterSocket::bind(context, "http://127.0.0.1", {}));
  EXPECT_FALSE(DealerSocket::connect(context, "tcp://nowhere", {}, 1));
}

TEST_F(SocketsTest, AFreePortIsFoundAndTold) {
  auto broker = router();
  EXPECT_EQ(broker.address().find("tcp://127.0.0.1:"), 0u);
  EXPECT_FALSE(broker.address().ends_with(":*"));
  const auto zero = RouterSocket::bind(context, "tcp://127.0.0.1:0", {});
  ASSERT_TRUE(zero);
  EXPECT_FALSE(zero->address().ends_with(":0"));
}

TEST_F(SocketsTest, AllInterfacesAreReachedByBothKindsOfAddress) {
  auto bound = RouterSocket::bind(context, "tcp://*:*", {});
  ASSERT_TRUE(bound) << bound.error().message;
  const auto port = bound->address().substr(bound->address().rfind(':'));
  for (const std::string host : {"127.0.0.1", "localhost", "[::1]"}) {
    auto caller = DealerSocket::connect(context, "tcp://" + host + port, {}, 1);
    ASSERT_TRUE(caller);
    send_soon(*caller, host);
    const auto in = next(*bound);
    ASSERT_TRUE(in) << host;
    EXPECT_EQ(in->frame.view(), host);
  }
}

TEST_F(SocketsTest, WithoutAConnectionNothingIsTaken) {
  auto caller = DealerSocket::connect(context, "tcp://127.0.0.1:1", {}, 1);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->send("anyone?"), Sent::full);
}

TEST_F(SocketsTest, AConnectionThatComesUpIsToldAndSoIsTheNextOne) {
  auto first = std::make_optional(router());
  const auto address = first->address();
  auto caller = dealer(*first);
  auto watch = std::move(*caller.watch(context));
  ASSERT_TRUE(connects(watch));
  EXPECT_FALSE(watch.take_connected());
  EXPECT_EQ(send_soon(caller, "one"), Sent::sent);

  first.reset();  // the broker goes, and one comes back at the same address
  std::optional<RouterSocket> second;
  for (int i = 0; i < 1000 && !second; ++i) {
    auto bound = RouterSocket::bind(context, address, {});
    if (bound) second.emplace(std::move(*bound));
    Poller().wait(1ms);
  }
  ASSERT_TRUE(second);
  ASSERT_TRUE(connects(watch));
  EXPECT_EQ(send_soon(caller, "two"), Sent::sent);
  const auto in = next(*second);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->frame.view(), "two");
}

TEST_F(SocketsTest, PollingTellsWhichOneIsReadable) {
  auto broker = router();
  auto quiet = router();
  auto caller = dealer(broker);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  Poller poller;
  const auto a = poller.add(broker), b = poller.add(quiet), c = poller.add(pipe_ends[0]);
  EXPECT_TRUE(poller.wait(0ms));
  EXPECT_FALSE(poller.ready(a) || poller.ready(b) || poller.ready(c));

  ASSERT_EQ(write(pipe_ends[1], "x", 1), 1);
  EXPECT_TRUE(poller.wait(10s));
  EXPECT_TRUE(poller.ready(c));

  poller.watch(c, false);
  send_soon(caller, "hello");
  EXPECT_TRUE(poller.wait(10s));
  EXPECT_TRUE(poller.ready(a));
  EXPECT_FALSE(poller.ready(b) || poller.ready(c));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST_F(SocketsTest, AfterTheShutdownNothingIsHeardAndNobodyHangs) {
  auto broker = router();
  auto caller = dealer(broker);
  Poller poller;
  poller.add(broker);
  context.shutdown();
  EXPECT_FALSE(poller.wait(10s));
  EXPECT_FALSE(broker.receive());
  EXPECT_EQ(caller.send("anyone?"), Sent::unreachable);
}

TEST(Library, OneWithHolesThatStrangersCanUseIsRefused) {
  EXPECT_FALSE(check_library(4, 3, 2));
  EXPECT_FALSE(check_library(3, 9, 9));
  EXPECT_TRUE(check_library(4, 3, 3));
  EXPECT_TRUE(check_library(5, 0, 0));
  EXPECT_TRUE(check_library());
}

}  // namespace
}  // namespace drover::transport
