// How a task gets in: once, and as it was submitted.

#include <utility>

#include "tests/simulation/checker.hpp"

namespace drover::sim {

void Checker::judge_created(const Record& r, std::uint64_t seq) {
  const wire::SubmittedTask* task = submitted_item(r);
  if (!task) return fail("a task was admitted that nobody submitted");
  if (const TaskNumber known = ledger_.find(r.task); known != kNoTask) {
    if (!may_be_forgotten(ledger_[known])) {
      return fail("promise 7: " + name(ledger_[known]) + " is admitted again");
    }
    begun_.erase(begun_.lower_bound({r.task, 0}), begun_.upper_bound({r.task, UINT32_MAX}));
  }
  if (r.admission <= ledger_.newest_admission()) return fail("an admission number is used again");
  TaskFacts facts = facts_of(*task, r);
  judge_admitted(task->spec, r);
  judge_key(facts);
  judge_unchanged(facts, r);
  if (!violation_) settle(ledger_.create(std::move(facts), r, seq), r);
}

const wire::SubmittedTask* Checker::submitted_item(const Record& r) const {
  const auto* submit = std::get_if<wire::Submit>(&cause_.client_message);
  if (cause_.kind != Cause::Kind::client || !submit) return nullptr;
  for (const auto& each : submit->tasks) {
    if (each.spec.id == r.task && each.bytes == r.blob) return &each;
  }
  return nullptr;
}

TaskFacts Checker::facts_of(const wire::SubmittedTask& task, const Record& r) {
  const TaskSpec& spec = task.spec;
  TaskFacts facts;
  facts.id = r.task;
  facts.tenant = spec.tenant.empty() ? "default" : std::string(spec.tenant);
  facts.queue = spec.queue.empty() ? "default" : std::string(spec.queue);
  facts.type = spec.type;
  facts.tenant_number = ledger_.tenant_number(facts.tenant);
  facts.queue_number = ledger_.queue_number(facts.tenant, facts.queue);
  facts.kind = kind_of(spec, facts);
  facts.priority = spec.priority.value_or(Priority::normal);
  facts.admission = r.admission;
  facts.created_at = r.created_at;
  facts.timeout = spec.timeout.value_or(core_.policy.timeout);
  facts.result_ttl = spec.result_ttl.value_or(core_.policy.result_ttl);
  facts.max_attempts = spec.max_attempts.value_or(core_.policy.max_attempts);
  facts.backoff = spec.backoff.value_or(core_.policy.backoff);
  facts.key = spec.idempotency_key;
  facts.concurrency_key = spec.concurrency_key;
  facts.payload_hash = digest(spec.payload);
  facts.bytes_crc = static_cast<std::uint32_t>(digest(task.bytes) >> 32);
  return facts;
}

void Checker::judge_admitted(const TaskSpec& spec, const Record& r) {
  const Instant due = spec.not_before.value_or(now_ + spec.delay.value_or(0ms));
  const Instant expires = spec.ttl ? now_ + *spec.ttl : spec.expires_at.value_or(kNever);
  const bool later = due > now_;
  const bool good = r.state == (later ? TaskState::scheduled : TaskState::ready) &&
                    r.created_at == now_ && r.until == (later ? due : kNever) &&
                    r.expires_at == expires && r.attempt == 0 && r.failures == 0;
  if (!good) fail("task " + to_string(r.task) + " is not admitted as it was submitted");
}

// One admission for a key while its window is open for certain.
void Checker::judge_key(const TaskFacts& facts) {
  const TaskNumber first = facts.key.empty() ? kNoTask : ledger_.find_key(facts.tenant, facts.key);
  if (first == kNoTask) return;
  const TaskEntry& entry = ledger_[first];
  const bool may_go = core_.idempotency_max < 1000 && may_be_forgotten(entry);
  if (entry.facts.created_at + core_.idempotency_window > newest_now_ && !may_go) {
    fail("promise 7: a second task is admitted for the idempotency key of " + name(entry));
  }
}

}  // namespace drover::sim
