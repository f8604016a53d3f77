// Holds the broker to its nine promises, after every step of a run.
//
// It sees what goes into the broker and what comes out: every frame either way, every record as it
// is decided and as it becomes durable, and after a crash what the store gives back. From the
// records it keeps its own books (task_ledger.hpp), its own lines (order_book.hpp) and its own list
// of workers (fleet_view.hpp), and asks of everything that happens: was there a cause for it, was
// its time come, was it durable before anybody was told? The first broken promise ends the run.
//
//   hears_*  -> appended*            a record needs a frame, or the time, that explains it
//   durable  -> sends_*, publishes   nothing leaves before what it tells is durable
//   replayed -> recovered            what was durable is there again, and nothing else
//
// Cheap enough to be always on: a record costs a decoding and a few look-ups.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/core.hpp"
#include "broker/store/store.hpp"
#include "drover/follow_core.hpp"
#include "tests/simulation/fleet_view.hpp"
#include "tests/simulation/options.hpp"
#include "tests/simulation/order_book.hpp"
#include "tests/simulation/schedule.hpp"
#include "tests/simulation/task_ledger.hpp"

namespace drover::sim {

struct CheckerFigures {
  std::uint64_t records = 0, accepted = 0, duplicates = 0, refused = 0;
  std::uint64_t leases = 0, confirms = 0, stale = 0, events = 0, replayed_events = 0;
  std::uint64_t recoveries = 0, gaps = 0, poisoned = 0, dead = 0, expired = 0;
  std::array<std::array<std::uint64_t, kTaskStates>, kTaskStates> steps{};  // from, to

  void add(const CheckerFigures& other);
};

// What stands for some bytes where they are compared.
std::uint64_t digest(std::string_view bytes);

class Checker {
 public:
  Checker(const SimOptions& options, const Schedule& schedule);

  // The first broken promise, in a few words; nullopt so far.
  const std::optional<std::string>& violation() const { return violation_; }
  // For whoever sees one elsewhere. Only the first is kept.
  void fail(std::string what);

  // --- producers
  // A task is about to be submitted for the first time, with this delay.
  void intends(const TaskId& task, Duration delay);
  // The system clock was stepped, to take effect with the next start.
  void clock_stepped(Duration by);

  // --- the broker's life
  void starts();
  void replayed(const broker::Kept& kept);
  void recovered(const broker::Core& core, Instant now, std::uint64_t newest_seq);
  // What a second recovery of the same bytes came to, and the lease that it then gave first.
  void recovered_again(const broker::Core& core) { compare(core); }
  void would_lease_first(std::optional<TaskId> task);
  // It stood still until then: long enough for it to notice for certain, or perhaps.
  void stood_still(Instant until, bool certain);
  void refuses_for(std::string_view reason);  // "storage", "draining": allowed from now on
  void gone();

  // --- its turns
  void turn_begins(Instant now);
  void hears_worker(broker::Peer peer, KeyNumber key, std::string_view frame);
  void hears_client(broker::Peer peer, KeyNumber key, std::string_view frame);
  void heard_client();  // the frame was dealt with
  void lets_time_pass();
  void turn_ends(const broker::Core& core);

  // --- its store
  void appended(std::uint64_t seq, std::string_view record);
  void carried(std::string_view record);
  void durable(std::uint64_t seq);

  // --- what leaves it
  void sends_client(broker::Peer peer, std::string_view frame);
  void sends_worker(broker::Peer peer, std::string_view frame, bool delivered);
  void publishes(std::string_view topic, std::string_view event);

  // --- everybody else
  void attempt_begins(const WorkerId& worker, const wire::Hold& hold);
  void follows(const Followed& followed, KeyNumber key, std::uint64_t& reached);

  // --- the end: all are healed. Names a task that has not ended; nullopt if there is none.
  std::optional<std::string> unfinished() const;
  void ends(const broker::Core& core);

  const CheckerFigures& figures() const { return figures_; }
  const TaskLedger& ledger() const { return ledger_; }
  std::uint64_t newest_seq() const { return records_.size(); }
  // Of the newest event that a follower with this key hears of; 0 if there is none.
  std::uint64_t newest_of(KeyNumber key) const;

 private:
  // Why the broker may be deciding something now.
  struct Cause {
    enum class Kind : std::uint8_t { nothing, worker, client, time };
    Kind kind = Kind::nothing;
    broker::Peer peer{};
    KeyNumber key = 0;
    std::string frame;
    wire::WorkerMessage worker_message;
    wire::ClientMessage client_message;
    WorkerId sender;  // nil for a stranger
    std::uint64_t first_seq = 0;
    std::vector<std::pair<TaskNumber, TaskState>> before;  // of tasks to be changed
  };

  // What a reply must say, and what must be durable before it leaves.
  struct ExpectedTask {
    TaskId id;
    TaskNumber task = kNoTask;
    bool created = false, duplicate = false;
    std::vector<Errc> allowed;  // instead: these refusals
  };
  struct Expected {
    enum class Kind : std::uint8_t { other, submit, wait, show, events, queues, books };
    Kind kind = Kind::other;
    KeyNumber key = 0;
    std::uint64_t seq = 0;
    std::vector<ExpectedTask> outcomes;
    TaskNumber task = kNoTask;  // of wait and show
    TaskState state{};          // of show
    std::uint32_t attempt = 0, failures = 0;
    std::uint64_t since = 0;  // of events
    LedgerBooks total;        // of queues and books
  };
  using Asked = std::pair<std::uint64_t, std::uint64_t>;  // peer, request

  // --- records (check_records.cpp)
  void judge(const Record& r, std::uint64_t seq);
  void judge_task(TaskNumber task, const Record& r);
  void judge_unchanged(const TaskFacts& facts, const Record& r);
  void judge_counts(const TaskEntry& entry, const Record& r);
  void judge_end_of_attempt(const TaskEntry& entry, const Record& r);
  void judge_retrying(const TaskEntry& entry, const Record& r);
  void judge_dead(const TaskEntry& entry, const Record& r);
  void judge_requeued(const TaskEntry& entry, const Record& r);
  void judge_worker(const Record& r);
  void settle(TaskNumber task, const Record& r);

  // --- admission (check_admission.cpp)
  void judge_created(const Record& r, std::uint64_t seq);
  const wire::SubmittedTask* submitted_item(const Record& r) const;
  TaskFacts facts_of(const wire::SubmittedTask& task, const Record& r);
  void judge_admitted(const TaskSpec& spec, const Record& r);
  void judge_key(const TaskFacts& facts);

  // --- leases (check_leases.cpp)
  void judge_started(TaskNumber task, const Record& r);
  void judge_turn(TaskNumber task, const WorkerView& worker);
  void judge_poison(const TaskEntry& entry);
  void judge_loss(const TaskEntry& entry);
  void take_lease(TaskNumber task, const Record& r);
  void hears(const wire::Hello& hello, Instant now);
  void hears(const wire::Heartbeat& beat);
  bool must_run_alone(const TaskLife& life) const;
  // Its place in line is not known: it must run alone, or was let out of a gate.
  bool stands_apart(const TaskEntry& entry) const {
    return must_run_alone(entry.life) || !entry.facts.concurrency_key.empty();
  }
  void judge_key_of(TaskNumber task);
  bool can_run(const WorkerView& worker, std::uint32_t kind) const;
  bool is_in_scope(const WorkerView& worker, const std::string& tenant,
                   const std::string& queue) const;
  void judge_silence();

  // --- causes (check_causes.cpp)
  const wire::Done::Item* done_item(const TaskEntry& entry) const;
  const wire::Failed::Item* failed_item(const TaskEntry& entry) const;
  bool has_released(const TaskEntry& entry) const;
  bool is_asked_by_client(const TaskId& id, bool retry) const;
  bool by_time() const { return cause_.kind == Cause::Kind::time; }

  // --- requests and replies (check_clients.cpp, check_answers.cpp)
  Expected expect() const;
  ExpectedTask expect_task(const wire::SubmittedTask& task, std::vector<TaskNumber>& used) const;
  std::vector<Errc> refusals_of(const wire::SubmittedTask& task) const;
  void note_states(const std::vector<TaskId>& tasks);
  void check_changes(bool retry);
  void sends(broker::Peer peer, const wire::SubmitReply& reply);
  void sends(broker::Peer peer, const wire::Answer& answer);
  void sends(broker::Peer peer, const wire::Refused& refused);
  std::optional<Expected> take_expected(broker::Peer peer, std::uint64_t request);
  void check_task(const Expected& expected, std::string_view body);
  void check_queues(const Expected& expected, std::string_view body);
  void check_page(const Expected& expected, std::string_view body);

  // --- orders (check_workers.cpp)
  void sends(broker::Peer peer, const wire::Welcome& welcome);
  void sends(const wire::Assign& assign);
  void sends(const wire::Confirm& confirm);
  void sends(const wire::CancelAttempts& cancel);
  void check_verdict(const wire::Verdict& verdict, const WorkerView& worker);

  // --- events (check_events.cpp)
  void told(std::uint64_t seq, std::string_view event);
  bool concerns(KeyNumber key, std::uint64_t seq) const;
  std::uint64_t next_of(KeyNumber key, std::uint64_t seq) const;

  // --- crashes (check_recovery.cpp)
  void rebase(Instant now);
  void place_recovered(Instant now);
  void compare(const broker::Core& core);
  void compare_task(const broker::TaskView& view, const TaskEntry& entry);
  void compare_books(const broker::Core& core);
  bool may_be_forgotten(const TaskEntry& entry) const;
  bool is_due(TaskNumber task) const {
    return order_.is_in_line(task) || order_.due(task) <= now_ ||
           ledger_[task].life.until <= now_ || !exact_times_;
  }

  bool is_durable(std::uint64_t seq) const { return seq <= durable_seq_; }
  std::uint32_t kind_of(const TaskSpec& spec, const TaskFacts& facts);
  std::string name(const TaskEntry& entry) const;

  const SimOptions& options_;
  const broker::CoreOptions& core_;
  const Schedule& schedule_;
  std::optional<std::string> violation_;
  CheckerFigures figures_;

  TaskLedger ledger_;
  OrderBook order_;
  std::map<std::pair<std::string, std::string>, TaskNumber> holders_;  // of concurrency keys
  FleetView fleet_;
  Cause cause_;

  struct WorkKind {
    std::string type;
    std::vector<std::string> requirements;
    std::string tenant, queue;  // where workers are bound to them

    bool operator==(const WorkKind&) const = default;
  };
  std::vector<WorkKind> kinds_;

  // The log: a checksum of each event's record, and of the event once it was told.
  std::vector<std::uint64_t> records_, events_;
  std::vector<std::string> tenants_;  // whose each is; "" of workers' events
  std::uint64_t durable_seq_ = 0;
  std::uint64_t replay_seq_ = 0;  // while recovering: the newest event that came back

  // This turn and this process.
  Instant now_;
  Instant newest_now_;  // of all processes so far
  std::uint64_t turn_ = 0;
  std::uint32_t phase_ = 0;
  std::uint64_t decisions_ = 0;  // records appended in this turn
  Instant started_at_;
  Instant stood_still_until_{}, perhaps_still_until_{};
  std::size_t orphans_ = 0;
  bool storage_trouble_ = false, draining_ = false;
  std::map<Asked, std::deque<Expected>> expected_;
  std::vector<TaskNumber> died_;  // in this turn

  // Attempts that were handed out, and begun.
  std::map<std::pair<TaskId, std::uint32_t>, WorkerId> begun_;

  struct Intention {
    Micros sent_at = 0;
    Duration delay{0};
    Duration stepped{0};  // forward, by then
  };
  std::unordered_map<TaskId, Intention> intentions_;
  Duration stepped_forward_{0};
  bool exact_times_ =
      true;  // false once the clock went back: what is left of a wait is bounded then
};

}  // namespace drover::sim
