// Watches the connection of a socket that connects: tells when it stands (again), says why it does
// not, and connects again where libzmq has given up.
//
// libzmq connects again by itself after a connection broke, but not after one that was refused (a
// key that is not allowed, or not allowed yet) or that spoke something else than ZMTP (another
// program on that port for a moment): there it stops for good, without a word. The watch notices
// that no further attempt follows and makes one, after 100 ms to 10 s, longer each time.
//
// It works while it is asked: call take_connected() when it is readable, and at least each second
// while trouble() says something.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/base/random.hpp"
#include "common/transport/monitor.hpp"

namespace drover::transport {

class ConnectionWatch : public Monitor {
 public:
  // `seed` makes the pauses differ from those of others. Connects the socket, so that nothing of it
  // goes unseen; one that has begun to, anew. What was said over a former connection may be lost,
  // so whoever says something must not have begun. The watch goes before `socket`. Errors:
  // BAD_CONFIGURATION with the address and the reason.
  static Result<ConnectionWatch> of(Context& context, Socket& socket, std::uint64_t seed);

  // True if a connection came up since the last call.
  bool take_connected();

  // Why the newest handshake failed, as a sentence without a full stop; "" after one that did not,
  // and while nobody is there.
  const std::string& trouble() const { return trouble_; }

 private:
  using Clock = std::chrono::steady_clock;

  ConnectionWatch(Monitor monitor, const Socket& socket, std::uint64_t seed);
  void take(const Event& event);
  void refused(std::string why);
  void plan_attempt();
  void connect_again();
  bool begin_anew();

  std::string address_;
  bool has_key_;
  Random random_;
  std::string trouble_;
  int attempts_ = 0;  // of ours, since a connection stood
  std::optional<Clock::time_point> again_at_;
};

}  // namespace drover::transport
