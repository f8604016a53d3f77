// Who sends without ever ending a message, and who only seems to: on real connections.

#include "broker/app/unfinished.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace drover::broker {
namespace {

constexpr std::uint64_t kMessageMax = 64 * 1024;

// Both ends of a TCP connection; what is sent to ours stays unread there, as in libzmq's hands.
class Pair {
 public:
  explicit Pair(int listener) : theirs_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    EXPECT_EQ(::connect(theirs_, reinterpret_cast<sockaddr*>(&address), size), 0);
    ours_ = ::accept(listener, nullptr, nullptr);
  }
  ~Pair() {
    ::close(ours_);
    ::close(theirs_);
  }

  transport::Connection ours() const { return transport::Connection(ours_); }

  // Sends, and reads it on our side, until the kernel has counted it.
  void send(std::uint64_t bytes) {
    const auto before = ours().received().value_or(0);
    const std::string block(4096, 'x');
    std::string read(65536, '\0');
    for (std::uint64_t left = bytes; left > 0;) {
      const auto sent = ::send(theirs_, block.data(), std::min<std::uint64_t>(left, 4096), 0);
      if (sent <= 0) return;
      left -= static_cast<std::uint64_t>(sent);
      while (::recv(ours_, read.data(), read.size(), MSG_DONTWAIT) > 0) {
      }
    }
    pollfd more{ours_, POLLIN, 0};
    while (ours().received().value_or(before + bytes) < before + bytes) ::poll(&more, 1, 10);
  }

  bool is_cut() const { return !ours().received().has_value(); }

 private:
  int ours_ = -1, theirs_;
};

class UnfinishedTest : public testing::Test {
 protected:
  UnfinishedTest() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 10), 0);
    unfinished_.sweep(now_, false, 0);
  }
  ~UnfinishedTest() override { ::close(listener_); }

  std::unique_ptr<Pair> connect() { return std::make_unique<Pair>(listener_); }

  std::size_t sweep_after(Duration time, bool memory_short = false, std::uint16_t unread = 0) {
    now_ += time;
    return unfinished_.sweep(now_, memory_short, unread);
  }

  int listener_;
  Unfinished unfinished_{kMessageMax};
  Instant now_{std::chrono::hours(1)};
};

TEST_F(UnfinishedTest, WhoSendsFourMessagesWorthWithoutAMessageIsCutASecondLater) {
  const auto peer = connect();
  peer->send(4 * kMessageMax + 1000);
  EXPECT_EQ(sweep_after(1s), 0U);
  EXPECT_EQ(sweep_after(900ms), 0U);
  EXPECT_EQ(sweep_after(100ms), 1U);
  EXPECT_TRUE(peer->is_cut());
}

TEST_F(UnfinishedTest, ABurstOfMessagesThatAreHeardIsNoneOfIt) {
  const auto peer = connect();
  for (int i = 0; i < 5; ++i) {
    peer->send(20 * kMessageMax);
    EXPECT_EQ(sweep_after(250ms, true), 0U) << "seen amid a burst";
    unfinished_.heard(peer->ours());
    EXPECT_EQ(sweep_after(250ms, true), 0U);
  }
  EXPECT_FALSE(peer->is_cut());
}

TEST_F(UnfinishedTest, WhileMemoryIsShortLessIsAllowedAndNotForLong) {
  const auto large = connect(), slow = connect(), small = connect();
  large->send(3 * kMessageMax);
  slow->send(kMessageMax / 2);
  small->send(1000);
  EXPECT_EQ(sweep_after(1s), 0U);
  EXPECT_EQ(sweep_after(9s), 0U) << "there is memory";
  EXPECT_EQ(sweep_after(250ms, true), 1U);
  EXPECT_TRUE(large->is_cut());
  EXPECT_EQ(sweep_after(1s, true), 1U);
  EXPECT_TRUE(slow->is_cut());
  EXPECT_EQ(sweep_after(1h, true), 0U);
  EXPECT_FALSE(small->is_cut());
}

TEST_F(UnfinishedTest, WhoWaitsUnreadIsLeftAlone) {
  const auto peer = connect();
  peer->send(5 * kMessageMax);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sweep_after(5s, true, peer->ours().port()), 0U);
  EXPECT_EQ(sweep_after(100ms), 0U) << "it has a second from when it is read again";
  EXPECT_EQ(sweep_after(1s), 1U);
}

TEST_F(UnfinishedTest, PingsForWeeksAddUpToNothing) {
  const auto peer = connect();
  for (int day = 0; day < 30; ++day) {
    peer->send(42 * 43'200);  // every other second, encrypted
    EXPECT_EQ(sweep_after(24h), 0U);
    EXPECT_EQ(sweep_after(1s), 0U);
  }
  EXPECT_FALSE(peer->is_cut());
}

TEST_F(UnfinishedTest, TheNextOwnerOfADescriptorBeginsAnew) {
  auto peer = connect();
  const int descriptor = peer->ours().descriptor();
  peer->send(5 * kMessageMax);
  EXPECT_EQ(sweep_after(1s), 0U);
  peer.reset();
  peer = connect();
  EXPECT_EQ(peer->ours().descriptor(), descriptor);
  peer->send(1000);
  EXPECT_EQ(sweep_after(2s), 0U);
  EXPECT_FALSE(peer->is_cut());
}

}  // namespace
}  // namespace drover::broker
