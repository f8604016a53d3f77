// The word to the service manager, heard on a real socket as systemd would hear it.
#include "common/observe/watchdog.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "common/observe/service_manager.hpp"

namespace drover::observe {
namespace {

const Instant kStart = instant_from_ms(1'790'000'000'000);

// Listens where NOTIFY_SOCKET points for as long as it lives.
class Manager {
 public:
  // A path, or "@name" for an abstract socket.
  explicit Manager(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (path[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Manager() {
    ::close(fd_);
    ::unsetenv("NOTIFY_SOCKET");
  }

  // Every datagram so far. A local datagram is there when sendto returns.
  std::vector<std::string> heard() {
    std::vector<std::string> all;
    std::array<char, 512> text{};
    for (;;) {
      const auto got = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
      if (got < 0) return all;
      all.emplace_back(text.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int fd_;
};

class WatchdogTest : public ::testing::Test {
 protected:
  void SetUp() override { forget(); }
  void TearDown() override {
    forget();
    std::filesystem::remove_all(folder_);
  }

  static void ask(const std::string& usec, const std::string& pid = "") {
    ::setenv("WATCHDOG_USEC", usec.c_str(), 1);
    if (!pid.empty()) ::setenv("WATCHDOG_PID", pid.c_str(), 1);
  }

  std::string folder_ = [] {
    std::string name = ::testing::TempDir() + "drover-notify-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();

 private:
  static void forget() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
};

using Heard = std::vector<std::string>;

TEST_F(WatchdogTest, TheServiceManagerHearsWhatItIsTold) {
  Manager manager(folder_ + "/notify");
  notify_service_manager("READY=1\nSTATUS=taking tasks");
  EXPECT_EQ(manager.heard(), Heard{"READY=1\nSTATUS=taking tasks"});
}

TEST_F(WatchdogTest, AnAbstractSocketIsFoundToo) {
  Manager manager("@drover-test-" + std::to_string(getpid()));
  notify_service_manager("STOPPING=1");
  EXPECT_EQ(manager.heard(), Heard{"STOPPING=1"});
}

TEST_F(WatchdogTest, WithoutAManagerNothingHappens) {
  notify_service_manager("READY=1");
  ::setenv("NOTIFY_SOCKET", (folder_ + "/gone").c_str(), 1);
  notify_service_manager("READY=1");
  ::setenv("NOTIFY_SOCKET", std::string(200, '/').c_str(), 1);
  notify_service_manager("READY=1");
}

TEST_F(WatchdogTest, ALoopThatTurnsGivesASignOfLifeEveryHalfOfTheTimeAskedFor) {
  Manager manager(folder_ + "/notify");
  ask("10000000", std::to_string(getpid()));
  Watchdog watchdog;
  EXPECT_LE(watchdog.wake_at(), kStart) << "the first turn is due at once";

  watchdog.turned(kStart);
  EXPECT_EQ(manager.heard(), Heard{"WATCHDOG=1"});
  EXPECT_EQ(watchdog.wake_at(), kStart + 5s);

  for (Duration at = 1ms; at < 5s; at += 100ms) watchdog.turned(kStart + at);
  EXPECT_EQ(manager.heard(), Heard{}) << "busy turns say it no more often";

  watchdog.turned(kStart + 5s);
  EXPECT_EQ(manager.heard(), Heard{"WATCHDOG=1"});
  EXPECT_EQ(watchdog.wake_at(), kStart + 10s);
}

TEST_F(WatchdogTest, ALoopThatDoesNotTurnGivesNone) {
  Manager manager(folder_ + "/notify");
  ask("10000000");
  Watchdog watchdog;
  watchdog.turned(kStart);
  (void)manager.heard();
  EXPECT_EQ(manager.heard(), Heard{});  // no thread, no timer: only a turn speaks
  watchdog.turned(kStart + 60s);
  EXPECT_EQ(manager.heard(), Heard{"WATCHDOG=1"}) << "one, not one for each that was missed";
}

TEST_F(WatchdogTest, NobodyIsToldWhenNobodyAsks) {
  Manager manager(folder_ + "/notify");
  const auto is_silent = [&] {
    Watchdog watchdog;
    watchdog.turned(kStart);
    return watchdog.wake_at() == kNever && manager.heard().empty();
  };
  EXPECT_TRUE(is_silent()) << "no WATCHDOG_USEC";
  for (const char* usec : {"0", "-5", "soon", "1000000x", "99999999999999999999"}) {
    ask(usec);
    EXPECT_TRUE(is_silent()) << usec;
  }
  ask("10000000", "1");
  EXPECT_TRUE(is_silent()) << "asked of another process, such as the parent of this one";
}

TEST_F(WatchdogTest, AsShortATimeAsThereIsStillMovesOn) {
  Manager manager(folder_ + "/notify");
  ask("1");
  Watchdog watchdog;
  watchdog.turned(kStart);
  EXPECT_EQ(watchdog.wake_at(), kStart + 1ms);
}

}  // namespace
}  // namespace drover::observe
