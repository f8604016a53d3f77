#include "workers/core/worker_core.hpp"

#include <algorithm>
#include <utility>

namespace drover::workers {
namespace {

constexpr int kBusyHeartbeats = 2;  // a busy worker lists its holds every so many periods

}  // namespace

WorkerCore::WorkerCore(WorkerProfile profile, CoreOptions options, Random random, WorkerSink& sink)
    : profile_(std::move(profile)),
      options_(options),
      random_(random),
      sink_(sink),
      table_(profile_.slots, profile_.prefetch) {}

// --- talk

// A hello that nobody took need not wait for its turn; in a session the broker learns from the
// heartbeat which connection the worker has now.
void WorkerCore::connected(Instant now) {
  hello_due_ = std::min(hello_due_, now);
  if (!session_) return;
  results_.all_due();
  last_sent_ = Instant{};
}

void WorkerCore::part(Parting why, Instant now) {
  session_.reset();
  hellos_ = 0;
  hello_due_ = std::max(now, last_heartbeat_ + options_.hello_delay_min / 2);
  hello_due_ += Duration(random_.between(0, (options_.hello_delay_min / 2).count()));
  sink_.parted(why);
}

// The delay before the next hello: doubled each time, the second half of it drawn.
Duration WorkerCore::next_hello_delay() {
  const int doublings = std::min(hellos_++, 16);
  const Duration longest =
      std::min(options_.hello_delay_max, options_.hello_delay_min * (1 << doublings));
  return longest / 2 + Duration(random_.between(0, (longest / 2).count()));
}

void WorkerCore::greet(Instant now) {
  if (now < hello_due_ || refusal_.code != Errc::ok) return;
  wire::Hello hello;
  hello.worker = profile_.id;
  hello.host = profile_.host;
  hello.pid = profile_.pid;
  hello.software = profile_.software;
  hello.types.assign(profile_.types.begin(), profile_.types.end());
  hello.capabilities.assign(profile_.capabilities.begin(), profile_.capabilities.end());
  hello.labels.assign(profile_.labels.begin(), profile_.labels.end());
  hello.slots = said_slots_ = std::max(table_.usable_slots(), 1U);  // none: said after the welcome
  hello.window = std::max(table_.window(), 1U);
  hello.holds = holds();
  sink_.send(hello);
  last_sent_ = last_heartbeat_ = now;
  hello_due_ = now + next_hello_delay();
}

void WorkerCore::speak(Instant now) {
  if (drain_ && !drain_->said) {
    drain_->said = true;
    send_heartbeat(now);
  }
  send_progress(now);
  if (results_.send_due(*session_, limits_, heartbeat_, now, sink_) > 0) last_sent_ = now;
  if (now >= heartbeat_due()) send_heartbeat(now);
}

bool WorkerCore::slots_moved() const {
  return session_ && !drain_ && table_.usable_slots() != said_slots_;
}

// Fewer slots or more are said in a hello. A hello has a slot at least; a worker that has none says
// that it drains, which the next hello takes back.
void WorkerCore::tell_slots(Instant now) {
  if (table_.usable_slots() > 0) return part(Parting::window, now);
  said_slots_ = 0;
  send_heartbeat(now);
}

void WorkerCore::send_progress(Instant now) {
  if (notes_.empty() || now < progress_due_) return;
  wire::Progress message{*session_, {}};
  for (const auto& [hold, note] : notes_) {
    message.items.push_back({hold.task, hold.attempt, note.percent, note.message});
  }
  sink_.send(message);
  notes_.clear();
  last_sent_ = now;
  progress_due_ = now + options_.progress_every;
}

void WorkerCore::send_heartbeat(Instant now) {
  sink_.send(wire::Heartbeat{*session_, draining() || said_slots_ == 0, holds()});
  last_sent_ = last_heartbeat_ = now;
  is_misjudged_ = false;
}

// When quiet for a period; but a lease whose assign was lost shows in lists of holds alone, so a
// worker that is never quiet says one now and then, and one that was handed too much at once.
Instant WorkerCore::heartbeat_due() const {
  if (is_misjudged_) return Instant{};
  return std::min(last_sent_ + heartbeat_, last_heartbeat_ + heartbeat_ * kBusyHeartbeats);
}

std::vector<Hold> WorkerCore::holds() const {
  std::vector<Hold> list;
  list.reserve(held());
  table_.list_held(list);
  results_.list(list);
  return list;
}

// --- time and the end

void WorkerCore::advance(Instant now) {
  if (stopped_) return;
  expire(now);
  if (drain_) drain_on(now);
  if (session_ && now - last_heard_ >= worker_timeout_) part(Parting::silent, now);
  if (session_) speak(now);
  if (slots_moved()) tell_slots(now);
  if (!session_) greet(now);
  if (drain_ && may_leave(now)) leave();
}

Instant WorkerCore::next_deadline() const {
  if (stopped_) return kNever;
  Instant next = table_.next_due();
  if (drain_) next = std::min(next, drain_deadline());
  return std::min(next, session_ ? session_deadline() : hello_due_);
}

Instant WorkerCore::session_deadline() const {
  const bool drain_unsaid = drain_ && !drain_->said;
  if (slots_moved() || drain_unsaid) return Instant{};
  const Instant talk = std::min(results_.due(), notes_.empty() ? kNever : progress_due_);
  return std::min({talk, heartbeat_due(), last_heard_ + worker_timeout_});
}

Instant WorkerCore::drain_deadline() const {
  if (table_.held() > 0) return drain_->cut_off;
  const bool done = results_.empty() || refusal_.code != Errc::ok || drain_->farewell == kNever;
  return done ? Instant{} : drain_->farewell;
}

void WorkerCore::begin_drain(Instant now) {
  if (drain_ || stopped_) return;
  drain_ = Drain{now + options_.drain_timeout, options_.cancel_grace};
  for (Entry* entry : table_.queued()) {
    const Hold hold = entry->order.hold;
    table_.remove(*entry);
    conclude(hold, stopped_end(StopReason::released, {}, {}));
  }
}

void WorkerCore::begin_quick_stop(Duration within, Instant now) {
  if (stopped_) return;
  begin_drain(now);
  drain_->cut_off = now;
  drain_->grace = within;
  drain_->farewell = std::min(drain_->farewell, now + within);
}

// Stops what runs beyond the time that a drain gives, and says until when confirms are awaited.
void WorkerCore::drain_on(Instant now) {
  if (now >= drain_->cut_off) {
    drain_->cut_off = kNever;
    for (Entry* entry : table_.running_and_held()) {
      stop(*entry, StopReason::released, drain_->grace, now);
    }
  }
  if (table_.held() == 0 && drain_->farewell == kNever) {
    drain_->farewell = now + options_.farewell_max;
  }
}

bool WorkerCore::may_leave(Instant now) const {
  if (table_.held() > 0) return false;
  return results_.empty() || refusal_.code != Errc::ok || now >= drain_->farewell;
}

void WorkerCore::leave() {
  if (session_) sink_.send(wire::Bye{*session_});
  stopped_ = true;
  sink_.stopped(refusal_);
}

}  // namespace drover::workers
