// What the worker makes of the broker's messages: the `take` members of WorkerCore.
#include <algorithm>
#include <utility>

#include "common/wire/codec.hpp"
#include "common/wire/reader.hpp"
#include "workers/core/worker_core.hpp"

namespace drover::workers {
namespace {

constexpr Duration kHeartbeatMin = 10ms;
constexpr std::size_t kMessageMin = 16 * 1024;  // room for an error's text

// The id at the head of a task array that cannot be read as a whole; nil if there is none.
TaskId id_of(std::string_view task) {
  wire::Reader reader(task);
  reader.array();
  const auto id = reader.id<TaskTag>();
  return reader.failed() ? TaskId{} : id;
}

// True for refusals that are the caller's fault: they will be the same the next time.
bool is_final(Errc code) {
  const int group = static_cast<int>(code) / 1000;
  return group == 1 || group == 3;
}

AttemptOrder order_of(const wire::Assign::Item& item, const TaskId& task, Instant now) {
  AttemptOrder order;
  order.hold = {task, item.attempt};
  order.failures = item.failures;
  order.max_attempts = item.max_attempts;
  order.timeout = std::clamp(item.timeout, Duration(0), kTimeoutMax);
  order.deadline = order.timeout > 0ms ? now + order.timeout : kNever;
  order.created_at = item.created_at;
  order.priority = item.priority;
  order.tenant = item.tenant;
  order.queue = item.queue;
  order.task = item.task;
  return order;
}

}  // namespace

void WorkerCore::on_order(const wire::WorkerOrder& order, Instant now) {
  if (stopped_) return;
  std::visit([&](const auto& message) { take(message, now); }, order);
  start_what_fits();
}

// True if the message is of the session that the worker has; that proves the broker to be there.
bool WorkerCore::is_current(SessionId session, Instant now) {
  if (session_ != session) return false;
  last_heard_ = now;
  return true;
}

void WorkerCore::take(const wire::Welcome& welcome, Instant now) {
  session_ = welcome.session;
  last_heard_ = now;
  hellos_ = 0;
  heartbeat_ = std::max(welcome.heartbeat, kHeartbeatMin);
  worker_timeout_ = std::max(welcome.worker_timeout, heartbeat_ * 2);
  if (welcome.message_max > 0) limits_.message_max = std::max(welcome.message_max, kMessageMin);
  if (welcome.result_max > 0) limits_.result_max = welcome.result_max;
  sink_.joined(welcome);
  for (const auto& verdict : welcome.drop) {
    sink_.confirmed({verdict.task, verdict.attempt}, verdict.code);
    drop({verdict.task, verdict.attempt}, now);
  }
  results_.all_due();
  if (drain_) drain_->said = false;
}

void WorkerCore::take(const wire::Assign& assign, Instant now) {
  if (!is_current(assign.session, now)) return;  // a hello without it has given it back
  for (const auto& item : assign.items) assign_one(item, now);
}

void WorkerCore::assign_one(const wire::Assign::Item& item, Instant now) {
  const auto spec = wire::decode_task(item.task);
  if (!spec) return refuse_undecodable(item);
  AttemptOrder order = order_of(item, spec->id, now);
  const Hold hold = order.hold;
  if (is_known(hold)) return;
  while (const Entry* other = table_.sibling(hold)) {
    if (other->order.hold.attempt > hold.attempt) return;  // a lease that has been succeeded
    drop(other->order.hold, now);
  }
  if (drain_ || table_.held() >= table_.window()) {
    is_misjudged_ = true;
    conclude(hold, stopped_end(StopReason::released, {}, {}));
  } else {
    table_.enqueue(std::move(order));
  }
}

void WorkerCore::refuse_undecodable(const wire::Assign::Item& item) {
  const Hold hold{id_of(item.task), item.attempt};
  if (hold.task.is_nil() || is_known(hold)) return;
  AttemptEnd end;
  end.outcome = Outcome::failed;
  end.error.code = name_of(Errc::malformed);
  end.error.message =
      "this worker cannot read the task: " + wire::decode_task(item.task).error().message;
  conclude(hold, std::move(end));
}

void WorkerCore::take(const wire::Confirm& confirm, Instant now) {
  (void)is_current(confirm.session, now);  // what it says is true in every session
  for (const auto& verdict : confirm.items) {
    sink_.confirmed({verdict.task, verdict.attempt}, verdict.code);
    drop({verdict.task, verdict.attempt}, now);
  }
}

void WorkerCore::take(const wire::CancelAttempts& cancel, Instant now) {
  (void)is_current(cancel.session, now);
  for (const auto& item : cancel.items) cancel_one(item, now);
}

void WorkerCore::cancel_one(const wire::CancelAttempts::Item& item, Instant now) {
  const Hold hold{item.task, item.attempt};
  Entry* entry = table_.find(hold);
  if (entry && entry->phase == Phase::queued) {
    table_.remove(*entry);
    conclude(hold, stopped_end(StopReason::cancelled, {}, {}));
  } else if (entry && entry->held) {
    stop(*entry, StopReason::cancelled, std::max(item.grace, Duration(0)), now);
  } else if (!results_.knows(hold)) {  // nothing of it is here: that too is an answer
    conclude(hold, stopped_end(StopReason::cancelled, {}, {}));
  }
}

void WorkerCore::take(const wire::Drain& drain, Instant now) {
  if (is_current(drain.session, now)) begin_drain(now);
}

void WorkerCore::take(const wire::Alive& alive, Instant now) {
  (void)is_current(alive.session, now);
}

void WorkerCore::take(const wire::Who& who, Instant now) {
  if (is_final(who.code)) {
    refusal_ = {who.code, std::string(who.message)};
    session_.reset();
    begin_quick_stop(options_.cancel_grace, now);
    return;
  }
  const bool of_another = who.session != SessionId{} && session_ != who.session;
  if (session_ && !of_another) part(Parting::unknown, now);
}

}  // namespace drover::workers
