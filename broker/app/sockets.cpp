#include "broker/app/sockets.hpp"

namespace drover::broker {
namespace {

using transport::Sent;

// Beyond this many frames for one peer, it does not read: a window's worth of answers is far less.
constexpr int kFramesPerPeer = 10'000;
// libzmq's own threads: what subscribers send and get does not keep anybody else's from moving.
constexpr std::uint64_t kFirstThread = 1, kSecondThread = 2;

}  // namespace

Result<void> Sockets::bind(const config::Settings& settings, const transport::Curve& curve,
                           Bus::Admits admits) {
  transport::SocketOptions options;
  options.curve = curve;
  options.message_max = static_cast<std::int64_t>(settings.limits.message_max);
  options.send_max = kFramesPerPeer;
  options.receive_max = kFramesPerPeer;
  options.io_threads = kFirstThread;
  const auto& broker = settings.broker;
  auto clients = transport::RouterSocket::bind(context_, broker.clients.bind, options);
  if (!clients) return clients.error();
  auto workers = transport::RouterSocket::bind(context_, broker.workers.bind, options);
  if (!workers) return workers.error();
  options.io_threads = kSecondThread;
  auto status = transport::XpubSocket::bind(context_, broker.status.bind, options);
  if (!status) return status.error();
  clients_.emplace(std::move(*clients));
  workers_.emplace(std::move(*workers));
  bus_.emplace(std::move(*status), std::move(admits));
  return {};
}

void Sockets::cut(const Bus::Goes& goes) {
  clients_->cut(goes);
  workers_->cut(goes);
  bus_->cut(goes);
}

void Sockets::each_heard(const std::function<void(const transport::Connection&)>& tell) {
  clients_->each_heard(tell);
  workers_->each_heard(tell);
  bus_->each_heard(tell);
}

void Sockets::send_to_client(Peer peer, std::string_view frame) {
  if (clients_->send(static_cast<transport::PeerId>(peer), frame) != Sent::sent) ++undelivered_;
}

bool Sockets::send_to_worker(Peer peer, std::string_view frame) {
  const Sent sent = workers_->send(static_cast<transport::PeerId>(peer), frame);
  if (sent != Sent::sent) ++undelivered_;
  return sent != Sent::unreachable;
}

void Sockets::publish(std::string_view topic, std::string_view event) {
  bus_->publish(topic, event);
}

}  // namespace drover::broker
