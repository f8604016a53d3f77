// The core of the broker: decides what becomes of every task. Everything else carries its words.
//
// It is a state machine that is told the time. Commands come in with `now`; records, orders and
// answers go out through Output; advance(now) does what time has made due and next_deadline() says
// when that will be. The same commands at the same times with the same seed give the same
// decisions.
//
//   submit ─► admit ─► scheduled / ready ─► dispatch ─► running ─► done / failed / lost ─► ended
//
// A task is always in exactly one place: a line (ready), a worker's list (running), the timers
// alone (scheduled, retrying), or a list of ended tasks; see task_table.hpp. What the core has
// decided is ahead of the disk; whoever owns it tells nobody before the records are durable.
//
// Cost: every command is O(log n) in what waits; dispatch is O(log tenants) a lease beside one look
// at the lanes of its level. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/demands.hpp"
#include "broker/core/fleet.hpp"
#include "broker/core/gates.hpp"
#include "broker/core/idempotency_keys.hpp"
#include "broker/core/lines.hpp"
#include "broker/core/output.hpp"
#include "broker/core/policies.hpp"
#include "broker/core/queues.hpp"
#include "broker/core/record.hpp"
#include "broker/core/settings.hpp"
#include "broker/core/task_table.hpp"
#include "broker/core/timers.hpp"
#include "broker/core/views.hpp"
#include "broker/core/waits.hpp"
#include "common/base/random.hpp"
#include "common/base/result.hpp"
#include "common/wire/messages.hpp"

namespace drover::broker {

struct CoreOptions {
  TaskLimits limits;
  std::uint64_t message_max = 1024 * 1024;  // told to workers
  std::uint64_t queue_length = 10'000'000;  // waiting and dead tasks of one queue
  std::size_t queues = 10'000;
  std::size_t kinds = 10'000;  // type and requirements together, in use at once
  std::size_t workers = 10'000;
  std::size_t waits = 100'000;  // callers that wait for a task's end
  std::size_t waits_of_peer = 10'000;
  Duration wait_max = 10min;  // then a caller is told to ask again: it may have gone
  Policy policy;              // of a task that does not say
  std::uint64_t results_max = 1'000'000;
  std::uint64_t results_bytes_max = 1ULL << 30;
  Duration dlq_ttl = std::chrono::hours(24 * 30);
  Duration idempotency_window = 24h;
  std::size_t idempotency_max = 10'000'000;
  Duration worker_timeout = 15s;
  Duration heartbeat = 5s;
  Duration recovery_grace = 30s;
  Duration cancel_grace = 5s;
  std::uint32_t poison_after = 3;
  // Workers are bound to tenants and queues: tasks are told apart by whose they are, at the cost of
  // a lane for each tenant and queue.
  bool scoped = false;
  Duration aging = 5min;  // in line, for one level more; 0 = never
  std::vector<std::pair<SettingHolder, Settings>> settings;  // of the configuration
};

// What became of a submitted task.
struct Admitted {
  TaskId id;  // the first one's where an idempotency key was known
  TaskState state = TaskState::ready;
  bool duplicate = false;
  bool no_worker = false;  // no worker runs its kind now
};

class Core {
 public:
  Core(const CoreOptions& options, Random random);
  Core(const Core&) = delete;

  // --- at start, before anything else: every kept record in order, then once finish_recovery.
  Result<void> recover(const Record& record, const Locator& where);
  // STORE_DAMAGED if the books of the store do not balance.
  Result<void> finish_recovery(Instant now);

  // --- commands of clients
  // Refusals: those of check(TaskSpec), CONFLICT, IDEMPOTENCY_CONFLICT, QUEUE_FULL,
  // RESOURCE_EXHAUSTED, STORAGE_FULL, DRAINING.
  Result<Admitted> submit(const wire::SubmittedTask& task, Instant now, Output& out);
  // NOT_FOUND; WRONG_STATE for a task that has ended otherwise.
  Result<TaskState> cancel(const TaskId& id, Instant now, Output& out);
  // Dead, cancelled, expired: again. Retrying: now. NOT_FOUND; WRONG_STATE.
  Result<TaskState> retry(const TaskId& id, Instant now, Output& out);
  // Tells wait_over when the task has ended or `timeout`, at most wait_max, is over: at once if it
  // has ended.
  // NOT_FOUND; RESOURCE_EXHAUSTED.
  Result<void> wait(Peer peer, std::uint64_t request, const TaskId& id, Duration timeout,
                    Instant now, Output& out);

  // Changes what is set, and answers all that holds then. INVALID_ARGUMENT or BAD_NAME with the
  // field; RESOURCE_EXHAUSTED if there would be too many queues or settings.
  Result<Settings> set(const SettingHolder& holder, std::span<const SettingChange> changes,
                       Instant now, Output& out);

  // --- messages of workers
  // A worker's id belongs to the key that said hello with it: another is told FORBIDDEN.
  void hello(Peer peer, const wire::Hello& message, Instant now, Output& out,
             const Bond& bond = {});
  void heartbeat(Peer peer, const wire::Heartbeat& message, Instant now, Output& out);
  void done(Peer peer, const wire::Done& message, Instant now, Output& out);
  void failed(Peer peer, const wire::Failed& message, Instant now, Output& out);
  void released(Peer peer, const wire::Released& message, Instant now, Output& out);
  void progress(Peer peer, const wire::Progress& message, Instant now, Output& out);
  void bye(Peer peer, const wire::Bye& message, Instant now, Output& out);
  // A send to this connection found nobody there. If that is still so a heartbeat later, its worker
  // is lost.
  void unreachable(Peer peer, Instant now, Output& out);

  // --- time
  // Does what is due by `now`, a bounded amount: next_deadline() tells if there is more.
  void advance(Instant now, Output& out);
  Instant next_deadline() const;
  // The process stood still until `now`: whoever was silent may not have been heard. Judges no
  // worker and no lease before another worker_timeout has gone by.
  void listen_again(Instant now);

  // Leases ready tasks to free workers, the most urgent first, at most 1,000 in a call. After
  // commands and advance. True if there may be more to lease.
  bool dispatch(Instant now, Output& out);

  // --- what the owner tells
  void set_store(const StoreId& store) { store_ = store; }  // before the first command
  // All that was said up to this event has left.
  void set_told_seq(std::uint64_t seq) { told_seq_ = seq; }
  void set_storage_full(bool full) { storage_full_ = full; }
  void set_memory_short(bool is_short) { memory_short_ = is_short; }
  void set_draining(bool draining) { draining_ = draining; }

  // Cleaning: appends a newer copy of what is still needed of this old record.
  void carry(const Record& record, const Locator& where, Instant now, Output& out);
  // All totals, as the blob of a `books` record.
  std::string save_books() const { return queues_.save(next_admission_); }
  std::uint64_t live_bytes() const { return live_bytes_; }
  // Memory that is held for tasks to come: those that ended left it.
  std::uint64_t spare_bytes() const { return tasks_.spare_bytes(); }

  // --- questions
  std::optional<TaskView> show(const TaskId& id) const;
  // Where a known task belongs. The names are good until the next submission.
  struct Home {
    std::string_view tenant, queue;
  };
  std::optional<Home> home_of(const TaskId& id) const;
  // Looks at no more than 20,000 tasks from `cursor` on and answers at most `limit`.
  TaskPage list(const TaskFilter& filter, std::uint32_t limit, std::uint64_t cursor) const;
  // The dead, oldest first. BAD_CURSOR if the task it stands for is dead no more.
  Result<TaskPage> dead_letters(const TaskFilter& filter, std::uint32_t limit,
                                std::optional<std::uint64_t> cursor) const;
  std::vector<QueueView> queues(Instant now) const;
  std::vector<WorkerView> workers() const;
  // All that holds, and which of it was set at run time.
  struct Setup {
    Settings all, made;
  };
  Setup settings_of(const SettingHolder& holder) const;
  // Those of keys and tenants that are set at all, and of queues.
  std::vector<SettingHolder> holders() const;
  std::vector<GateView> gates(Instant now) const;
  // nullptr if there is no such session.
  const Bond* bond_of(SessionId session) const;
  CoreFigures figures() const;

  // Nothing newer than this event has been decided of the tenant's tasks since this process began;
  // 0 = nothing at all. Kept where tasks are told apart by whose they are; elsewhere UINT64_MAX.
  std::uint64_t newest_seq_of(std::string_view tenant) const;

  const StoreId& store() const { return store_; }

 private:
  // What a decision adds to the task's own fields in its record.
  struct Change {
    RecordKind kind;
    TaskState from;
    Outcome outcome = Outcome::none;
    ErrorView error = {};
    Usage usage = {};
    std::string_view reason = {};
    std::string_view blob = {};
  };

  // records (core_records.cpp)
  Record record_of(const TaskSlot& slot, const Change& change, Instant now) const;
  void write(TaskIndex task, const Change& change, Instant now, Output& out);
  void write(TaskIndex task, std::span<const Change> changes, Instant now, Output& out);
  void write_worker(const Worker& worker, RecordKind kind, std::string_view reason, Instant now,
                    Output& out);
  void set_state(TaskSlot& slot, TaskState state);
  void note_written(std::uint32_t tenant, std::uint64_t seq);
  void set_where(TaskSlot& slot, const Locator& where);

  // recovery (core_records.cpp)
  Result<void> recover_task(const Record& record, const Locator& where);
  void count_recovered(const Record& record, QueueBooks& books);
  Result<void> recover_kind(TaskSlot& slot, const Record& record);
  void recover_hot(TaskSlot& slot, const Record& record);
  void recover_whole(TaskSlot& slot, const Record& record, const Locator& where);
  void recover_key(const TaskSlot& slot);
  void drop_recovered(TaskIndex task);
  void place_recovered(TaskIndex task, Instant now);

  // admission (core_admission.cpp)
  Result<std::optional<Admitted>> find_duplicate(const TaskSpec& spec, std::string_view tenant,
                                                 std::uint64_t hash, Instant now);
  Result<std::uint32_t> room_for(const TaskSpec& spec, std::string_view tenant, Instant now);
  Result<void> within_limits(std::uint32_t queue, const TaskSpec& spec, Instant now) const;
  void count_submission(std::uint32_t queue, Instant now);
  Result<void> room_for_key(const TaskSpec& spec, Instant now);
  void fill(TaskSlot& slot, const TaskSpec& spec, Instant now);
  Home owner_of(std::uint32_t queue) const;

  // gates and settings (core_gates.cpp)
  Passage passage_of(const TaskSlot& slot) const;
  bool let_out(Instant now);
  bool lease_all(std::size_t& left, Instant now, Output& out);
  void wait_at(TaskIndex task, GateIndex gate);
  std::array<GateIndex, 3> gates_of_running(const TaskSlot& slot) const;
  void count_running(TaskSlot& slot);
  void stop_counting(TaskSlot& slot);
  void correct_rate(const TaskSlot& slot, const Usage& usage);
  void acquire_keys(TaskSlot& slot, const TaskSpec& spec);
  void release_keys(TaskSlot& slot);
  GateIndex key_gate(GateKind kind, std::uint32_t tenant, std::string_view key);
  void furnish(std::uint32_t queue);
  void apply(const SettingHolder& holder, Instant now);
  void hold_rate(const SettingHolder& holder);
  void apply_to_queue(std::uint32_t queue, Instant now);
  void apply_to_tenant(std::uint32_t tenant, Instant now);
  void apply_to_key(GateIndex gate, Instant now);
  Result<void> recover_settings(const Record& record, const Locator& where);
  void carry_settings(const Record& record, const Locator& where, Instant now, Output& out);

  // where a task goes (core_places.cpp)
  void place_waiting(TaskIndex task);
  void place_ended(TaskIndex task);
  void unplace(TaskIndex task);
  void make_ready(TaskIndex task, Instant at);
  void requeue(TaskIndex task, Outcome outcome, const ErrorView& error, std::string_view reason,
               Instant now, Output& out);
  void end(TaskIndex task, Instant now, Output& out);
  void tell_waiters(TaskIndex task, Output& out);
  void forget(TaskIndex task, Output& out);
  void limit_results(Output& out);
  Instant end_of_keeping(const TaskSlot& slot) const;

  // attempts (core_attempts.cpp)
  void lease(TaskIndex task, WorkerIndex worker, Instant now, Output& out);
  void say_assign(const TaskSlot& slot, const Worker& worker, Output& out) const;
  void end_attempt(TaskIndex task, Outcome outcome, const ErrorView& error, const Usage& usage,
                   Instant now);
  void ask_nothing_more(TaskSlot& slot);
  void complete(TaskIndex task, const wire::Done::Item& item, Instant now, Output& out);
  void fail(TaskIndex task, Outcome outcome, const ErrorView& error, Duration retry_after,
            const Usage& usage, Instant now, Output& out);
  void die(TaskIndex task, DeathReason reason, Outcome outcome, const ErrorView& error,
           const Usage& usage, Instant now, Output& out);
  void lose(TaskIndex task, Instant now, Output& out);
  bool must_run_alone(const TaskSlot& slot) const;
  void add_history(TaskSlot& slot, Outcome outcome, const ErrorView& error, const Usage& usage,
                   Instant now);
  WorkerIndex stop_later(TaskIndex task, bool cancelled, Instant now);
  void tell_to_stop(WorkerIndex worker, TaskIndex task, Output& out);
  void stopped(WorkerIndex worker, std::size_t which, Outcome outcome, Instant now, Output& out);
  Errc verdict_on_ended(const wire::Hold& hold, WorkerIndex worker, Outcome outcome, Instant now,
                        Output& out);

  // workers (core_workers.cpp)
  WorkerIndex heard(Peer peer, SessionId session, Instant now, Output& out);
  TaskIndex held(WorkerIndex worker, const wire::Hold& hold) const;
  TaskIndex known_to(WorkerIndex worker, const TaskId& id) const;
  bool ended_by_worker(WorkerIndex worker, const wire::Hold& hold) const;
  std::vector<wire::Verdict> reconcile_hello(WorkerIndex worker,
                                             const std::vector<wire::Hold>& holds, bool goes_on,
                                             Instant now, Output& out);
  Errc adopt(WorkerIndex worker, const wire::Hold& hold, Instant now);
  void drop_unlisted(WorkerIndex worker, std::uint8_t misses, bool goes_on, Instant now,
                     Output& out);
  void fail_over_large(TaskIndex task, const wire::Done::Item& item, Instant now, Output& out);
  void freed(WorkerIndex worker, Instant now, Output& out);
  TaskIndex reserved_for(WorkerIndex worker) const;
  void give_back_reserved(WorkerIndex worker);
  void lose_worker(WorkerIndex worker, std::string_view reason, Instant now, Output& out);
  void lose_orphans(Instant now, Output& out);

  // time (core_time.cpp)
  void on_timer(TaskIndex task, Instant now, Output& out);
  void expire(TaskIndex task, Instant now, Output& out);
  void overrun(TaskIndex task, Instant now, Output& out);
  void judge_workers(Instant now, Output& out);

  TaskView view_of(TaskIndex task) const;
  bool matches(const TaskSlot& slot, const TaskFilter& filter) const;
  std::string_view tenant_of(const TaskSlot& slot) const { return queues_[slot.queue].tenant; }
  const Policy& policy_of(const TaskSlot& slot) const { return policies_[slot.policy]; }
  std::uint32_t tenant_number(const TaskSlot& slot) const {
    return queues_[slot.queue].tenant_number;
  }

  CoreOptions options_;
  StoreId store_;
  Random random_;

  TaskTable tasks_;
  Timers timers_{tasks_};
  Queues queues_;
  Demands demands_;
  Policies policies_;
  Lines lines_;
  Gates gates_{tasks_};
  Fleet fleet_{demands_};
  IdempotencyKeys keys_;
  Waits waits_;

  struct SettingEntry {
    Settings configured, made;  // in the configuration, at run time
    Locator where;              // the newest record of what was made
    GateIndex rate = kNone;     // of a key: its rate is kept while nobody asks for it
  };
  std::map<SettingHolder, SettingEntry> settings_;
  Instant now_{};  // of the newest turn

  TaskList orphans_;
  TaskList finished_;  // by the instant they ended
  TaskList dead_;
  std::uint64_t results_bytes_ = 0;
  std::size_t reserved_ = 0;  // tasks that a worker is being emptied for

  struct Note {
    std::optional<std::uint32_t> percent;
    std::string message;
  };
  absl::flat_hash_map<TaskIndex, Note> notes_;  // of running tasks

  absl::flat_hash_map<TaskIndex, Duration> recovered_waits_;  // between recover and its finish

  std::uint64_t next_admission_ = 1;
  std::uint64_t told_seq_ = 0;
  std::uint64_t written_seq_ = 0;  // the newest record; what is said now leaves once it is durable
  std::vector<std::uint64_t> newest_seqs_;  // by tenant number
  std::uint64_t live_bytes_ = 0;
  Instant orphans_until_ = kNever;
  Instant judge_at_ = kNever;    // the next look at silent workers
  Instant no_verdict_before_{};  // see listen_again
  bool storage_full_ = false;
  bool memory_short_ = false;
  bool draining_ = false;

  std::uint64_t results_evicted_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t stale_ = 0;
  std::uint64_t poisoned_ = 0;
};

}  // namespace drover::broker
