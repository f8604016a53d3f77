// The conversation with workers: who is there, what each holds, and when one is given up.

#include <algorithm>

#include "broker/core/core.hpp"
#include "broker/core/planted.hpp"
#include "common/base/assert.hpp"
#include "common/base/utf8.hpp"

namespace drover::broker {
namespace {

constexpr std::uint32_t kWindowMax = 100'000;
constexpr std::uint8_t kMissesAllowed = 1;  // heartbeats that may leave a lease out
constexpr Duration kJudgeEvery = 1s;

Result<void> check_hello(const wire::Hello& m) {
  const auto names_ok = [](const auto& names) {
    return std::all_of(names.begin(), names.end(), [](auto name) { return is_name(name); });
  };
  if (m.version != wire::kVersion) {
    return Error{Errc::unsupported_version, "the broker speaks version 1", "version"};
  }
  if (m.worker.is_nil()) return Error{Errc::invalid_argument, "the worker has no id", "worker"};
  if (m.types.empty()) return Error{Errc::invalid_argument, "the worker runs no type", "types"};
  if (!names_ok(m.types)) return Error{Errc::bad_name, "a type is no name", "types"};
  if (!names_ok(m.capabilities)) {
    return Error{Errc::bad_name, "a capability is no name", "capabilities"};
  }
  for (const auto& [key, value] : m.labels) {
    if (!is_name(key) || !is_name(value))
      return Error{Errc::bad_name, "a label is no name", "labels"};
  }
  if (m.slots < 1 || m.window < m.slots || m.window > kWindowMax) {
    return Error{Errc::invalid_argument, "slots must be at least 1, window from slots to 100,000",
                 "window"};
  }
  return {};
}

std::vector<std::string> features_of(const wire::Hello& m) {
  std::vector<std::string> features(m.capabilities.begin(), m.capabilities.end());
  for (const auto& [key, value] : m.labels) {
    features.push_back(std::string(key) + "=" + std::string(value));
  }
  return features;
}

}  // namespace

// The worker of a session, its clock wound up; kNone for a stranger, who is told to say hello.
WorkerIndex Core::heard(Peer peer, SessionId session, Instant now, Output& out) {
  const WorkerIndex index = fleet_.find(session);
  if (index == kNone) {
    out.who(peer, session, {Errc::session_unknown, "say hello again"});
    return kNone;
  }
  fleet_.set_peer(index, peer);
  fleet_[index].heard_at = now;
  fleet_[index].unreachable_since = kNever;
  return index;
}

// The task that the worker holds under this attempt, or kNone.
TaskIndex Core::held(WorkerIndex worker, const wire::Hold& hold) const {
  const TaskIndex task = tasks_.find(hold.task);
  if (task == kNone) return kNone;
  const TaskSlot& slot = tasks_[task];
  const bool same = slot.attempt == hold.attempt || planted(Planted::stale_done_accepted);
  const bool held = slot.place == Place::leased && same && slot.cold->holder == worker;
  return held ? task : kNone;
}

// The task, if it is one that the worker might have been given: of others it is told nothing.
TaskIndex Core::known_to(WorkerIndex worker, const TaskId& id) const {
  const TaskIndex task = tasks_.find(id);
  if (task == kNone) return kNone;
  const Queue& queue = queues_[tasks_[task].queue];
  return fleet_[worker].bond.scope.covers(queue.tenant, queue.name) ? task : kNone;
}

// True if the attempt ended by a message of its worker, who repeats that until it is confirmed.
bool Core::ended_by_worker(WorkerIndex worker, const wire::Hold& hold) const {
  const TaskIndex task = known_to(worker, hold.task);
  if (task == kNone || hold.attempt == 0 || tasks_[task].attempt != hold.attempt) return false;
  const TaskSlot& slot = tasks_[task];
  if (slot.state == TaskState::completed) return true;
  const auto& history = slot.cold->history;
  return !history.empty() && history.back().attempt == hold.attempt &&
         (history.back().outcome == Outcome::failed || history.back().outcome == Outcome::released);
}

void Core::hello(Peer peer, const wire::Hello& m, Instant now, Output& out, const Bond& bond) {
  if (auto ok = check_hello(m); !ok) return out.who(peer, SessionId{0}, ok.error());
  WorkerIndex index = fleet_.find(m.worker);
  const bool joins = index == kNone;
  if (!joins && fleet_[index].bond.owner != bond.owner) {
    return out.who(peer, SessionId{0},
                   {Errc::forbidden, "the worker's id belongs to another key", "worker"});
  }
  if (joins && fleet_.size() >= options_.workers) {
    return out.who(peer, SessionId{0},
                   {Errc::resource_exhausted, "there are as many workers as there may be"});
  }
  std::vector<std::string> types(m.types.begin(), m.types.end());
  const OfferIndex offer = demands_.offer(std::move(types), features_of(m), bond.scope);
  // A hello that is repeated while its welcome waits for the disk goes on with the same session. A
  // new one for each would be unknown again when its welcome arrives, on a slow disk without end.
  const bool goes_on =
      !joins && fleet_[index].peer == peer && fleet_[index].welcome_seq > told_seq_;
  const SessionId session = goes_on ? fleet_[index].session : SessionId{random_.next() | 1};
  if (joins) {
    index = fleet_.add(m.worker, session, peer);
  } else {
    give_back_reserved(index);
    fleet_.set_session(index, session);
    fleet_.set_peer(index, peer);
  }
  Worker& worker = fleet_[index];
  worker.bond = bond;
  worker.host = cut_text(m.host, kTextMax);
  worker.pid = m.pid;
  worker.slots = m.slots;
  worker.window = m.window;
  worker.draining = false;
  worker.gave_back = false;
  worker.heard_at = now;
  worker.alive_at = now;
  ++worker.beats;
  if (joins) write_worker(worker, RecordKind::worker_joined, {}, now, out);
  wire::Welcome welcome;
  welcome.session = session;
  welcome.store = store_;
  welcome.heartbeat = options_.heartbeat;
  welcome.worker_timeout = options_.worker_timeout;
  welcome.message_max = options_.message_max;
  welcome.result_max = options_.limits.result_max;
  welcome.drop = reconcile_hello(index, m.holds, goes_on, now, out);
  out.welcome(peer, welcome);
  fleet_[index].welcome_seq = written_seq_;
  const OfferIndex before = fleet_[index].offer;
  fleet_.refile(index, offer);
  if (!joins) demands_.release_offer(before);
  freed(index, now, out);
  if (judge_at_ == kNever) judge_at_ = now + kJudgeEvery;
}

// Holds the worker's list against the broker's: what it must drop, what it never had. An assign
// that has not left yet reaches the worker if its session goes on.
std::vector<wire::Verdict> Core::reconcile_hello(WorkerIndex index,
                                                 const std::vector<wire::Hold>& holds, bool goes_on,
                                                 Instant now, Output& out) {
  Worker& worker = fleet_[index];
  // What was being stopped is dropped by the welcome: nobody will speak of it again.
  while (!worker.stopping.empty()) stopped(index, 0, Outcome::stopped, now, out);
  std::vector<wire::Verdict> drop;
  for (const auto& hold : holds) {
    const Errc code = adopt(index, hold, now);
    if (code != Errc::ok) drop.push_back({hold.task, hold.attempt, code});
  }
  drop_unlisted(index, 0, goes_on, now, out);
  return drop;
}

// Keeps the lease with the worker, or says why it must go.
Errc Core::adopt(WorkerIndex index, const wire::Hold& hold, Instant now) {
  TaskIndex task = held(index, hold);
  if (task == kNone) {
    task = known_to(index, hold.task);
    if (task == kNone) return Errc::not_found;
    TaskSlot& slot = tasks_[task];
    if (slot.state == TaskState::cancelled) return Errc::cancelled;
    if (slot.place != Place::orphaned || slot.attempt != hold.attempt ||
        slot.cold->worker != fleet_[index].id) {
      return Errc::stale_lease;
    }
    unplace(task);
    slot.place = Place::leased;
    slot.cold->holder = index;
    fleet_[index].leases.push_back(tasks_, task);
    if (must_run_alone(slot)) fleet_[index].exclusive = true;
    // It may have ended while nobody was there to be told: heard before it is judged.
    const bool hasty = planted(Planted::judged_unheard);
    timers_.set(task, std::max(slot.until, now + (hasty ? 0ms : options_.worker_timeout)));
  }
  Cold& cold = *tasks_[task].cold;
  cold.heard = fleet_[index].beats;
  cold.missed = 0;
  return Errc::ok;
}

// Gives back what the worker's newest list left out more than `misses` times in a row.
void Core::drop_unlisted(WorkerIndex index, std::uint8_t misses, bool goes_on, Instant now,
                         Output& out) {
  TaskIndex next = kNone;
  for (TaskIndex task = fleet_[index].leases.head; task != kNone; task = next) {
    next = tasks_[task].next;
    Cold& cold = *tasks_[task].cold;
    if (cold.heard == fleet_[index].beats) continue;
    if (goes_on && cold.lease_seq > told_seq_) continue;  // its assign has not left yet
    if (cold.missed < misses) {
      ++cold.missed;
      continue;
    }
    requeue(task, Outcome::not_started, {}, "not_started", now, out);
  }
}

void Core::heartbeat(Peer peer, const wire::Heartbeat& m, Instant now, Output& out) {
  const WorkerIndex index = heard(peer, m.session, now, out);
  if (index == kNone) return;
  Worker& worker = fleet_[index];
  ++worker.beats;
  worker.gave_back = false;
  if (m.draining && !worker.draining) {
    worker.draining = true;
    write_worker(worker, RecordKind::worker_draining, {}, now, out);
    give_back_reserved(index);
  }
  for (const auto& hold : m.holds) {
    if (const TaskIndex task = held(index, hold); task != kNone) {
      tasks_[task].cold->heard = worker.beats;
      tasks_[task].cold->missed = 0;
      continue;
    }
    const auto is_it = [&](const Stopping& s) {
      return s.task == hold.task && s.attempt == hold.attempt;
    };
    if (std::any_of(worker.stopping.begin(), worker.stopping.end(), is_it)) continue;
    if (ended_by_worker(index, hold)) continue;  // its result is known; the confirm is on the way
    const Errc code = verdict_on_ended(hold, index, Outcome::none, now, out);
    out.confirm(peer, m.session, {hold.task, hold.attempt, code});
  }
  drop_unlisted(index, kMissesAllowed, true, now, out);
  freed(index, now, out);
}

void Core::done(Peer peer, const wire::Done& m, Instant now, Output& out) {
  const WorkerIndex index = heard(peer, m.session, now, out);
  if (index == kNone) return;
  for (const auto& item : m.items) {
    const wire::Hold hold{item.task, item.attempt};
    const TaskIndex task = held(index, hold);
    Errc code = Errc::ok;
    if (task == kNone) {
      code = verdict_on_ended(hold, index, Outcome::completed, now, out);
    } else if (item.result.size() > options_.limits.result_max) {
      code = Errc::result_too_large;
      fail_over_large(task, item, now, out);
    } else {
      complete(task, item, now, out);
    }
    out.confirm(peer, m.session, {item.task, item.attempt, code});
  }
  freed(index, now, out);
}

// Never retried: it would be as large again. The attempt keeps the beginning.
void Core::fail_over_large(TaskIndex task, const wire::Done::Item& item, Instant now, Output& out) {
  const std::string message =
      clean_text("the result has " + std::to_string(item.result.size()) +
                     " bytes; it begins: " + std::string(item.result.substr(0, kErrorTextMax)),
                 kErrorTextMax);
  fail(task, Outcome::failed, {"RESULT_TOO_LARGE", message, false}, 0ms, item.usage, now, out);
}

void Core::failed(Peer peer, const wire::Failed& m, Instant now, Output& out) {
  const WorkerIndex index = heard(peer, m.session, now, out);
  if (index == kNone) return;
  for (const auto& item : m.items) {
    const wire::Hold hold{item.task, item.attempt};
    const TaskIndex task = held(index, hold);
    const ErrorView error{cut_text(item.code, kNameMax), cut_text(item.message, kErrorTextMax),
                          item.retryable};
    Errc code = Errc::ok;
    if (task == kNone) {
      code = verdict_on_ended(hold, index, item.outcome, now, out);
    } else if (item.outcome == Outcome::stopped) {
      requeue(task, Outcome::stopped, error, "stopped", now, out);
    } else {
      fail(task, item.outcome, error, item.retry_after, item.usage, now, out);
    }
    out.confirm(peer, m.session, {item.task, item.attempt, code});
  }
  freed(index, now, out);
}

void Core::released(Peer peer, const wire::Released& m, Instant now, Output& out) {
  const WorkerIndex index = heard(peer, m.session, now, out);
  if (index == kNone) return;
  for (const auto& hold : m.items) {
    const TaskIndex task = held(index, hold);
    Errc code = Errc::ok;
    if (task == kNone) {
      code = verdict_on_ended(hold, index, Outcome::released, now, out);
    } else {
      fleet_[index].gave_back = true;
      requeue(task, Outcome::released, {}, "released", now, out);
    }
    out.confirm(peer, m.session, {hold.task, hold.attempt, code});
  }
  freed(index, now, out);
}

void Core::progress(Peer peer, const wire::Progress& m, Instant now, Output& out) {
  const WorkerIndex index = heard(peer, m.session, now, out);
  if (index == kNone) return;
  for (const auto& item : m.items) {
    const TaskIndex task = held(index, {item.task, item.attempt});
    if (task == kNone) continue;
    notes_[task] = {item.percent, std::string(cut_text(item.message, 1024))};
    out.progress(record_of(tasks_[task], Change{RecordKind::started, TaskState::running}, now),
                 item);
  }
}

void Core::bye(Peer peer, const wire::Bye& m, Instant now, Output& out) {
  const WorkerIndex index = heard(peer, m.session, now, out);
  if (index == kNone) return;
  while (!fleet_[index].leases.empty()) {
    requeue(fleet_[index].leases.head, Outcome::released, {}, "released", now, out);
  }
  lose_worker(index, "bye", now, out);
}

void Core::unreachable(Peer peer, Instant now, Output& out) {
  const WorkerIndex index = fleet_.find(peer);
  if (index == kNone || now < no_verdict_before_) return;
  Instant& since = fleet_[index].unreachable_since;
  if (since == kNever) since = now;
  if (now < since + options_.heartbeat) return;  // it may only be reconnecting
  lose_worker(index, "unreachable", now, out);
}

// The worker's load has gone down: it can take more, or the task that it was emptied for.
void Core::freed(WorkerIndex index, Instant now, Output& out) {
  Worker& worker = fleet_[index];
  if (worker.load() == 0) {
    worker.exclusive = false;
    if (const TaskIndex task = reserved_for(index);
        task != kNone && !worker.draining && !worker.gave_back) {
      unplace(task);
      const GateIndex gate = gates_.closed(tasks_[task], passage_of(tasks_[task]), now);
      if (gate == kNone) return lease(task, index, now, out);
      gates_.wait(task, gate);  // it has closed meanwhile
      timers_.set(task, tasks_[task].expires_at);
    }
  }
  fleet_.refile(index);
}

// The task that an idle worker was emptied for, or one that another is still being emptied for.
TaskIndex Core::reserved_for(WorkerIndex index) const {
  const Worker& worker = fleet_[index];
  if (worker.reserved != kNone || reserved_ == 0) return worker.reserved;
  for (WorkerIndex other = 0; other < fleet_.end(); ++other) {
    const TaskIndex task = fleet_[other].reserved;
    if (task != kNone && demands_.runs(worker.offer, tasks_[task].demand)) return task;
  }
  return kNone;
}

void Core::give_back_reserved(WorkerIndex index) {
  const TaskIndex task = fleet_[index].reserved;
  if (task == kNone) return;
  unplace(task);
  place_waiting(task);
}

void Core::lose_worker(WorkerIndex index, std::string_view reason, Instant now, Output& out) {
  give_back_reserved(index);
  fleet_[index].draining = true;  // nothing more for this one
  fleet_.refile(index);
  write_worker(fleet_[index], RecordKind::worker_left, reason, now, out);
  while (!fleet_[index].leases.empty()) lose(fleet_[index].leases.head, now, out);
  while (!fleet_[index].stopping.empty()) stopped(index, 0, Outcome::worker_lost, now, out);
  const OfferIndex offer = fleet_[index].offer;
  fleet_.remove(index);
  demands_.release_offer(offer);
}

// Their workers have not come back since the broker started.
void Core::lose_orphans(Instant now, Output& out) {
  orphans_until_ = kNever;
  while (!orphans_.empty()) lose(orphans_.head, now, out);
}

// Gives up workers that are silent, tells those that are quiet that the broker is there, and ends
// the patience with attempts that do not stop.
void Core::judge_workers(Instant now, Output& out) {
  judge_at_ = kNever;
  for (WorkerIndex index = 0; index < fleet_.end(); ++index) {
    if (!fleet_[index].in_use) continue;
    judge_at_ = now + kJudgeEvery;
    const bool is_silent = now >= fleet_[index].heard_at + options_.worker_timeout;
    if (is_silent && now >= no_verdict_before_ && !planted(Planted::silent_worker_kept)) {
      lose_worker(index, "silent", now, out);
      continue;
    }
    Worker& worker = fleet_[index];
    const auto overdue = [&](const Stopping& s) { return s.until <= now; };
    for (;;) {
      const auto at = std::find_if(worker.stopping.begin(), worker.stopping.end(), overdue);
      if (at == worker.stopping.end()) break;
      stopped(index, static_cast<std::size_t>(at - worker.stopping.begin()), Outcome::stopped, now,
              out);
      freed(index, now, out);
    }
    if (now < worker.alive_at + options_.heartbeat) continue;
    worker.alive_at = now;
    out.alive(worker.peer, worker.session);
  }
}

void Core::listen_again(Instant now) {
  no_verdict_before_ = now + options_.worker_timeout;
  if (orphans_until_ != kNever) orphans_until_ = std::max(orphans_until_, no_verdict_before_);
}

}  // namespace drover::broker
