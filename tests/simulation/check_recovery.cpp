// After a crash: what was durable is there again, nothing that was not decided is, and the broker
// knows of every task what the records say.

#include <algorithm>

#include "broker/store/record_codec.hpp"
#include "tests/simulation/checker.hpp"

namespace drover::sim {

// --- what the store gives back

void Checker::replayed(const broker::Kept& kept) {
  if (kept.seq == 0) return;
  if (replay_seq_ > 0 && kept.seq != replay_seq_ + 1) {
    return fail("promise 8: the store gives its events back with a gap");
  }
  replay_seq_ = kept.seq;
  if (kept.seq > newest_seq()) return fail("the store gives back what was never decided");
  if (records_[kept.seq - 1] != digest(kept.bytes)) {
    fail("promise 9: event " + std::to_string(kept.seq) + " comes back as another");
  }
}

void Checker::recovered(const broker::Core& core, Instant now, std::uint64_t newest) {
  ++figures_.recoveries;
  if (newest < durable_seq_) {
    return fail("promise 1: what was durable is gone: events " + std::to_string(newest + 1) +
                " to " + std::to_string(durable_seq_));
  }
  if (newest > newest_seq()) return fail("the store gives back what was never decided");
  ledger_.take_back(newest);
  records_.resize(newest);
  tenants_.resize(newest);
  events_.resize(newest);
  durable(newest);
  turn_ = 0;
  rebase(now);
  compare(core);
}

// A new process, a new clock: who ran a task is not here yet, and what waited waits on.
void Checker::rebase(Instant now) {
  started_at_ = now_ = now;
  newest_now_ = std::max(newest_now_, now);
  stood_still_until_ = perhaps_still_until_ = {};
  orphans_ = 0;
  fleet_.clear();
  for (TaskNumber task = 0; task < ledger_.size(); ++task) {
    TaskEntry& entry = ledger_[task];
    entry.orphaned = entry.life.state == TaskState::running;
    entry.unlisted = 0;
    entry.back_at = {};
    if (entry.orphaned) ++orphans_;
  }
  place_recovered(now);
}

// In the order of their lines; a wait has what is left of it, whatever the system clock did.
void Checker::place_recovered(Instant now) {
  order_.clear();
  holders_.clear();
  std::vector<std::pair<std::pair<Instant, std::uint64_t>, TaskNumber>> ready;
  for (TaskNumber task = 0; task < ledger_.size(); ++task) {
    const TaskEntry& entry = ledger_[task];
    const TaskLife& life = entry.life;
    if (life.state == TaskState::running && !entry.facts.concurrency_key.empty()) {
      holders_[{entry.facts.tenant, entry.facts.concurrency_key}] = task;
    }
    if (!waits(life.state) || ledger_.find(entry.facts.id) != task) continue;
    if (life.expires_at <= now) continue;  // it will not start any more
    if (life.state != TaskState::ready && life.until > now) {
      order_.wait(task, std::min(life.until, now + life.wait), stands_apart(entry));
    } else {
      const Instant since = life.state == TaskState::ready ? life.ready_at : life.until;
      ready.push_back({{since, entry.facts.admission}, task});
    }
  }
  std::sort(ready.begin(), ready.end());
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const auto& [key, task] = ready[i];
    order_.join(task, key.first, {0, 0, i, now}, stands_apart(ledger_[task]));
  }
}

// --- what the broker makes of it

// A task that has ended long enough ago, or that had to make room, may be known or not.
bool Checker::may_be_forgotten(const TaskEntry& entry) const {
  const TaskLife& life = entry.life;
  if (life.purged) return true;
  if (life.state == TaskState::dead) return life.until + core_.dlq_ttl <= newest_now_;
  if (!has_ended(life.state)) return false;
  return core_.results_max < 1000 || life.until + entry.facts.result_ttl <= newest_now_;
}

void Checker::compare(const broker::Core& core) {
  for (TaskNumber task = 0; task < ledger_.size() && !violation_; ++task) {
    const TaskEntry& entry = ledger_[task];
    if (ledger_.find(entry.facts.id) != task) continue;
    const auto view = core.show(entry.facts.id);
    if (view) {
      if (entry.life.purged) return fail(name(entry) + " was purged and is back");
      compare_task(*view, entry);
    } else if (!may_be_forgotten(entry)) {
      return fail("promise 2: " + name(entry) + " is lost");
    }
  }
  compare_books(core);
}

void Checker::compare_task(const broker::TaskView& view, const TaskEntry& entry) {
  const TaskLife& life = entry.life;
  const auto differs = [&](std::string_view what) {
    fail("promise 9: " + name(entry) + " differs from its records: " + std::string(what));
  };
  if (view.state != life.state && !(waits(view.state) && waits(life.state))) {
    return differs("its state is " + std::string(name_of(view.state)));
  }
  if (view.attempt != life.attempt()) return differs("its attempt");
  if (view.failures != life.failures) return differs("its failures");
  if (view.priority != entry.facts.priority) return differs("its priority");
  if (view.max_attempts != entry.facts.max_attempts) return differs("its max_attempts");
  if (view.created_at != entry.facts.created_at) return differs("its created_at");
  if (view.expires_at != life.expires_at) return differs("its expires_at");
  if (view.labels.idempotency_key != entry.facts.key) return differs("its idempotency key");
  const bool due = view.state == TaskState::scheduled || view.state == TaskState::retrying;
  const TaskNumber task = ledger_.find(entry.facts.id);
  const bool expires = order_.due(task) == kNever;
  if (due && exact_times_ && !expires && !order_.is_in_line(task) &&
      view.due_at != order_.due(task)) {
    return differs("when it is due: " + to_rfc3339(view.due_at) + ", not " +
                   to_rfc3339(order_.due(task)));
  }
  std::size_t next = 0;  // in the view's history
  for (std::uint32_t number = 1; number <= life.attempt(); ++number) {
    const Lease& lease = life.leases[number - 1];
    const bool here = next < view.attempts.size() && view.attempts[next].attempt == number;
    // The end of a cancelled attempt is told later, and perhaps never.
    if (!here && lease.cancelled && lease.outcome == Outcome::none) continue;
    if (number + kHistoryMax <= life.attempt()) continue;
    if (!here) return differs("attempt " + std::to_string(number) + " is not in its history");
    const Attempt& attempt = view.attempts[next++];
    if (attempt.outcome != lease.outcome || attempt.worker != lease.worker ||
        attempt.started_at != lease.at) {
      return differs("attempt " + std::to_string(number) + " in its history");
    }
  }
  if (next != view.attempts.size()) differs("its history is too long");
}

void Checker::compare_books(const broker::Core& core) {
  for (const auto& queue : core.queues(now_)) {
    const LedgerBooks& books = ledger_.books(ledger_.queue_number(queue.tenant, queue.queue));
    LedgerBooks told;
    const broker::QueueBooks& b = queue.books;
    told.submitted = static_cast<std::int64_t>(b.submitted);
    told.purged = static_cast<std::int64_t>(b.purged);
    told.running = static_cast<std::int64_t>(b[TaskState::running]);
    told.waiting = static_cast<std::int64_t>(b[TaskState::scheduled] + b[TaskState::ready] +
                                             b[TaskState::retrying]);
    for (std::size_t i = 0; i < told.ended.size(); ++i) {
      told.ended[i] =
          static_cast<std::int64_t>(b.by_state[static_cast<std::size_t>(TaskState::completed) + i]);
    }
    if (!b.balance() || told != books) {
      return fail("promise 2: the books of queue " + queue.queue + " of tenant " + queue.tenant +
                  " do not balance with the records");
    }
  }
}

void Checker::would_lease_first(std::optional<TaskId> first_lease) {
  if (!exact_times_) return;
  const auto any = [](std::uint32_t) { return true; };
  order_.pass(now_, 0);
  const TaskNumber first = order_.first(any, now_);
  const bool none = first == kNoTask;
  const TaskNumber leased = first_lease ? ledger_.find(*first_lease) : kNoTask;
  if (leased != kNoTask && stands_apart(ledger_[leased])) return;  // goes when it can
  if (none != !first_lease || (first_lease && ledger_[first].facts.id != *first_lease)) {
    fail("promise 9: the next lease after a restart is " +
         (first_lease ? "task " + to_string(*first_lease) : std::string("none")) + ", not " +
         (none ? "none" : name(ledger_[first])));
  }
}

void Checker::carried(std::string_view bytes) {
  const auto stored = broker::decode_record(bytes);
  if (!stored) return fail("a carried record cannot be read back");
  const Record& r = stored->record;
  if (r.kind != RecordKind::whole) return;
  const TaskNumber task = ledger_.find(r.task);
  if (task == kNoTask) return fail("a task is carried that was never submitted");
  const TaskEntry& entry = ledger_[task];
  const bool same = (r.state == entry.life.state || (waits(r.state) && waits(entry.life.state))) &&
                    r.attempt == entry.life.attempt() && r.failures == entry.life.failures &&
                    r.admission == entry.facts.admission;
  if (!same) fail("promise 2: " + name(entry) + " is carried otherwise than it is");
}

}  // namespace drover::sim
