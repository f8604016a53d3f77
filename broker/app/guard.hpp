// The broker's guard over what strangers could take from the whole process: memory and descriptors,
// memory through messages that they never end, and time through such as none of ours writes or
// through more subscriptions than the bus can see to.
//
// The loop calls sweep() at sweep_at() at the latest. What is found is told to the turn, which
// refuses new tasks while memory is short, and once per change to the log; connections that were
// cut are told whenever there were some.
#pragma once

#include "broker/app/descriptors.hpp"
#include "broker/app/listeners.hpp"
#include "broker/app/sockets.hpp"
#include "broker/app/unfinished.hpp"
#include "broker/io/turn.hpp"
#include "broker/io/watermark.hpp"
#include "common/config/settings.hpp"

namespace drover::broker {

class Guard {
 public:
  // Before the context and the store: both open descriptors.
  explicit Guard(const config::Settings& settings);

  // When all sockets are bound.
  void watch_listeners();

  // A message, or a piece of a long one, was read from a socket and no peer of ours writes such. If
  // there were too many of late, no new connections are let in there for a second.
  void foreign(const transport::RouterSocket& socket, Instant now);

  Instant sweep_at() const { return sweep_at_; }

  // Looks around, if it is time.
  void sweep(Turn& turn, Sockets& sockets);

 private:
  void look_at_memory(Turn& turn);
  void look_at_descriptors(Instant now);
  void look_at_bus(Bus& bus, Instant now);
  void look_at_connections(Turn& turn, Sockets& sockets);
  void hold_off(std::uint16_t port, const std::string& address, std::string_view why, Instant now);

  Descriptors descriptors_;
  Listeners listeners_;
  Watermark memory_;
  Unfinished unfinished_;
  std::uint64_t in_use_ = 0;  // of memory, without what is held for tasks to come
  Instant sweep_at_{};
  Instant trim_at_{};
  Instant unread_at_{};  // when clients were last left unread
};

}  // namespace drover::broker
