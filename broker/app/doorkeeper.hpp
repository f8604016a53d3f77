// Who may speak to this broker, and who speaks.
//
// A broker with a list of keys (security.keys_file) is secured: its sockets talk CURVE, a
// connection is let in if its key is in the list, and every frame bears that key. The list is read
// again within a second after it changed; a revoked key is nobody from then on, even on a
// connection that stands. A broker without a list takes everybody for the operator.
//
// The loop's thread answers the handshakes itself, in its turn, so there is no other that could
// stop answering; the loop and the sockets end together.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/io/allow_list_file.hpp"
#include "common/config/settings.hpp"
#include "common/transport/zap.hpp"

namespace drover::broker {

class Doorkeeper {
 public:
  // Reads keys and list. Before any socket of the context is bound. Errors: BAD_CONFIGURATION with
  // the setting; addresses beyond this machine without keys, unless security.insecure.
  static Result<Doorkeeper> open(const config::Settings& settings, transport::Context& context);

  // How the broker's sockets are secured.
  transport::Curve curve() const;

  // For the poller; nullptr on a broker without keys.
  transport::Socket* handshakes() { return zap_ ? &*zap_ : nullptr; }

  // Answers a bounded number of handshakes.
  void answer();

  // Who sent a frame, from its User-Id; nullptr: nobody who may, and the frame is to be dropped.
  // Valid until the next refresh().
  const Principal* find(std::string_view user_id);

  // Each second: takes a changed list over, and now and then tells the log of refused keys. True if
  // the list changed: admits() is another from then on, and the connections of those who are
  // stale() are to be cut.
  bool refresh(Instant now);

  // What holds of the list as it is now, for any thread and as long as wanted: whether a User-Id
  // may subscribe to a topic; whether what it may do was lost or changed with the last refresh()
  // (there was one).
  std::function<bool(std::string_view user_id, std::string_view topic)> admits() const;
  std::function<bool(std::string_view user_id)> stale() const;

  const DoorFigures& figures() const { return figures_; }

 private:
  Doorkeeper() = default;
  void take_over(AllowList list);
  void tell_unknown(Instant now);
  std::string admit(const transport::ZapHandler::Request& request);

  std::string path_;
  transport::KeyPair keys_;
  std::optional<transport::ZapHandler> zap_;
  std::shared_ptr<const AllowList> list_, before_;  // of a secured broker
  FileStamp stamp_;
  Principal everybody_ = everybody();
  DoorFigures figures_;
  transport::ZapHandler::Request last_unknown_;
  std::uint64_t unknown_told_ = 0;
  Instant tell_unknown_at_{};
};

}  // namespace drover::broker
