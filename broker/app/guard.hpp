// The broker's guard over what strangers could take from the whole process: memory and descriptors,
// and memory through messages that they never end.
//
// The loop calls sweep() at sweep_at() at the latest. What is found is told to the turn, which
// refuses new tasks while memory is short, and once per change to the log; connections that were
// cut are told whenever there were some.
#pragma once

#include "broker/app/descriptors.hpp"
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
  void watch_listeners() { descriptors_.watch_listeners(); }

  Instant sweep_at() const { return sweep_at_; }

  // Looks around, if it is time.
  void sweep(Turn& turn, Sockets& sockets);

 private:
  void look_at_memory(Turn& turn);
  void look_at_descriptors();
  void look_at_connections(Turn& turn, Sockets& sockets);

  Descriptors descriptors_;
  Watermark memory_;
  Unfinished unfinished_;
  std::uint64_t in_use_ = 0;  // of memory, without what is held for tasks to come
  Instant sweep_at_{};
  Instant trim_at_{};
  Instant unread_at_{};  // when clients were last left unread
};

}  // namespace drover::broker
