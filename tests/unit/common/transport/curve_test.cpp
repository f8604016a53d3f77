// Secured sockets over the machine's own loopback: who gets in, who does not and learns why, and
// who gets in later.

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "common/transport/dealer_socket.hpp"
#include "common/transport/poller.hpp"
#include "common/transport/router_socket.hpp"
#include "common/transport/zap.hpp"

namespace drover::transport {
namespace {

using namespace std::chrono_literals;

constexpr const char* kAnywhere = "tcp://127.0.0.1:*";

// A broker's door, and the keys that it lets in.
class CurveTest : public testing::Test {
 protected:
  CurveTest() : zap(std::move(*ZapHandler::bind(context))) { router.emplace(bound(secured())); }

  SocketOptions secured() const {
    SocketOptions options;
    options.curve = zap.guard(server_keys);
    return options;
  }

  RouterSocket bound(const SocketOptions& options) {
    auto made = RouterSocket::bind(context, kAnywhere, options);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }

  static SocketOptions as(const KeyPair& keys, const std::string& server) {
    SocketOptions options;
    options.curve = CurveClient{keys, server};
    return options;
  }

  // A client that says `words` until somebody hears it, and watches its connection.
  struct Client {
    DealerSocket dealer;
    ConnectionWatch watch;
    bool said = false;
  };

  Client client(const SocketOptions& options) {
    auto dealer = DealerSocket::to(context, router->address(), options, 7);
    auto watch = dealer.watch(context);
    EXPECT_TRUE(watch) << watch.error().message;
    return {std::move(dealer), std::move(*watch)};
  }

  std::string admit(const ZapHandler::Request& request) {
    asked.insert(request.public_key);
    EXPECT_EQ(request.address, "127.0.0.1");
    return allowed.contains(request.public_key) ? "owner of " + request.public_key : "";
  }

  // One look around: handshakes, connections, frames.
  void turn(Client& from) {
    Poller poller;
    poller.add(zap);
    if (router) poller.add(*router);
    poller.add(from.watch);
    poller.wait(20ms);
    zap.answer([this](const auto& request) { return admit(request); }, 10);
    from.watch.take_connected();
    if (!from.said) from.said = from.dealer.send("hello") == Sent::sent;
    if (auto in = router ? router->receive() : std::nullopt) heard = std::move(in);
  }

  bool comes_to(Client& from, const std::function<bool()>& good, Duration within = 20s) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (!good() && std::chrono::steady_clock::now() < end) turn(from);
    return good();
  }

  bool is_heard(Client& from) {
    return comes_to(from, [this] { return heard.has_value(); });
  }

  // That it learns why not, and that nothing of it was heard.
  void expect_refused(Client& from, const std::string& why) {
    ASSERT_TRUE(comes_to(from, [&] { return !from.watch.trouble().empty(); }));
    EXPECT_NE(from.watch.trouble().find(why), std::string::npos) << from.watch.trouble();
    EXPECT_FALSE(heard);
  }

  Context context;
  ZapHandler zap;  // before the socket that it guards
  KeyPair server_keys = *KeyPair::generate();
  std::optional<RouterSocket> router;
  std::set<std::string> allowed, asked;
  std::optional<RouterSocket::Incoming> heard;
};

TEST_F(CurveTest, AnAllowedKeyIsHeardUnderTheNameThatItWasGiven) {
  const auto keys = *KeyPair::generate();
  allowed.insert(keys.public_key);
  auto friendly = client(as(keys, server_keys.public_key));

  ASSERT_TRUE(is_heard(friendly));
  EXPECT_EQ(heard->frame.view(), "hello");
  EXPECT_EQ(heard->frame.user_id(), "owner of " + keys.public_key);
  EXPECT_EQ(friendly.watch.trouble(), "");
  EXPECT_EQ(asked, std::set<std::string>{keys.public_key});

  EXPECT_EQ(router->send(heard->peer, "welcome"), Sent::sent);
  Poller poller;
  poller.add(friendly.dealer);
  ASSERT_TRUE(poller.wait(10s));
  EXPECT_EQ(friendly.dealer.receive()->view(), "welcome");
}

TEST_F(CurveTest, AnUnknownKeyIsRefusedAndToldSo) {
  auto stranger = client(as(*KeyPair::generate(), server_keys.public_key));
  expect_refused(stranger, "refuses this process's key");
}

// libzmq alone would never try again.
TEST_F(CurveTest, AKeyThatIsAllowedLaterGetsInByItself) {
  const auto keys = *KeyPair::generate();
  auto early = client(as(keys, server_keys.public_key));
  expect_refused(early, "refuses this process's key");

  allowed.insert(keys.public_key);
  ASSERT_TRUE(is_heard(early));
  EXPECT_EQ(early.watch.trouble(), "");
}

TEST_F(CurveTest, WhoHasNoKeyIsNotHeardAndToldSo) {
  auto open = client({});
  expect_refused(open, "has no key");
  EXPECT_TRUE(asked.empty());
}

TEST_F(CurveTest, WhoExpectsAnotherServerDoesNotTalkToThisOne) {
  const auto keys = *KeyPair::generate();
  allowed.insert(keys.public_key);
  auto misled = client(as(keys, KeyPair::generate()->public_key));
  expect_refused(misled, "security.server_key");
  EXPECT_TRUE(asked.empty()) << "the key of a client is not shown to a server that is another";
}

TEST_F(CurveTest, AClientWithKeysDoesNotTalkInTheOpen) {
  router.emplace(bound({}));
  auto careful = client(as(*KeyPair::generate(), server_keys.public_key));
  expect_refused(careful, "not secured");
}

// A broker in the open and one that is secured on the same port, one after the other.
TEST_F(CurveTest, AClientFindsTheBrokerWhenItIsSecuredLater) {
  const auto keys = *KeyPair::generate();
  allowed.insert(keys.public_key);
  router.emplace(bound({}));
  auto careful = client(as(keys, server_keys.public_key));
  expect_refused(careful, "not secured");

  const auto address = router->address();
  router.reset();
  std::optional<Result<RouterSocket>> again;
  const auto end = std::chrono::steady_clock::now() + 10s;
  do {
    again.emplace(RouterSocket::bind(context, address, secured()));
  } while (!*again && std::chrono::steady_clock::now() < end);
  ASSERT_TRUE(*again) << again->error().message;
  router.emplace(std::move(**again));
  EXPECT_TRUE(is_heard(careful));
}

TEST_F(CurveTest, ThatNobodyIsThereIsNoTrouble) {
  auto misled = client(as(*KeyPair::generate(), KeyPair::generate()->public_key));
  expect_refused(misled, "security.server_key");
  router.reset();
  EXPECT_TRUE(comes_to(misled, [&] { return misled.watch.trouble().empty(); }));
}

TEST_F(CurveTest, FramesInTheOpenBearNoName) {
  router.emplace(bound({}));
  auto open = client({});
  ASSERT_TRUE(is_heard(open));
  EXPECT_EQ(heard->frame.user_id(), "");
}

TEST_F(CurveTest, AConnectionThatIsCutIsGoneAndNeedsToBeLetInAgain) {
  const auto keys = *KeyPair::generate();
  allowed.insert(keys.public_key);
  auto revoked = client(as(keys, server_keys.public_key));
  ASSERT_TRUE(is_heard(revoked));
  const auto peer = heard->peer;
  heard.reset();

  router->cut([](std::string_view name) { return name == "somebody else"; });
  EXPECT_EQ(router->send(peer, "still there?"), Sent::sent);
  allowed.clear();
  router->cut([&](std::string_view name) { return name == "owner of " + keys.public_key; });
  revoked.said = false;
  ASSERT_TRUE(comes_to(revoked, [&] { return !revoked.watch.trouble().empty(); }));
  EXPECT_EQ(router->send(peer, "a task"), Sent::unreachable);
}

TEST_F(CurveTest, AContextHasOneHandler) {
  const auto second = ZapHandler::bind(context);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::bad_configuration);
}

// As long as nobody answers nobody gets in: libzmq waits until the handshake's time is over.
TEST_F(CurveTest, AHandlerThatDoesNotAnswerLetsNobodyIn) {
  const auto keys = *KeyPair::generate();
  allowed.insert(keys.public_key);
  auto waiting = client(as(keys, server_keys.public_key));
  Poller poller;
  poller.add(zap);
  ASSERT_TRUE(poller.wait(10s));
  EXPECT_NE(waiting.dealer.send("hello"), Sent::sent);
  EXPECT_TRUE(is_heard(waiting)) << "and in as soon as somebody does";
}

}  // namespace
}  // namespace drover::transport
