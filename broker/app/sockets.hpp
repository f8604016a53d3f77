// The broker's three sockets, and the way out through them.
// One thread, the loop's, owns them.
#pragma once

#include <functional>
#include <optional>

#include "broker/io/outlet.hpp"
#include "common/config/settings.hpp"
#include "common/transport/router_socket.hpp"
#include "common/transport/xpub_socket.hpp"

namespace drover::broker {

class Sockets : public Outlet {
 public:
  explicit Sockets(transport::Context& context) : context_(context) {}

  // Binds all three, secured as `curve` says. Error: BAD_CONFIGURATION with the address and the
  // reason.
  Result<void> bind(const config::Settings& settings, const transport::Curve& curve);

  // Cuts the connections of keys for which `goes` holds.
  void cut(const std::function<bool(std::string_view user_id)>& goes);

  transport::RouterSocket& clients() { return *clients_; }
  transport::RouterSocket& workers() { return *workers_; }
  transport::XpubSocket& status() { return *status_; }

  void send_to_client(Peer peer, std::string_view frame) override;
  bool send_to_worker(Peer peer, std::string_view frame) override;
  void publish(std::string_view topic, std::string_view event) override;
  bool has_subscribers() const override { return status_ && status_->subscriptions() > 0; }

  // Answers that were dropped because their client had gone or did not read.
  std::uint64_t undelivered() const { return undelivered_; }

 private:
  transport::Context& context_;
  std::optional<transport::RouterSocket> clients_;
  std::optional<transport::RouterSocket> workers_;
  std::optional<transport::XpubSocket> status_;
  std::uint64_t undelivered_ = 0;
};

}  // namespace drover::broker
