#include "broker/app/broker.hpp"

#include <algorithm>
#include <random>

#include "broker/app/doorkeeper.hpp"
#include "broker/app/guard.hpp"
#include "broker/app/options.hpp"
#include "broker/app/sockets.hpp"
#include "broker/app/space_watch.hpp"
#include "broker/io/authority.hpp"
#include "common/observe/log.hpp"
#include "common/observe/service_manager.hpp"
#include "common/observe/signals.hpp"
#include "common/observe/watchdog.hpp"
#include "common/transport/clock.hpp"
#include "common/transport/poller.hpp"

namespace drover::broker {
namespace {

constexpr int kFramesATurn = 128;  // of one socket, so that none starves the others
constexpr int kFrameCost = 4;      // of reading a frame, where throwing one away costs 1
constexpr std::size_t kBytesATurn = 4 * 1024 * 1024;
constexpr int kIoThreads = 2;
constexpr Duration kSettle = 50ms;  // for what was said to leave before closing
constexpr Duration kDrainMax = 5s;  // to make durable what was decided

int exit_code_of(Errc code) {
  switch (code) {
    case Errc::store_damaged: return 65;
    case Errc::store_in_use: return 73;
    case Errc::io_failed:
    case Errc::storage_full:
    case Errc::not_found: return 74;
    case Errc::store_unavailable: return 75;
    case Errc::bad_configuration:
    case Errc::store_too_new: return 78;
    default: return 70;
  }
}

int give_up(std::string_view what, const Error& why) {
  log::failure(what, why);
  return exit_code_of(why.code);
}

class Loop {
 public:
  Loop(Turn& turn, Store& store, Sockets& sockets, Doorkeeper& door, Guard& guard,
       observe::Signals& signals)
      : turn_(turn),
        store_(store),
        sockets_(sockets),
        door_(door),
        guard_(guard),
        signals_(signals) {
    clients_ = poller_.add(sockets.clients());
    workers_ = poller_.add(sockets.workers());
    stop_ = poller_.add(signals.fd());
    if (door.handshakes()) handshakes_ = poller_.add(*door.handshakes());
    if (store.wake_fd() >= 0) news_ = poller_.add(store.wake_fd());
  }

  int run(const transport::ProcessClock& clock) {
    for (;;) {
      poller_.watch(clients_, turn_.takes_clients());
      poller_.wait(std::max(Duration(0), wake_at(clock.now()) - clock.now()));
      turn_.begin(clock.now());
      if (handshakes_ && poller_.ready(*handshakes_)) door_.answer();
      take_news();
      take_frames(
          sockets_.workers(), workers_,
          [&](Peer peer, const Principal& who, std::string_view bytes) {
            return turn_.on_worker_frame(peer, who, bytes);
          },
          [&](Peer peer) { turn_.on_foreign_worker(peer); });
      if (turn_.takes_clients()) {
        take_frames(
            sockets_.clients(), clients_,
            [&](Peer peer, const Principal& who, std::string_view bytes) {
              return turn_.on_client_frame(peer, who, bytes);
            },
            [&](Peer peer) { turn_.on_foreign_client(peer); });
      }
      turn_.finish();
      if (const auto failed = turn_.failure()) return give_up("the store failed", *failed);
      if (const auto code = stopped(clock.now())) return *code;
      watchdog_.turned(clock.now());
    }
  }

 private:
  Instant wake_at(Instant now) const {
    const Instant at = std::min({turn_.wake_at(), watchdog_.wake_at(), guard_.sweep_at()});
    return stopping_at_ == kNever ? at : std::min(at, now + kSettle);
  }

  void take_news() {
    if (news_ && poller_.ready(*news_)) store_.acknowledge_wake();
    guard_.sweep(turn_, sockets_);
    if (turn_.now() >= sweep_at_) {
      sweep_at_ = turn_.now() + 1s;
      if (door_.refresh(turn_.now())) {
        sockets_.bus().set_admits(door_.admits());
        sockets_.cut(door_.stale());
      }
      turn_.set_door_figures(door_.figures());
      space_.look(store_.takes_submissions(), store_.figures(), turn_.now());
    }
    if (!poller_.ready(stop_) || signals_.take() == 0 || stopping_at_ != kNever) return;
    log::info("stopping: no new tasks are taken");
    observe::notify_service_manager("STOPPING=1");
    stopping_at_ = turn_.now();
    turn_.drain();
  }

  template <class Handle, class Foreign>
  void take_frames(transport::RouterSocket& socket, transport::Poller::Slot slot,
                   const Handle& handle, const Foreign& foreign) {
    if (!poller_.ready(slot)) return;
    std::size_t bytes = 0;
    for (int left = kFramesATurn * kFrameCost; left > 0 && bytes < kBytesATurn;) {
      const auto in = socket.receive();
      if (!in) return;
      bytes += in->frame.size();
      if (in->foreign) {
        foreign(Peer{in->peer});
        guard_.foreign(socket, turn_.now());
        left -= kFrameCost;
      } else {
        left -= take(*in, handle) ? kFrameCost : 1;
      }
    }
  }

  // False if it was thrown away at a glance.
  template <class Handle>
  bool take(const transport::RouterSocket::Incoming& in, const Handle& handle) {
    if (const Principal* who = door_.find(in.frame.user_id())) {
      return handle(Peer{in.peer}, *who, in.frame.view());
    }
    turn_.refusals().dropped(Errc::unauthenticated);
    return false;
  }

  // The exit code once a stop that was asked for is complete.
  std::optional<int> stopped(Instant now) const {
    if (stopping_at_ == kNever || now < stopping_at_ + kSettle) return std::nullopt;
    if (turn_.is_quiet() || now >= stopping_at_ + kDrainMax) return 0;
    return std::nullopt;
  }

  Turn& turn_;
  Store& store_;
  Sockets& sockets_;
  Doorkeeper& door_;
  Guard& guard_;
  observe::Signals& signals_;
  observe::Watchdog watchdog_;
  transport::Poller poller_;
  transport::Poller::Slot clients_{}, workers_{}, stop_{};
  std::optional<transport::Poller::Slot> news_, handshakes_;
  SpaceWatch space_;
  Instant sweep_at_{};
  Instant stopping_at_ = kNever;
};

void say_ready(Turn& turn, Sockets& sockets) {
  const CoreFigures figures = turn.core().figures();
  log::info("the broker is ready", {{"clients", sockets.clients().address()},
                                    {"workers", sockets.workers().address()},
                                    {"status", sockets.bus().address()},
                                    {"store", to_string(turn.core().store())},
                                    {"waiting", figures.waiting},
                                    {"running", figures.running},
                                    {"dead", figures.dead}});
  observe::notify_service_manager("READY=1\nSTATUS=taking tasks");
}

}  // namespace

int run_broker(const config::Settings& settings) {
  if (auto ok = transport::check_library(); !ok)
    return give_up("the broker does not start", ok.error());
  observe::Signals signals;
  Guard guard(settings);
  transport::Context context(kIoThreads);
  auto door = Doorkeeper::open(settings, context);
  if (!door) return give_up("the broker does not start", door.error());
  const transport::ProcessClock clock;
  Sockets sockets(context);
  auto store = make_store(settings);
  if (!store) return give_up("the broker does not start", store.error());
  std::random_device entropy;
  const std::uint64_t seed = (std::uint64_t{entropy()} << 32) | entropy();
  Turn turn(turn_options(settings), **store, sockets, seed);
  if (auto ok = turn.start(clock.now()); !ok) {
    return give_up("the broker cannot open its store", ok.error());
  }
  if (auto ok = sockets.bind(settings, door->curve(), door->admits()); !ok)
    return give_up("the broker does not start", ok.error());
  guard.watch_listeners();
  turn.set_addresses(sockets.bus().address(), sockets.workers().address());
  say_ready(turn, sockets);
  const int code = Loop(turn, **store, sockets, *door, guard, signals).run(clock);
  (*store)->close();
  if (code != 0) return code;
  if (const auto failed = (*store)->failure()) return give_up("the last commit failed", *failed);
  log::info("stopped");
  return 0;
}

}  // namespace drover::broker
