// The broker's turn: a batch of frames becomes decisions, the decisions become durable, and then
// everyone is told.
//
//   frames ─► decode ─► core ─► records ─► store ... durable ... outbox ─► frames, events
//
// The loop never waits for the disk: while one group of commits is written, the next turns decide;
// what they say leaves as the commits return. Workers' frames come before clients', and all frames
// before time: after a standstill the broker listens before it judges.
//
//   begin(now); on_worker_frame(...)*; on_client_frame(...)*; finish(); sleep until wake_at()
//
// One thread. The process (broker/app) and the simulation own the sockets, the clock and the sleep.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/core.hpp"
#include "broker/io/answers.hpp"
#include "broker/io/outbox.hpp"
#include "broker/io/outlet.hpp"
#include "broker/io/peer_limits.hpp"
#include "broker/io/principal.hpp"
#include "broker/store/store.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/map_writer.hpp"

namespace drover::broker {

struct TurnOptions {
  CoreOptions core;
  wire::FrameLimits frames;
  std::size_t backlog_max = 8 * 1024 * 1024;  // bytes not yet durable at which clients must wait
  std::string software;                       // told to clients
  std::string store_directory;                // likewise; "" of a store without one
  std::uint64_t pid = 0;                      // likewise
  PeerLimitOptions client_limits, worker_limits;
};

// What the process knows of itself.
struct ProcessFigures {
  std::uint64_t memory = 0, memory_max = 0;  // bytes in use; at most
  bool memory_short = false;                 // no new tasks are taken until it is less
  std::uint64_t descriptors = 0, descriptors_max = 0;
  bool listening = true;  // new connections are taken
  std::uint64_t subscriptions = 0, subscriptions_refused = 0;
  std::uint64_t undelivered = 0;  // answers whose client had gone or did not read
  std::uint64_t untold = 0;       // events that the bus was too busy for
};

struct TurnFigures {
  std::uint64_t turns = 0;
  std::uint64_t client_frames = 0;
  std::uint64_t worker_frames = 0;
  std::uint64_t refused_frames = 0;  // that could not be read
  std::uint64_t forbidden = 0;  // requests, tasks and sessions that their sender has no right to
  std::uint64_t standstills = 0;
  Duration longest_standstill{0};
};

class Turn {
 public:
  // `store` is opened by start(). Both must outlive the turn.
  Turn(const TurnOptions& options, Store& store, Outlet& outlet, std::uint64_t seed);

  // The addresses of the bus and of the workers' socket, told to clients.
  void set_addresses(std::string status, std::string workers) {
    status_address_ = std::move(status);
    workers_address_ = std::move(workers);
  }

  // Told in answer to stats.
  void set_door_figures(const DoorFigures& figures) { door_ = figures; }

  // Recovers what the store kept. Errors as of Store::open and Core::finish_recovery.
  Result<void> start(Instant now);

  // `clock` is the process's time. Once in a turn, before the frames.
  void begin(Instant clock);
  // `who` is the principal of the key that the frame came under. False if the frame was thrown away
  // unread, which costs next to nothing.
  bool on_worker_frame(Peer peer, const Principal& who, std::string_view frame);
  bool on_client_frame(Peer peer, const Principal& who, std::string_view frame);
  // A message came that no peer of ours writes; its frames are gone already.
  bool on_foreign_worker(Peer peer) { return drop_foreign(worker_limits_, peer), false; }
  bool on_foreign_client(Peer peer) { return drop_foreign(client_limits_, peer), false; }
  // Lets time pass, leases what can be, and sends what is durable.
  void finish();

  // Until when there is nothing to do but frames and news of the store. begin()'s clock or earlier:
  // at once.
  Instant wake_at() const;

  // Asked after begin(). False while so much waits for the disk that no client frame should be
  // read; and while time is caught up with after a standstill, for what a client says in relation
  // to now (a delay, a ttl) would be reckoned from a time that is long gone.
  bool takes_clients() const;

  // Now and then: what stats tell, and whether memory allows new tasks.
  void tell(const ProcessFigures& figures);

  // From now on no new tasks; what was said still leaves.
  void drain() { core_->set_draining(true); }
  // True when nothing decided is still untold.
  bool is_quiet() const { return outbox_.empty() && store_.durable() == store_.appended(); }

  // Why the broker must stop at once: the store failed. It is ahead of its disk and has no way
  // back.
  std::optional<Error> failure();

  Core& core() { return *core_; }
  const TurnFigures& figures() const { return figures_; }
  Refusals& refusals() { return outbox_.refusals(); }
  Instant now() const { return now_; }

 private:
  // Who asks: a connection, and whose it is.
  struct Caller {
    Peer peer;
    const Principal& who;
  };

  Result<void> replay(const Kept& kept);
  Result<Admitted> submit(const Caller& caller, const wire::SubmittedTask& task);
  void refuse(const Caller& caller, std::uint64_t request, const Error& error);
  bool sees(const Caller& caller, const TaskId& task) const;
  std::vector<QueueView> queues_within(const Principal& who) const;
  bool is_own_session(Peer peer, const Principal& who, const wire::WorkerMessage& message);
  void on(const Caller& caller, const wire::Connect& m);
  void on(const Caller& caller, const wire::Submit& m);
  void on(const Caller& caller, const wire::Wait& m);
  void on(const Caller& caller, const wire::Show& m);
  void on(const Caller& caller, const wire::List& m);
  void on(const Caller& caller, const wire::Cancel& m);
  void on(const Caller& caller, const wire::Retry& m);
  void on(const Caller& caller, const wire::Queues& m);
  void on(const Caller& caller, const wire::DeadLetters& m);
  void on(const Caller& caller, const wire::Workers& m);
  void on(const Caller& caller, const wire::Stats& m);
  void on(const Caller& caller, const wire::Books& m);
  void on(const Caller& caller, const wire::Events& m);
  void on(const Caller& caller, const wire::Ping& m);
  void on(const Caller& caller, const wire::Set& m);
  void on(const Caller& caller, const wire::SettingsOf& m);
  void on(const Caller& caller, const wire::Gates& m);
  // limits of peers (turn_limits.cpp)
  bool admit_client(Peer peer, std::string_view frame);
  bool admit_worker(Peer peer);
  bool admit(Peer peer, const wire::WorkerMessage& message);
  void charge(Peer peer, const wire::ClientMessage& message);
  Error malformed(PeerLimits& limits, Peer peer, Error error);
  void drop_foreign(PeerLimits& limits, Peer peer);
  void count_refused(const std::vector<Changed>& changed);
  void write_protection(wire::MapWriter& m);
  bool is_catching_up() const { return now_ < clock_; }
  void dispatch();
  bool has_room() const;
  void clean();
  void give_up_unreachable();
  void tick();

  TurnOptions options_;
  Store& store_;
  Outlet& outlet_;
  Outbox outbox_;
  std::uint64_t seed_;
  std::string status_address_, workers_address_;
  std::optional<Core> core_;  // from start() on

  Instant started_at_{};
  Instant clock_{};          // the process's time of this turn
  Instant now_{};            // the core's: catches up with the clock after a standstill
  Instant meant_to_wake_{};  // when the turn before wanted to be called again
  Instant tick_at_{};
  std::uint64_t started_seq_ = 0;  // the newest event when this process began
  std::uint64_t ticked_seq_ = 0;
  bool leases_wait_ = false;  // more could be leased than was in this turn
  TurnFigures figures_;
  DoorFigures door_;
  ProcessFigures process_;
  PeerLimits client_limits_, worker_limits_;
};

}  // namespace drover::broker
