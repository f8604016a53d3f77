#include "broker/app/guard.hpp"

#include <malloc.h>

#include "broker/app/memory.hpp"
#include "common/observe/log.hpp"

namespace drover::broker {
namespace {

constexpr Duration kSweepEvery = 250ms;
constexpr Duration kTrimEvery = 10s;    // asks malloc for what it keeps; takes a moment
constexpr Duration kUnreadExcuse = 2s;  // for clients that were left unread
constexpr Duration kBusBehind = 100ms;
constexpr Duration kFloodOver = 10s;  // with nothing of it, what comes then is another one

std::uint64_t memory_max(const config::Settings& settings) {
  const auto set = settings.limits.memory_max;
  return set > 0 ? set : memory_granted() / 5 * 4;
}

Watermark memory_mark(std::uint64_t most) { return {most, most / 10 * 9}; }

}  // namespace

Guard::Guard(const config::Settings& settings)
    : memory_(memory_mark(memory_max(settings))), unfinished_(settings.limits.message_max) {}

void Guard::watch_listeners() {
  listeners_.watch();
  if (!listeners_.any()) {
    log::warn("the listening sockets were not found: nothing holds new connections off");
  }
}

void Guard::sweep(Turn& turn, Sockets& sockets) {
  if (turn.now() < sweep_at_) return;
  sweep_at_ = turn.now() + kSweepEvery;
  look_at_memory(turn);
  look_at_descriptors(turn.now());
  look_at_bus(sockets.bus(), turn.now());
  look_at_connections(turn, sockets);
  ProcessFigures figures;
  figures.memory = in_use_;
  figures.memory_max = memory_.high();
  figures.memory_short = memory_.is_high();
  figures.descriptors = descriptors_.in_use();
  figures.descriptors_max = descriptors_.most();
  figures.listening = listeners_.all_open();
  figures.subscriptions_refused = sockets.bus().refused();  // told after the others, asked first
  figures.subscriptions = sockets.bus().subscriptions();
  figures.undelivered = sockets.undelivered();
  figures.untold = sockets.bus().untold();
  turn.tell(figures);
}

void Guard::foreign(const transport::RouterSocket& socket, Instant now) {
  if (!listeners_.charge(socket.port(), now)) return;
  hold_off(socket.port(), socket.address(), "messages that no peer of ours writes", now);
}

void Guard::look_at_bus(Bus& bus, Instant now) {
  if (bus.behind() < kBusBehind) return;
  hold_off(bus.port(), bus.address(), "more subscriptions than can be seen to", now);
}

void Guard::hold_off(std::uint16_t port, const std::string& address, std::string_view why,
                     Instant now) {
  if (!listeners_.shut(port, now)) return;
  log::warn("a flood: new connections have to wait", {{"address", address}, {"of", why}});
}

// What ended tasks have left takes new ones without more memory, though the system does not get it
// back; and malloc gives back what it has only when asked.
void Guard::look_at_memory(Turn& turn) {
  const auto in_use = [&] {
    const auto all = memory_in_use(), spare = turn.core().spare_bytes();
    return all > spare ? all - spare : 0;
  };
  in_use_ = in_use();
  if (in_use_ >= memory_.high() && turn.now() >= trim_at_) {
    trim_at_ = turn.now() + kTrimEvery;
    malloc_trim(0);
    in_use_ = in_use();
  }
  if (!memory_.update(in_use_)) return;
  if (memory_.is_high()) {
    log::warn("memory is full: no new tasks are taken",
              {{"memory_bytes", in_use_}, {"limits.memory_max", memory_.high()}});
  } else {
    log::info("memory is free again: new tasks are taken", {{"memory_bytes", in_use_}});
  }
}

void Guard::look_at_descriptors(Instant now) {
  const bool changed = descriptors_.update();
  listeners_.update(!descriptors_.is_short(), now);
  if (!changed) return;
  if (descriptors_.is_short()) {
    log::warn("nine tenths of all descriptors are in use: no new connections are taken",
              {{"descriptors", descriptors_.in_use()}, {"descriptors_max", descriptors_.most()}});
  } else {
    log::info("descriptors are free again: new connections are taken",
              {{"descriptors", descriptors_.in_use()}});
  }
}

// Clients that wait unread while the store is behind have done nothing wrong.
void Guard::look_at_connections(Turn& turn, Sockets& sockets) {
  const Instant now = turn.now();
  if (!turn.takes_clients()) unread_at_ = now;
  if (now < unfinished_.due_at() && !memory_.is_high()) return;
  sockets.each_heard([this](const auto& connection) { unfinished_.heard(connection); });
  const bool unread = now < unread_at_ + kUnreadExcuse;
  const auto port = unread ? sockets.clients().port() : std::uint16_t{0};
  const auto cut = unfinished_.sweep(now, memory_.is_high(), port);
  if (cut == 0) return;
  turn.refusals().dropped(Errc::malformed, cut);
  log::warn("connections that never ended a message are cut", {{"connections", cut}});
}

}  // namespace drover::broker
