// Bugs on purpose, one at a time: they prove that the simulation finds what it looks for.
//
// In every ordinary build planted() is false when it is compiled and leaves no trace. The program
// simulation_planted is built with DROVER_PLANTED and switches one on; tests/simulation/PLANTED.md
// says which promise each breaks and by which seed it is found.
#pragma once

#include <cstdint>

namespace drover::broker {

enum class Planted : std::uint8_t {
  none,
  ack_before_write,         // replies leave before the disk has what they tell
  sync_skipped,             // a group counts as durable without fdatasync
  torn_group_believed,      // recovery does not look at a group's checksum
  refused_says_accepted,    // a refused task of a batch is answered like the others
  carry_forgets_scheduled,  // cleaning drops tasks that wait for their time
  cancel_lost_in_crash,     // recovery passes over cancels
  books_not_carried,        // a new segment begins with books that forgot what was purged
  assign_before_lease,      // the assign is said before its lease is written
  event_before_durable,     // events leave at once
  attempt_reused,           // recovery does not count a lease
  stale_done_accepted,      // the attempt of a message is not compared
  silent_worker_kept,       // nobody judges workers that are silent
  window_ignored,           // a worker gets more than its window
  grace_ignored,            // after a restart nobody waits for the workers
  result_not_journaled,     // a result is confirmed, and never written
  requeue_loses_priority,   // what is given back comes back as low
  unsorted_after_restart,   // lines are not put in order
  keys_lost_in_crash,       // recovery forgets the idempotency keys
  replay_skips_event,       // a page of events begins one too late
  retry_delay_redrawn,      // recovery draws a retry's delay again
  delayed_starts_early,     // recovery makes every wait end now
  worker_lost_charged,      // a lost worker uses up an attempt
  one_failure_too_many,     // max_attempts is compared one off
  neighbour_called_poison,  // a suspect does not run alone
  dead_without_history,     // the attempts of the dead are gone
  retry_after_ignored,      // an error's retry_after does not count
  // These were real, until the simulation found them.
  cancel_before_record,  // a worker is told to stop before the cancel is written
  repeat_refused,        // a repeated submission is held to rules of time again
  purged_key_lost,       // recovery forgets the key of a task that was purged
  judged_unheard,        // a lease that ran out while the broker was down is not heard first
  delay_cut_by_stall,    // a delay is reckoned from before a standstill
  // Of brokers with keys.
  scope_ignored,       // a worker is given tasks of another tenant than its own
  session_of_anybody,  // a session's messages are taken under any key
  // Of order and gates.
  aging_ignored,     // waiting makes nothing more urgent
  aging_unbounded,   // waiting makes a task urgent and critical
  key_ignored,       // tasks of one concurrency key run at once
  gate_stays_shut,   // nobody is let out when an attempt ends
  key_lost_in_crash  // what ran before a restart does not count after it
};
inline constexpr std::uint8_t kPlanted = 39;

#ifdef DROVER_PLANTED
inline Planted planted_now = Planted::none;
inline bool planted(Planted bug) { return planted_now == bug; }
#else
constexpr bool planted(Planted) { return false; }
#endif

}  // namespace drover::broker
