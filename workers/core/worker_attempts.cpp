// What becomes of attempts while the worker holds them: the members of WorkerCore that start, stop
// and conclude them.
#include <algorithm>
#include <utility>

#include "common/base/utf8.hpp"
#include "workers/core/worker_core.hpp"

namespace drover::workers {
namespace {

constexpr std::size_t kOverMax = 1024;
constexpr std::size_t kProgressTextMax = 1024;

// The parts of a grace that a handler has, and after which it is given up.
constexpr Duration handler_share(Duration grace) { return grace * 3 / 4; }
constexpr Duration whole_share(Duration grace) { return grace * 7 / 8; }

}  // namespace

void WorkerCore::start_what_fits() {
  if (drain_) return;
  while (Entry* entry = table_.start_next()) {
    std::string task = std::exchange(entry->order.task, {});
    AttemptOrder order = entry->order;
    order.task = std::move(task);
    sink_.start(std::move(order));
  }
}

void WorkerCore::stop(Entry& entry, StopReason reason, Duration grace, Instant now) {
  const Instant due = now + whole_share(grace);
  if (entry.phase == Phase::stopping) {
    const bool stronger = reason == StopReason::cancelled && entry.held;
    table_.stop(entry, stronger ? reason : entry.reason, std::min(entry.due, due));
  } else if (entry.phase == Phase::running) {
    table_.stop(entry, reason, due);
  } else {
    return;
  }
  sink_.cancel(entry.order.hold, handler_share(grace), entry.reason);
}

// The broker has closed the lease: whatever there is of it is stopped and forgotten.
void WorkerCore::drop(const Hold& hold, Instant now) {
  if (results_.forget(hold)) remember_over(hold);
  Entry* entry = table_.find(hold);
  if (!entry || !entry->held) return;
  notes_.erase(hold);
  remember_over(hold);
  if (entry->phase == Phase::queued) {
    table_.remove(*entry);
    return;
  }
  stop(*entry, StopReason::dropped, options_.cancel_grace, now);
  entry->reason = StopReason::dropped;
  table_.disown(*entry);
}

void WorkerCore::conclude(const Hold& hold, AttemptEnd end) {
  notes_.erase(hold);
  sink_.ended(hold, end);
  results_.keep(hold, std::move(end));
}

void WorkerCore::finished(const Hold& hold, AttemptEnd end, Instant /*now*/) {
  Entry* entry = table_.find(hold);
  if (!entry || entry->phase == Phase::queued) return;
  const bool held = entry->held;
  const bool stopping = entry->phase == Phase::stopping;
  const StopReason reason = entry->reason;
  const Duration timeout = entry->order.timeout;
  table_.remove(*entry);
  // What was stopped before it began is no failure of the task, however late it was.
  const bool never_began = end.outcome == Outcome::released && reason != StopReason::cancelled;
  if (held) {
    const bool as_stopped = stopping && !never_began;
    conclude(hold, as_stopped ? stopped_end(reason, timeout, std::move(end)) : std::move(end));
  }
  start_what_fits();
}

void WorkerCore::progress(const Hold& hold, std::optional<std::uint32_t> percent,
                          std::string_view message, Instant /*now*/) {
  const Entry* entry = table_.find(hold);
  if (!entry || !entry->held || entry->phase == Phase::queued) return;
  Note& note = notes_[hold];
  if (percent) note.percent = std::min<std::uint32_t>(*percent, 100);
  if (!message.empty()) note.message = clean_text(message, kProgressTextMax);
}

void WorkerCore::expire(Instant now) {
  while (Entry* entry = table_.due(now)) expire_one(*entry, now);
}

void WorkerCore::expire_one(Entry& entry, Instant now) {
  const Hold hold = entry.order.hold;
  if (entry.phase == Phase::queued) {  // it never began: that is no fault of the task
    table_.remove(entry);
    conclude(hold, stopped_end(StopReason::released, {}, {}));
  } else if (entry.phase == Phase::running) {
    stop(entry, StopReason::timed_out, options_.cancel_grace, now);
  } else {
    const bool held = entry.held;
    table_.lose(entry);
    if (held) conclude(hold, stopped_end(entry.reason, entry.order.timeout, {}));
  }
}

void WorkerCore::remember_over(const Hold& hold) {
  if (!over_index_.insert(hold).second) return;
  over_.push_back(hold);
  if (over_.size() <= kOverMax) return;
  over_index_.erase(over_.front());
  over_.pop_front();
}

bool WorkerCore::is_known(const Hold& hold) {
  return table_.find(hold) || results_.knows(hold) || over_index_.contains(hold);
}

}  // namespace drover::workers
