// What workers are told: leases, verdicts and cancels, each durable before it leaves.

#include "common/wire/codec.hpp"
#include "tests/simulation/checker.hpp"

namespace drover::sim {

void Checker::sends_worker(broker::Peer peer, std::string_view frame, bool delivered) {
  if (WorkerView* worker = fleet_.find(peer)) {
    worker->unreachable = delivered ? 0 : worker->unreachable + 1;
  }
  const auto order = wire::decode_worker_order(frame);
  if (!order) return fail("an order cannot be read: " + order.error().message);
  if (const auto* welcome = std::get_if<wire::Welcome>(&*order)) sends(peer, *welcome);
  if (const auto* assign = std::get_if<wire::Assign>(&*order)) sends(*assign);
  if (const auto* confirm = std::get_if<wire::Confirm>(&*order)) sends(*confirm);
  if (const auto* cancel = std::get_if<wire::CancelAttempts>(&*order)) sends(*cancel);
}

void Checker::sends(broker::Peer peer, const wire::Welcome& welcome) {
  WorkerView* worker = fleet_.welcomed(peer);
  if (!worker) return;
  worker->session = welcome.session;
  for (const auto& verdict : welcome.drop) check_verdict(verdict, *worker);
}

void Checker::sends(const wire::Assign& assign) {
  const WorkerView* worker = fleet_.find(assign.session);
  for (const auto& item : assign.items) {
    const auto spec = wire::decode_task(item.task);
    const TaskNumber task = spec ? ledger_.find(spec->id) : kNoTask;
    if (task == kNoTask) return fail("an unknown task is assigned");
    TaskEntry& entry = ledger_[task];
    if (item.attempt == 0 || item.attempt > entry.life.attempt()) {
      return fail("promise 3: " + name(entry) + " is assigned without a lease");
    }
    const Lease& lease = entry.life.leases[item.attempt - 1];
    if (!is_durable(entry.facts.created_seq) || !is_durable(lease.seq)) {
      fail("promise 3: " + name(entry) + " is assigned before its lease is durable");
    }
    if (entry.assigned.size() < item.attempt) entry.assigned.resize(item.attempt);
    if (entry.assigned[item.attempt - 1]) {
      fail("promise 4: attempt " + std::to_string(item.attempt) + " of " + name(entry) +
           " is assigned twice");
    }
    entry.assigned[item.attempt - 1] = true;
    if (worker && worker->id != lease.worker) {
      fail("promise 4: " + name(entry) + " is assigned to another worker than its lease says");
    }
    const bool same =
        digest(item.task) >> 32 == entry.facts.bytes_crc && item.tenant == entry.facts.tenant &&
        item.queue == entry.facts.queue && item.priority == entry.facts.priority &&
        item.timeout == entry.facts.timeout && item.created_at == entry.facts.created_at;
    if (!same) fail(name(entry) + " is assigned otherwise than it was submitted");
  }
}

void Checker::sends(const wire::Confirm& confirm) {
  const WorkerView* worker = fleet_.find(confirm.session);
  if (!worker) return;
  for (const auto& verdict : confirm.items) {
    ++figures_.confirms;
    check_verdict(verdict, *worker);
  }
}

void Checker::check_verdict(const wire::Verdict& verdict, const WorkerView& worker) {
  const TaskNumber task = ledger_.find(verdict.task);
  if (task == kNoTask) {
    if (verdict.code != Errc::not_found) fail("a verdict on a task that was never submitted");
    return;
  }
  const TaskEntry& entry = ledger_[task];
  const std::string what = name(entry) + ", attempt " + std::to_string(verdict.attempt);
  if (verdict.code == Errc::ok || verdict.code == Errc::result_too_large) {
    const bool known = verdict.attempt > 0 && verdict.attempt <= entry.life.attempt();
    if (!known) return fail("promise 5: " + what + " is confirmed, and was never leased");
    const Lease& lease = entry.life.leases[verdict.attempt - 1];
    if (lease.outcome == Outcome::none) fail("promise 5: " + what + " is confirmed, and not ended");
    if (!is_durable(lease.ended_seq))
      fail("promise 5: " + what + " is confirmed before it is durable");
    return;
  }
  if (verdict.code == Errc::stale_lease) ++figures_.stale;
  const bool held = entry.life.is_live(verdict.attempt) && !entry.orphaned &&
                    entry.life.leases.back().worker == worker.id;
  if (held) fail("promise 4: " + what + " is live, and its worker is told to forget it");
  const bool gone = entry.life.purged || may_be_forgotten(entry) ||
                    !is_in_scope(worker, entry.facts.tenant, entry.facts.queue);
  if (verdict.code == Errc::not_found && !gone) fail("promise 2: " + what + " is not found");
  constexpr std::size_t kCancelled = 2;  // among the ended states
  const bool cancelled =
      is_durable(entry.life.ended[kCancelled]) && entry.life.ended[kCancelled] > 0;
  if (verdict.code == Errc::cancelled && !cancelled)
    fail(what + " is called cancelled, and is not");
}

void Checker::sends(const wire::CancelAttempts& cancel) {
  for (const auto& item : cancel.items) {
    const TaskNumber task = ledger_.find(item.task);
    if (task == kNoTask) return fail("an unknown task is stopped");
    const TaskEntry& entry = ledger_[task];
    const bool known = item.attempt > 0 && item.attempt <= entry.life.attempt();
    const bool over = known && entry.life.leases[item.attempt - 1].ended_seq > 0 &&
                      is_durable(entry.life.leases[item.attempt - 1].ended_seq);
    if (!over) fail(name(entry) + " is stopped, and goes on by the records");
  }
}

}  // namespace drover::sim
