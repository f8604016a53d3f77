// The broker's three sockets, and the way out through them: those of clients and workers, which the
// loop's thread owns, and the bus, which has its own.
#pragma once

#include <functional>
#include <optional>

#include "broker/app/bus.hpp"
#include "broker/io/outlet.hpp"
#include "common/config/settings.hpp"
#include "common/transport/router_socket.hpp"

namespace drover::broker {

class Sockets : public Outlet {
 public:
  explicit Sockets(transport::Context& context) : context_(context) {}

  // Binds all three, secured as `curve` says; `admits` says who may subscribe, and is asked on the
  // bus's thread. Error: BAD_CONFIGURATION with the address and the reason.
  Result<void> bind(const config::Settings& settings, const transport::Curve& curve,
                    Bus::Admits admits);

  // Cuts the connections of keys for which `goes` holds, those of subscribers on the bus's thread.
  void cut(const Bus::Goes& goes);

  // Tells of each connection that something has come over since the last call.
  void each_heard(const std::function<void(const transport::Connection&)>& tell);

  transport::RouterSocket& clients() { return *clients_; }
  transport::RouterSocket& workers() { return *workers_; }
  Bus& bus() { return *bus_; }

  void send_to_client(Peer peer, std::string_view frame) override;
  bool send_to_worker(Peer peer, std::string_view frame) override;
  void publish(std::string_view topic, std::string_view event) override;
  bool has_subscribers() const override { return bus_ && bus_->subscriptions() > 0; }

  // Answers that were dropped because their client had gone or did not read.
  std::uint64_t undelivered() const { return undelivered_; }

 private:
  transport::Context& context_;
  std::optional<transport::RouterSocket> clients_;
  std::optional<transport::RouterSocket> workers_;
  std::optional<Bus> bus_;
  std::uint64_t undelivered_ = 0;
};

}  // namespace drover::broker
