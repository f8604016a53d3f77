// Who may connect while a port is flooded: on real listening sockets.

#include "broker/app/listeners.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace drover::broker {
namespace {

constexpr int kFlood = 2000;  // messages that no peer of ours writes, allowed in a second

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

class Listening {
 public:
  Listening() : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(descriptor_, 8), 0);
    ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listening() { ::close(descriptor_); }
  Listening(const Listening&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

// Somebody who connects, and waits.
class Caller {
 public:
  explicit Caller(std::uint16_t port)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    const auto address = loopback(port);
    ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  ~Caller() { ::close(descriptor_); }
  Caller(const Caller&) = delete;

  bool is_let_in_within(Duration most) const {
    pollfd wait{descriptor_, POLLOUT, 0};
    return ::poll(&wait, 1, static_cast<int>(most / 1ms)) == 1 && wait.revents == POLLOUT;
  }

 private:
  int descriptor_;
};

class ListenersTest : public testing::Test {
 protected:
  ListenersTest() { listeners.watch(); }

  int charges_until_flood(std::uint16_t port, Instant now) {
    int count = 1;
    while (count < 10 * kFlood && !listeners.charge(port, now)) ++count;
    return count;
  }

  const Instant start = Instant(1h);
  Listening flooded, other;
  Listeners listeners;
};

TEST_F(ListenersTest, AFloodIsMoreThanASecondsWorthAtOnce) {
  EXPECT_EQ(charges_until_flood(flooded.port(), start), kFlood + 1);
  EXPECT_FALSE(listeners.charge(flooded.port(), start + 1s));
  EXPECT_FALSE(listeners.charge(other.port(), start));
}

TEST_F(ListenersTest, HoweverLargeAFloodWasItIsOverASecondAfterItEnds) {
  for (int i = 0; i < 100 * kFlood; ++i) listeners.charge(flooded.port(), start);
  EXPECT_EQ(charges_until_flood(flooded.port(), start + 1s), kFlood + 1);
}

TEST_F(ListenersTest, AFloodThatGoesOnIsToldOnce) {
  EXPECT_TRUE(listeners.shut(flooded.port(), start));
  EXPECT_FALSE(listeners.shut(flooded.port(), start + 5s));
  EXPECT_FALSE(listeners.shut(flooded.port(), start + 14s));
  EXPECT_TRUE(listeners.shut(flooded.port(), start + 24s));
  EXPECT_TRUE(listeners.shut(other.port(), start + 24s)) << "another address, another flood";
}

TEST_F(ListenersTest, WhoConnectsToAShutPortWaitsAndIsLetInOnceItIsOpenAgain) {
  listeners.shut(flooded.port(), start);
  EXPECT_FALSE(listeners.all_open());
  const Caller waiting(flooded.port());
  EXPECT_FALSE(waiting.is_let_in_within(50ms));
  listeners.update(/*wanted=*/true, start + 999ms);
  EXPECT_FALSE(listeners.all_open());
  listeners.update(/*wanted=*/true, start + 1s);
  EXPECT_TRUE(listeners.all_open());
  EXPECT_TRUE(waiting.is_let_in_within(10s));  // when its kernel tries again
}

TEST_F(ListenersTest, TheOtherPortsStayOpen) {
  listeners.shut(flooded.port(), start);
  EXPECT_TRUE(Caller(other.port()).is_let_in_within(10s));
}

TEST_F(ListenersTest, WhenNoneAreWantedAllAreShutAndOpenTogether) {
  listeners.update(/*wanted=*/false, start);
  EXPECT_FALSE(Caller(other.port()).is_let_in_within(50ms));
  EXPECT_FALSE(Caller(flooded.port()).is_let_in_within(50ms));
  listeners.update(/*wanted=*/true, start);
  EXPECT_TRUE(listeners.all_open());
  EXPECT_TRUE(Caller(other.port()).is_let_in_within(10s));
}

TEST_F(ListenersTest, APortThatNobodyListensAtIsNeverFlooded) {
  EXPECT_EQ(charges_until_flood(1, start), 10 * kFlood);
  listeners.shut(1, start);
  EXPECT_TRUE(listeners.all_open());
}

}  // namespace
}  // namespace drover::broker
