// Who gets which task when, and who loses it.

#include <algorithm>

#include "tests/simulation/checker.hpp"

namespace drover::sim {
namespace {

constexpr Duration kJudgedWithin = 2500ms;  // of when a worker is due to be given up
constexpr Duration kRounding = 2ms;
constexpr std::uint32_t kSendsAllowed = 1;
constexpr std::uint32_t kLeasesMax = kHistoryMax;

}  // namespace

bool Checker::must_run_alone(const TaskLife& life) const {
  return life.strikes > 0 && life.strikes + 1 >= core_.poison_after;
}

// A worker's key says whose tasks it is there for.
bool Checker::is_in_scope(const WorkerView& worker, const std::string& tenant,
                          const std::string& queue) const {
  const broker::Principal& who = options_.keys[worker.key];
  if (!who.tenant.empty() && who.tenant != tenant) return false;
  return who.queues.empty() || who.queues.front() == queue;
}

bool Checker::can_run(const WorkerView& worker, std::uint32_t kind) const {
  if (kind >= kinds_.size()) return false;
  const auto has = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  const WorkKind& work = kinds_[kind];
  return (!core_.scoped || is_in_scope(worker, work.tenant, work.queue)) &&
         has(worker.types, work.type) &&
         std::all_of(work.requirements.begin(), work.requirements.end(),
                     [&](const std::string& name) { return has(worker.features, name); });
}

void Checker::judge_started(TaskNumber task, const Record& r) {
  const TaskEntry& entry = ledger_[task];
  const TaskLife& life = entry.life;
  if (!waits(life.state)) return fail("promise 4: " + name(entry) + " is leased again");
  if (!is_due(task)) return fail(name(entry) + " starts before it is due");
  if (const auto meant = intentions_.find(entry.facts.id); meant != intentions_.end()) {
    const Duration forward = stepped_forward_ - meant->second.stepped;
    const Instant earliest =
        clock_at({}, meant->second.sent_at) + meant->second.delay - forward - kRounding;
    if (clock_at({}, schedule_.now()) < earliest) return fail(name(entry) + " starts too early");
  }
  if (r.until != now_ + entry.facts.timeout + core_.cancel_grace) {
    return fail(name(entry) + " is leased for another time than its timeout says");
  }
  const WorkerView* worker = fleet_.find(r.worker);
  if (!worker || !worker->joined) return fail(name(entry) + " is leased to a stranger");
  if (worker->draining) return fail(name(entry) + " is leased to a worker that drains");
  if (!is_in_scope(*worker, entry.facts.tenant, entry.facts.queue)) {
    return fail(name(entry) + " is leased to a worker that is there for others");
  }
  if (!can_run(*worker, entry.facts.kind)) {
    return fail(name(entry) + " is leased to a worker that does not run its kind");
  }
  if (worker->leases.size() >= worker->window) {
    return fail(name(entry) + " is leased beyond its worker's window");
  }
  judge_key_of(task);
  judge_turn(task, *worker);
}

// One task of a concurrency key at a time.
void Checker::judge_key_of(TaskNumber task) {
  const TaskEntry& entry = ledger_[task];
  if (entry.facts.concurrency_key.empty()) return;
  TaskNumber& holder =
      holders_.try_emplace({entry.facts.tenant, entry.facts.concurrency_key}, kNoTask)
          .first->second;
  if (holder != kNoTask && ledger_[holder].life.state == TaskState::running) {
    return fail(name(entry) + " starts while " + name(ledger_[holder]) +
                " runs under the same concurrency key");
  }
  holder = task;
}

// Its turn had come; and one that may be poison has a worker to itself.
void Checker::judge_turn(TaskNumber task, const WorkerView& worker) {
  const TaskEntry& entry = ledger_[task];
  const bool alone = must_run_alone(entry.life);
  if (alone && !worker.leases.empty()) return fail(name(entry) + " must run alone, and does not");
  for (const TaskNumber other : worker.leases) {
    if (must_run_alone(ledger_[other].life)) {
      return fail(name(entry) + " is put beside one that must run alone");
    }
  }
  if (alone) return;
  if (!by_time()) return fail(name(entry) + " is leased out of turn");
  order_.pass(now_, turn_);
  const TaskNumber other = order_.passed_over(
      task, [&](std::uint32_t kind) { return can_run(worker, kind); }, now_);
  if (other == kNoTask) return;
  fail("promise 6: " + name(entry) + " of priority " + std::string(name_of(entry.facts.priority)) +
       " goes before " + name(ledger_[other]) + " of priority " +
       std::string(name_of(ledger_[other].facts.priority)));
}

void Checker::take_lease(TaskNumber task, const Record& r) {
  ++figures_.leases;
  if (r.attempt > kLeasesMax) {
    fail(name(ledger_[task]) +
         " goes round in circles: its history cannot hold that many attempts");
  }
  WorkerView& worker = *fleet_.find(r.worker);
  ledger_[task].unlisted = 0;
  ledger_[task].back_at = {};
  worker.leases.push_back(task);
  if (worker.leases.size() == 1) return;
  for (const TaskNumber each : worker.leases) ledger_[each].life.leases.back().shared = true;
}

// --- losing them

void Checker::judge_loss(const TaskEntry& entry) {
  if (!by_time() && !has_released(entry)) {
    return fail(name(entry) + " is lost because of a message");
  }
  if (entry.orphaned) {
    if (now_ < started_at_ + core_.recovery_grace) {
      fail("promise 4: " + name(entry) + " is given up before the grace after a restart is over");
    }
  } else if (fleet_.find(entry.life.leases.back().worker)) {
    fail(name(entry) + " is lost, and its worker is there");
  }
}

void Checker::judge_poison(const TaskEntry& entry) {
  if (entry.life.leases.back().shared) {
    fail(name(entry) + " is called poison, but its worker ran another task beside it");
  }
}

// --- what is heard of workers

void Checker::hears(const wire::Hello& hello, Instant now) {
  WorkerView* worker = fleet_.find(hello.worker);
  if (worker && worker->key != cause_.key) return;  // its id is another key's
  cause_.sender = hello.worker;
  if (!worker) worker = &fleet_.add(hello.worker);
  worker->key = cause_.key;
  fleet_.greeted(*worker, cause_.peer);
  worker->heard_at = now;
  worker->types.assign(hello.types.begin(), hello.types.end());
  worker->features.assign(hello.capabilities.begin(), hello.capabilities.end());
  worker->window = hello.window;
  worker->draining = false;
  worker->unreachable = 0;
  for (const TaskNumber task : worker->leases) {
    const TaskEntry& entry = ledger_[task];
    const wire::Hold hold{entry.facts.id, entry.life.attempt()};
    const bool listed =
        std::find(hello.holds.begin(), hello.holds.end(), hold) != hello.holds.end();
    ledger_[task].unlisted = listed ? 0 : 2;
  }
  for (const auto& hold : hello.holds) {
    const TaskNumber task = ledger_.find(hold.task);
    if (task == kNoTask || !ledger_[task].orphaned) continue;
    TaskEntry& entry = ledger_[task];
    if (!entry.life.is_live(hold.attempt)) continue;
    if (entry.life.leases.back().worker != hello.worker) continue;
    entry.orphaned = false;
    entry.back_at = now;
    --orphans_;
    worker->leases.push_back(task);
  }
  if (worker->leases.size() < 2) return;
  for (const TaskNumber each : worker->leases) {
    if (ledger_[each].unlisted == 0) ledger_[each].life.leases.back().shared = true;
  }
}

void Checker::hears(const wire::Heartbeat& beat) {
  for (const TaskNumber task : fleet_.find(cause_.sender)->leases) {
    TaskEntry& entry = ledger_[task];
    const wire::Hold hold{entry.facts.id, entry.life.attempt()};
    const bool listed = std::find(beat.holds.begin(), beat.holds.end(), hold) != beat.holds.end();
    if (listed) {
      entry.unlisted = 0;
    } else if (is_durable(entry.life.leases.back().seq) && entry.unlisted < UINT8_MAX) {
      ++entry.unlisted;
    }
  }
}

void Checker::judge_worker(const Record& r) {
  WorkerView* worker = fleet_.find(r.worker);
  const bool from_it = cause_.kind == Cause::Kind::worker && cause_.sender == r.worker;
  if (!worker) return fail("a record of a worker that never said hello");
  if (r.kind == RecordKind::worker_joined) {
    if (!from_it || worker->joined) fail("a worker joins without a hello");
    worker->joined = true;
  } else if (r.kind == RecordKind::worker_draining) {
    if (!from_it) fail("a worker drains without having said so");
    worker->draining = true;
  } else {
    const bool silent = now_ >= worker->heard_at + core_.worker_timeout &&
                        now_ >= stood_still_until_ + core_.worker_timeout;
    const bool good = r.reason == "bye"           ? from_it
                      : r.reason == "silent"      ? by_time() && silent
                      : r.reason == "unreachable" ? worker->unreachable > kSendsAllowed
                                                  : false;
    if (!good) {
      fail("worker " + to_string(r.worker) + " is given up as " + std::string(r.reason) +
           " without a cause");
    }
    fleet_.remove(r.worker);
  }
}

// Nobody who is silent keeps what he holds.
void Checker::judge_silence() {
  const Instant listened = perhaps_still_until_ + core_.worker_timeout;
  for (const WorkerView& worker : fleet_.all()) {
    const Instant due = std::max(worker.heard_at + core_.worker_timeout, listened);
    if (worker.joined && now_ > due + kJudgedWithin) {
      return fail("worker " + to_string(worker.id) + " is silent and is not given up");
    }
  }
  const Instant due = std::max(started_at_ + core_.recovery_grace, listened);
  if (orphans_ > 0 && now_ > due + kJudgedWithin) {
    fail("tasks whose worker has not come back are still running after the grace");
  }
}

}  // namespace drover::sim
