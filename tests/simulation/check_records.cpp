// What the broker decides: was it allowed, was there a cause, does the record tell the truth?

#include <algorithm>

#include "broker/store/record_codec.hpp"
#include "common/wire/codec.hpp"
#include "tests/simulation/checker.hpp"

namespace drover::sim {

using broker::RecordKind;

void Checker::appended(std::uint64_t seq, std::string_view bytes) {
  if (seq != newest_seq() + 1) return fail("promise 8: an event's number does not follow the last");
  records_.push_back(digest(bytes));
  tenants_.emplace_back();
  events_.push_back(0);
  ++decisions_;
  ++figures_.records;
  const auto stored = broker::decode_record(bytes);
  if (!stored) return fail("a record cannot be read back: " + stored.error().message);
  tenants_.back() = stored->record.tenant;
  judge(stored->record, seq);
}

void Checker::judge(const Record& r, std::uint64_t seq) {
  if (cause_.kind == Cause::Kind::nothing) return fail("something was decided without a cause");
  if (r.at != now_) return fail("a record does not bear the time of its turn");
  if (r.kind >= RecordKind::worker_joined) return judge_worker(r);
  if (r.kind == RecordKind::created) return judge_created(r, seq);
  const TaskNumber task = ledger_.find(r.task);
  if (task == kNoTask) return fail("a record of a task that was never submitted");
  judge_unchanged(ledger_[task].facts, r);
  judge_task(task, r);
  if (violation_) return;
  ++figures_.steps[static_cast<std::size_t>(r.from)][static_cast<std::size_t>(r.state)];
  ledger_.apply(task, r, seq);
  settle(task, r);
}

void Checker::judge_unchanged(const TaskFacts& facts, const Record& r) {
  const bool same = r.tenant == facts.tenant && r.queue == facts.queue && r.type == facts.type &&
                    r.priority == facts.priority && r.admission == facts.admission &&
                    r.created_at == facts.created_at;
  if (!same) fail("task " + to_string(r.task) + ": a record changes what never changes");
}

void Checker::judge_task(TaskNumber task, const Record& r) {
  const TaskEntry& entry = ledger_[task];
  const TaskLife& life = entry.life;
  const bool became_ready = waits(life.state) && r.from == TaskState::ready &&
                            (life.state == TaskState::ready || is_due(task));
  if (r.from != life.state && !became_ready) {
    return fail("promise 2: " + name(entry) + " leaves the state " + std::string(name_of(r.from)));
  }
  const std::uint32_t attempt = life.attempt() + (r.kind == RecordKind::started ? 1 : 0);
  if (r.attempt != attempt) {
    return fail("promise 4: " + name(entry) + " is recorded with attempt " +
                std::to_string(r.attempt));
  }
  judge_counts(entry, r);
  switch (r.kind) {
    case RecordKind::started: return judge_started(task, r);
    case RecordKind::completed:
    case RecordKind::stopped: return judge_end_of_attempt(entry, r);
    case RecordKind::retrying: return judge_end_of_attempt(entry, r), judge_retrying(entry, r);
    case RecordKind::failed: return judge_end_of_attempt(entry, r), judge_dead(entry, r);
    case RecordKind::requeued: return judge_requeued(entry, r);
    case RecordKind::dead:
      died_.push_back(task);
      ++figures_.dead;
      if (life.state != TaskState::dead) fail(name(entry) + " is dead without a failure");
      return;
    case RecordKind::cancelled:
      if (!is_asked_by_client(r.task, false)) fail(name(entry) + " is cancelled, unasked");
      if (has_ended(life.state)) fail("promise 2: " + name(entry) + " is cancelled at its end");
      return;
    case RecordKind::expired:
      ++figures_.expired;
      if (!by_time() || now_ < life.expires_at || !waits(life.state)) {
        fail(name(entry) + " expires before its time");
      }
      return;
    case RecordKind::purged:
      if (life.state != TaskState::dead || now_ < life.until + core_.dlq_ttl) {
        fail(name(entry) + " is purged before its time");
      }
      return;
    default: return fail("a record that is no event has a number");
  }
}

// Failures and strikes move by the rules, and by nothing else.
void Checker::judge_counts(const TaskEntry& entry, const Record& r) {
  std::uint32_t failures = entry.life.failures, strikes = entry.life.strikes;
  const bool ends_running = r.from == TaskState::running && r.kind != RecordKind::completed;
  if (ends_running && is_charged(r.outcome)) ++failures;
  if (ends_running && r.outcome == Outcome::worker_lost) ++strikes;
  if (r.kind == RecordKind::requeued && has_ended(r.from)) failures = strikes = 0;
  if (r.failures != failures) {
    fail(name(entry) + " has " + std::to_string(r.failures) + " failures recorded where " +
         std::to_string(failures) + " are due: only attempts that failed or timed out are charged");
  }
  if (r.strikes != strikes) fail(name(entry) + " has a wrong number of strikes recorded");
  if (r.failures > entry.facts.max_attempts) fail(name(entry) + " failed more often than allowed");
}

void Checker::judge_end_of_attempt(const TaskEntry& entry, const Record& r) {
  const bool lost = r.outcome == Outcome::worker_lost;
  if (lost) return judge_loss(entry);
  const bool overran =
      by_time() && (r.outcome == Outcome::timed_out || r.outcome == Outcome::stopped);
  if (r.kind == RecordKind::stopped) {
    if (!entry.life.leases.back().cancelled) fail(name(entry) + " is stopped, not cancelled");
    return;
  }
  if (overran) {
    const bool late = now_ >= entry.life.leases.back().at + entry.facts.timeout;
    if ((!late && exact_times_) || now_ < stood_still_until_)
      fail(name(entry) + " is timed out before its time");
    if (now_ < entry.back_at + core_.worker_timeout) {
      fail(name(entry) + " is timed out before its worker was heard after a restart");
    }
    return;
  }
  if (const auto* done = done_item(entry)) {
    const bool too_large = done->result.size() > core_.limits.result_max;
    const bool completes = r.kind == RecordKind::completed && r.blob == done->result;
    if (too_large ? r.kind != RecordKind::failed : !completes) {
      fail("promise 5: the result recorded of " + name(entry) + " is not the one that was sent");
    }
    return;
  }
  const auto* failed = failed_item(entry);
  if (!failed || r.kind == RecordKind::completed || failed->outcome != r.outcome) {
    fail("promise 4: an attempt of " + name(entry) + " ended, and nobody who held it said so");
  }
}

void Checker::judge_retrying(const TaskEntry& entry, const Record& r) {
  const TaskFacts& facts = entry.facts;
  if (r.failures >= facts.max_attempts) fail(name(entry) + " is tried once too often");
  const auto* failed = failed_item(entry);
  const Duration asked = failed ? std::max(failed->retry_after, Duration(0)) : Duration(0);
  const Duration longest = backoff_ceiling(facts.backoff, r.failures);
  const Duration shortest = facts.backoff.jitter ? Duration(0) : longest;
  const Duration delay = r.until - r.at;
  const bool good = delay >= std::max(shortest, asked) && delay <= std::max(longest, asked) &&
                    delay == r.wait && r.ready_at == r.until;
  if (!good) fail(name(entry) + " waits for another time than its policy says");
}

void Checker::judge_dead(const TaskEntry& entry, const Record& r) {
  const bool spent = r.failures >= entry.facts.max_attempts;
  if (r.reason == "attempts") {
    if (!spent || !is_charged(r.outcome)) fail(name(entry) + " dies with attempts left");
  } else if (r.reason == "fatal") {
    if (r.error.retryable) fail(name(entry) + " dies of an error that may be retried");
  } else if (r.reason == "poison") {
    ++figures_.poisoned;
    if (r.strikes != core_.poison_after) fail(name(entry) + " is called poison too early");
    judge_poison(entry);
  } else {
    fail(name(entry) + " dies without a reason");
  }
}

void Checker::judge_requeued(const TaskEntry& entry, const Record& r) {
  if (r.state != TaskState::ready || r.ready_at != now_) {
    return fail(name(entry) + " is requeued, and does not stand at the end of its line");
  }
  if (r.reason == "retry") {
    const bool may = has_ended(r.from) ? r.from != TaskState::completed : waits(r.from);
    if (!may || !is_asked_by_client(r.task, true)) fail(name(entry) + " is retried, unasked");
    intentions_.erase(r.task);
    return;
  }
  if (r.from != TaskState::running) return fail(name(entry) + " is given back by nobody");
  if (r.reason == "worker_lost") return judge_loss(entry);
  const auto* failed = failed_item(entry);
  const bool stopped = r.reason == "stopped" && failed && failed->outcome == Outcome::stopped;
  const bool released = r.reason == "released" && has_released(entry);
  const bool sender = cause_.sender == entry.life.leases.back().worker;
  const bool hello = std::holds_alternative<wire::Hello>(cause_.worker_message);
  const bool beat = std::holds_alternative<wire::Heartbeat>(cause_.worker_message);
  const bool unlisted = r.reason == "not_started" && sender &&
                        ((hello && entry.unlisted > 0) || (beat && entry.unlisted > 1));
  if (cause_.kind != Cause::Kind::worker || (!stopped && !released && !unlisted)) {
    fail(name(entry) + " is taken from its worker as " + std::string(r.reason) +
         " without a cause");
  }
}

// Where the task stands after a decision.
void Checker::settle(TaskNumber task, const Record& r) {
  if (r.kind == RecordKind::stopped) return;  // it stands where it stood
  TaskEntry& entry = ledger_[task];
  order_.remove(task);
  if (r.kind == RecordKind::started) return take_lease(task, r);
  if (entry.life.state != TaskState::running && r.from == TaskState::running) {
    fleet_.release(entry.life.leases.back().worker, task);
    if (entry.orphaned) --orphans_;
    entry.orphaned = false;
  }
  if (!waits(entry.life.state) || entry.life.purged) return;
  const bool apart = stands_apart(entry);
  if (entry.life.state == TaskState::ready) {
    order_.join(task, entry.life.ready_at, {turn_, phase_, newest_seq(), now_}, apart);
  } else {
    order_.wait(task, entry.life.until, apart);
  }
}

}  // namespace drover::sim
