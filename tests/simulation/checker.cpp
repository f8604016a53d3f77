#include "tests/simulation/checker.hpp"

#include <algorithm>

#include "common/base/crc32c.hpp"
#include "common/wire/codec.hpp"

namespace drover::sim {

Checker::Checker(const SimOptions& options, const Schedule& schedule)
    : options_(options),
      core_(options.turn.core),
      schedule_(schedule),
      order_(ledger_, core_.aging) {}

void Checker::fail(std::string what) {
  if (!violation_) violation_ = std::move(what);
}

std::string Checker::name(const TaskEntry& entry) const {
  return "task " + to_string(entry.facts.id) + " (" + std::string(name_of(entry.life.state)) +
         ", attempt " + std::to_string(entry.life.attempt()) + ")";
}

std::uint32_t Checker::kind_of(const TaskSpec& spec, const TaskFacts& facts) {
  WorkKind kind{facts.type, {}, {}, {}};
  kind.requirements.assign(spec.required_capabilities.begin(), spec.required_capabilities.end());
  std::sort(kind.requirements.begin(), kind.requirements.end());
  if (core_.scoped) {
    kind.tenant = facts.tenant;
    kind.queue = facts.queue;
  }
  const auto known = std::find(kinds_.begin(), kinds_.end(), kind);
  const auto number = static_cast<std::uint32_t>(known - kinds_.begin());
  if (known == kinds_.end()) kinds_.push_back(std::move(kind));
  return number;
}

// --- producers

void Checker::intends(const TaskId& task, Duration delay) {
  intentions_[task] = {schedule_.now(), delay, stepped_forward_};
}

void Checker::clock_stepped(Duration by) {
  stepped_forward_ += std::max(by, Duration(0));
  if (by >= 0ms) return;
  exact_times_ = false;
  order_.clock_went_back();
}

// --- the broker's life and turns

void Checker::starts() {
  replay_seq_ = 0;
  cause_ = {};
}

void Checker::gone() {
  cause_ = {};
  fleet_.clear();
  expected_.clear();
  storage_trouble_ = draining_ = false;
}

void Checker::stood_still(Instant until, bool certain) {
  perhaps_still_until_ = until;
  stood_still_until_ = certain ? until : Instant{};
}

void Checker::refuses_for(std::string_view reason) {
  (reason == "draining" ? draining_ : storage_trouble_) = true;
}

void Checker::turn_begins(Instant now) {
  if (now < now_) fail("the broker's time went back");
  now_ = now;
  newest_now_ = std::max(newest_now_, now);
  ++turn_;
  phase_ = 0;
  decisions_ = 0;
}

void Checker::hears_worker(broker::Peer peer, KeyNumber key, std::string_view frame) {
  cause_.kind = Cause::Kind::worker;
  cause_.peer = peer;
  cause_.key = key;
  cause_.frame = frame;
  cause_.sender = {};
  auto message = wire::decode_worker_message(cause_.frame, options_.turn.frames);
  if (!message) return fail("a worker's frame cannot be read: " + message.error().message);
  cause_.worker_message = std::move(*message);
  if (const auto* hello = std::get_if<wire::Hello>(&cause_.worker_message)) {
    return hears(*hello, now_);
  }
  const auto session = std::visit(
      [](const auto& m) {
        if constexpr (requires { m.session; }) return m.session;
        return SessionId{};
      },
      cause_.worker_message);
  WorkerView* worker = fleet_.find(session);
  if (!worker || worker->key != key) return;  // a session is its own key's
  cause_.sender = worker->id;
  worker->peer = peer;
  worker->heard_at = now_;
  worker->unreachable = 0;
  if (const auto* beat = std::get_if<wire::Heartbeat>(&cause_.worker_message)) hears(*beat);
}

void Checker::lets_time_pass() {
  cause_.kind = Cause::Kind::time;
  phase_ = 2;
}

void Checker::turn_ends(const broker::Core& core) {
  cause_.kind = Cause::Kind::nothing;
  order_.pass(now_, turn_);
  judge_silence();
  if (decisions_ == 0) return;
  const broker::CoreFigures figures = core.figures();
  const LedgerBooks total = ledger_.total();
  const bool same = figures.waiting == static_cast<std::uint64_t>(total.waiting) &&
                    figures.running == static_cast<std::uint64_t>(total.running) &&
                    figures.dead == static_cast<std::uint64_t>(total.ended[1]);
  if (!same) fail("promise 2: what waits, runs and is dead does not add up with the records");
  compare_books(core);
  for (const TaskNumber task : std::exchange(died_, {})) {
    const auto view = core.show(ledger_[task].facts.id);
    if (view && ledger_[task].life.state == TaskState::dead) compare_task(*view, ledger_[task]);
  }
}

// --- the store

std::uint64_t digest(std::string_view bytes) {
  return (std::uint64_t{crc32c(bytes)} << 32) | (bytes.size() & UINT32_MAX);
}

void Checker::durable(std::uint64_t seq) {
  if (seq <= durable_seq_) return;
  durable_seq_ = seq;
  ledger_.made_durable(seq);
}

void CheckerFigures::add(const CheckerFigures& o) {
  records += o.records, accepted += o.accepted, duplicates += o.duplicates, refused += o.refused;
  leases += o.leases, confirms += o.confirms, stale += o.stale, events += o.events;
  replayed_events += o.replayed_events, recoveries += o.recoveries, gaps += o.gaps;
  poisoned += o.poisoned, dead += o.dead, expired += o.expired;
  for (std::size_t from = 0; from < kTaskStates; ++from) {
    for (std::size_t to = 0; to < kTaskStates; ++to) steps[from][to] += o.steps[from][to];
  }
}

// --- everybody else

void Checker::attempt_begins(const WorkerId& worker, const wire::Hold& hold) {
  const auto [at, is_new] = begun_.try_emplace({hold.task, hold.attempt}, worker);
  if (!is_new) {
    fail("promise 4: attempt " + std::to_string(hold.attempt) + " of task " + to_string(hold.task) +
         " was begun twice");
  }
}

// --- the end

std::optional<std::string> Checker::unfinished() const {
  for (TaskNumber task = 0; task < ledger_.size(); ++task) {
    if (!has_ended(ledger_[task].life.state)) return name(ledger_[task]);
  }
  return std::nullopt;
}

void Checker::ends(const broker::Core& core) {
  compare(core);
  if (durable_seq_ != newest_seq()) fail("not all that was decided is durable at the end");
  const LedgerBooks total = ledger_.total();
  std::int64_t ended = total.purged;
  for (const auto count : total.ended) ended += count;
  if (total.submitted != ended) fail("promise 2: submitted is not the sum of what ended");
}

}  // namespace drover::sim
