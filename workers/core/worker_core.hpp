// The worker's side of the conversation with the broker: what it holds, says and repeats.
//
//              hello, until welcome                 bye
//   [greeting] --------------------> [serving] ------------> [stopped]
//        ^                               |
//        '-------------------------------'
//          who: session unknown; silence for worker_timeout; another window
//
// Whatever happens to the broker or the network, attempts run on and their ends are kept: a hello
// lists all that the worker holds (waiting, running, or ended without a confirm), and an end is
// sent again until the broker has confirmed it. Nothing depends on a single message arriving.
//
//   event               what happens
//   ------------------  --------------------------------------------------------------------------
//   assign              queued for a slot; ignored if known; released if over the window or
//   draining slot free           the first in line starts: by priority, then by arrival attempt
//   ended       kept and sent, until confirmed with whatever code cancel              the handler
//   is told to stop; failed{stopped} timeout             counted from receipt: told to stop;
//   failed{timed_out, TIMED_OUT} welcome.drop,       told to stop and forgotten; nothing is
//   reported a newer attempt drain               what waits is released, what runs has
//   drain_timeout, then it is stopped and
//                       released; bye once all is confirmed, or after farewell_max
//
// An attempt that is told to stop has three quarters of its grace; what has not returned at seven
// eighths is reported nevertheless and its slot given up (attempt_table.hpp): the broker hears
// before it judges.
//
// Pure: the time is told, randomness is handed in, all that is to be done goes to the sink. Calls
// but `advance` take note and start or cancel attempts; `advance` sends. Call it after every batch
// of calls and whenever next_deadline() has come, and hand in all messages that have arrived before
// it: after a stall the worker listens before it judges. `now` never goes back.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/base/random.hpp"
#include "workers/core/attempt_table.hpp"
#include "workers/core/results.hpp"
#include "workers/core/worker_sink.hpp"

namespace drover::workers {

// What a worker says of itself.
struct WorkerProfile {
  WorkerId id;  // new at every start of the process
  std::string host;
  std::uint64_t pid = 0;
  std::string software;
  std::vector<std::string> types;
  std::vector<std::string> capabilities;
  std::vector<std::pair<std::string, std::string>> labels;
  std::uint32_t slots = 1;     // how many attempts run at once
  std::uint32_t prefetch = 0;  // how many more wait here for a slot
};

struct CoreOptions {
  Duration drain_timeout = 30s;  // what runs may go on for so long after begin_drain
  Duration cancel_grace = 5s;    // of what is stopped by time or drain; not above the broker's
  Duration farewell_max = 10s;   // how long a drained worker waits for the last confirms
  Duration hello_delay_min = 250ms;
  Duration hello_delay_max = 5s;
  Duration progress_every = 50ms;  // progress is gathered for so long; the newest is told
};

class WorkerCore {
 public:
  // `sink` outlives the core. The first advance says hello.
  WorkerCore(WorkerProfile profile, CoreOptions options, Random random, WorkerSink& sink);

  // The way to the broker is open, for the first time or again: what was sent before may be lost.
  void connected(Instant now);

  // A message of the broker.
  void on_order(const wire::WorkerOrder& order, Instant now);

  // A started attempt has ended and its slot is free. Unknown holds are ignored.
  void finished(const Hold& hold, AttemptEnd end, Instant now);

  // What a running attempt says of itself; the newest of a while is told, none is repeated.
  void progress(const Hold& hold, std::optional<std::uint32_t> percent, std::string_view message,
                Instant now);

  // Takes nothing more, finishes, says bye. Calling it again changes nothing.
  void begin_drain(Instant now);

  // Drains in a hurry: what runs is stopped now, forced `within`, and given back.
  void begin_quick_stop(Duration within, Instant now);

  // Does what is due: messages, repetitions, deadlines.
  void advance(Instant now);

  // When `advance` has work even if nothing else happens; kNever once stopped. Not after `now` when
  // there is something to say at once.
  Instant next_deadline() const;

  bool serving() const { return session_.has_value(); }
  bool draining() const { return drain_.has_value(); }
  bool has_stopped() const { return stopped_; }
  std::size_t held() const { return table_.held() + results_.size(); }
  std::size_t running() const { return table_.slots_taken(); }
  std::size_t unconfirmed() const { return results_.size(); }
  const WorkerProfile& profile() const { return profile_; }

 private:
  using Entry = AttemptTable::Entry;
  using Phase = AttemptTable::Phase;

  struct Drain {
    Instant cut_off;            // what still runs then is stopped
    Duration grace;             // and has so long
    Instant farewell = kNever;  // when the wait for confirms is over, once nothing runs
    bool said = false;          // in a heartbeat of this session
  };
  struct Note {
    std::optional<std::uint32_t> percent;
    std::string message;
  };

  // --- orders
  void take(const wire::Welcome& welcome, Instant now);
  void take(const wire::Assign& assign, Instant now);
  void take(const wire::Confirm& confirm, Instant now);
  void take(const wire::CancelAttempts& cancel, Instant now);
  void take(const wire::Drain& drain, Instant now);
  void take(const wire::Alive& alive, Instant now);
  void take(const wire::Who& who, Instant now);
  bool is_current(SessionId session, Instant now);
  void assign_one(const wire::Assign::Item& item, Instant now);
  void cancel_one(const wire::CancelAttempts::Item& item, Instant now);
  void refuse_undecodable(const wire::Assign::Item& item);

  // --- attempts
  void start_what_fits();
  void stop(Entry& entry, StopReason reason, Duration grace, Instant now);
  void drop(const Hold& hold, Instant now);
  void conclude(const Hold& hold, AttemptEnd end);
  void expire(Instant now);
  void expire_one(Entry& entry, Instant now);
  void remember_over(const Hold& hold);
  bool is_known(const Hold& hold);

  // --- talk
  void part(Parting why, Instant now);
  void greet(Instant now);
  void speak(Instant now);
  bool slots_moved() const;
  void tell_slots(Instant now);
  void send_progress(Instant now);
  void send_heartbeat(Instant now);
  Instant heartbeat_due() const;
  Instant session_deadline() const;
  std::vector<Hold> holds() const;
  Duration next_hello_delay();

  // --- the end
  void drain_on(Instant now);
  Instant drain_deadline() const;
  bool may_leave(Instant now) const;
  void leave();

  WorkerProfile profile_;
  CoreOptions options_;
  Random random_;
  WorkerSink& sink_;
  AttemptTable table_;
  Results results_;
  std::map<Hold, Note, HoldLess> notes_;  // progress not told yet

  std::optional<SessionId> session_;
  SessionLimits limits_;
  Duration heartbeat_ = 5s;
  Duration worker_timeout_ = 15s;
  Instant last_heard_;         // in this session
  Instant last_sent_;          // anything
  Instant last_heartbeat_;     // a list of holds: heartbeat or hello
  bool is_misjudged_ = false;  // the broker sees room where there is none: it needs to hear
  Instant progress_due_;
  Instant hello_due_;
  int hellos_ = 0;  // since the last welcome
  std::uint32_t said_slots_ = 0;

  std::optional<Drain> drain_;
  Error refusal_{Errc::ok, {}};
  bool stopped_ = false;

  // Attempts that are over, so that an assign that comes twice is not run twice; the newest of
  // them.
  std::deque<Hold> over_;
  std::unordered_set<Hold, HoldHash> over_index_;
};

}  // namespace drover::workers
