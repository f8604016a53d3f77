// The broker's end of the status bus: tells every subscriber what happened, and waits for none.
//
// A subscription is entered only within its limits (200 bytes, 256 of one peer) and if its owner
// may have it; the others are counted and hear nothing, and who goes on is cut off, as is who asks
// for more than 2,000 in a second. A peer is the TCP connection that a subscription came over.
//
// libzmq 4.3 never delivers topics of 246 to 255 bytes; ours have at most 200 (messages.yaml).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/transport/connection.hpp"
#include "common/transport/departures.hpp"
#include "common/transport/socket.hpp"

namespace drover::transport {

inline constexpr std::size_t kSubscriptionMax = 200;  // bytes; of topics too
inline constexpr std::size_t kSubscriptionsPerPeerMax = 256;

class XpubSocket : public Socket {
 public:
  static Result<XpubSocket> bind(Context& context, const std::string& address,
                                 const SocketOptions& options);

  // Says whether the owner of a connection may subscribe to a topic. `user` is what the
  // connection's key is called (ZeroMQ's User-Id); "" where the socket asks for no keys.
  using Admits = std::function<bool(std::string_view user, std::string_view topic)>;

  // Readable when subscribers come or go. Take subscriptions then, too: what one leaves unread
  // makes the next one on its descriptor come twice.
  Socket& departures() { return departures_->news(); }

  // True while that is not over: take subscriptions again within milliseconds.
  bool is_parting() const { return departures_->is_busy(); }

  // Enters or refuses subscriptions that have come in, 500 at most, so that a flood of them cannot
  // keep the caller. True if none was left. Call it when the socket is readable, and now and then
  // (each second) so that peers that have gone are noticed.
  bool take_subscriptions(const Admits& admits);

  // Cuts the connections of subscribers with a User-Id for which `goes` holds.
  void cut_all(const std::function<bool(std::string_view user_id)>& goes);

  // Tells of each connection that a request has come over since the last call.
  void each_heard(const std::function<void(const Connection&)>& tell);

  // How many subscriptions are entered. While 0 there is nobody to encode an event for. A peer that
  // has gone may be counted for a moment longer.
  std::size_t subscriptions() const { return subscriptions_; }
  std::uint64_t refused() const { return refused_; }

  // Tells all who asked for the topic; a subscriber who does not keep up misses it.
  void publish(std::string_view topic, std::string_view event);

 private:
  struct Peer {
    Connection connection;
    std::string user_id;
    std::set<std::string, std::less<>> topics;
    std::size_t refused = 0;
    std::size_t asked = 0;  // requests since `asked_since`, for a second
    std::chrono::steady_clock::time_point asked_since{};
  };

  XpubSocket(Context& context, const SocketOptions& options);
  void take(const Connection& connection, Frame& request, const Admits& admits);
  static bool asks_too_much(Peer& peer);
  void enter(Peer& peer, std::string_view topic, bool admitted);
  void leave(Peer& peer, std::string_view topic);
  void forget(Peer& peer);
  void cut(const Connection& connection) const;
  void sweep();

  // Before 4.3.5 libzmq enters what a connection that has gone had asked for, for a pipe that is no
  // more (https://github.com/zeromq/libzmq/pull/4137).
  std::optional<Departures> departures_;
  std::map<int, Peer> peers_;
  std::map<int, Connection> heard_;
  std::size_t subscriptions_ = 0;
  std::uint64_t refused_ = 0;
  bool in_message_ = false;  // of more than one frame, which no subscriber of ours sends
  // libzmq keeps a list of whose request is read next, and a frame that is no request takes the
  // place of one: from such a frame on, until all is read, it would enter one peer's subscription
  // for another. Nothing is entered then; who was passed over is cut, and comes again.
  bool is_astray_ = false;
};

}  // namespace drover::transport
