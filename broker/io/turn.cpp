#include "broker/io/turn.hpp"

#include <algorithm>
#include <deque>

#include "broker/core/planted.hpp"
#include "broker/io/answers.hpp"
#include "broker/io/authority.hpp"
#include "broker/io/events.hpp"
#include "broker/io/settings_text.hpp"
#include "broker/store/record_codec.hpp"
#include "common/base/assert.hpp"
#include "common/wire/map_writer.hpp"

namespace drover::broker {
namespace {

constexpr Duration kStep = 100ms;     // the most that time passes in one turn while catching up
constexpr Duration kStandstill = 1s;  // later than meant by this much: the process stood still
constexpr Duration kTickEvery = 1s;
constexpr std::uint64_t kTickEvents = 1000;
constexpr std::size_t kUntoldMax = 100'000;  // things said that wait in the outbox

// Word for word what a stranger to the thing is told, so that nobody learns that it is there.
Error not_found() { return {Errc::not_found, "the broker knows no such task", "id"}; }
Bond bond_of(const Principal& who) { return {who.name, {who.tenant, who.queues}}; }
bool is_of(const Bond& bond, const Principal& who) {
  return bond.owner == who.name && bond.scope.tenant == who.tenant &&
         bond.scope.queues == who.queues;
}

// What some settings are of, if the caller may know of it.
Result<SettingHolder> holder_of(const Principal& who, std::string_view of, std::string_view tenant,
                                std::string_view name) {
  const auto parsed = parse_setting_of(of);
  if (!parsed) return parsed.error();
  const std::string_view own = who.tenant.empty() ? std::string_view("default") : who.tenant;
  SettingHolder holder{*parsed, std::string(tenant.empty() ? own : tenant), std::string(name)};
  if (auto ok = may_see(who, holder); !ok) return ok.error();
  return holder;
}

Error session_unknown() { return {Errc::session_unknown, "say hello again"}; }

}  // namespace

Turn::Turn(const TurnOptions& options, Store& store, Outlet& outlet, std::uint64_t seed)
    : options_(options),
      store_(store),
      outlet_(outlet),
      outbox_(store, outlet, options.frames.message_max),
      seed_(seed),
      client_limits_(options.client_limits),
      worker_limits_(options.worker_limits) {}

Result<void> Turn::start(Instant now) {
  // The core needs the store's id, which the store knows only once it is open; it does not need it
  // to recover.
  core_.emplace(options_.core, Random(seed_));
  outbox_.set_core(&*core_);
  if (auto ok = store_.open([this](const Kept& kept) { return replay(kept); }); !ok) return ok;
  core_->set_store(store_.id());
  if (auto ok = core_->finish_recovery(now); !ok) return ok;
  store_.set_books([this] {
    Record record;
    record.kind = RecordKind::books;
    record.at = now_;
    const std::string blob = core_->save_books();
    record.blob = blob;
    std::string bytes;
    encode_record(record, bytes);
    return bytes;
  });
  started_at_ = clock_ = now_ = meant_to_wake_ = tick_at_ = now;
  ticked_seq_ = started_seq_ = store_.durable_seq();
  return {};
}

Result<void> Turn::replay(const Kept& kept) {
  const auto stored = decode_record(kept.bytes);
  if (!stored) return stored.error();
  return core_->recover(stored->record, kept.where);
}

void Turn::begin(Instant clock) {
  ++figures_.turns;
  const Instant meant = std::max(clock_, meant_to_wake_);
  if (clock > meant + kStandstill) {
    ++figures_.standstills;
    figures_.longest_standstill = std::max(figures_.longest_standstill, clock - meant);
    core_->listen_again(clock);
  }
  // Sleeping as long as was meant is no standstill: nothing was due.
  const Instant from = is_catching_up() ? now_ : std::max(now_, meant_to_wake_);
  clock_ = std::max(clock, clock_);
  now_ = std::max(now_, std::min(clock_, from + kStep));
  core_->set_told_seq(outbox_.told_seq());
  core_->set_storage_full(!store_.takes_submissions());
}

bool Turn::on_worker_frame(Peer peer, const Principal& who, std::string_view frame) {
  ++figures_.worker_frames;
  if (!admit_worker(peer)) return false;
  const auto message = wire::decode_worker_message(frame, options_.frames);
  if (!message) {
    outbox_.who(peer, SessionId{0}, malformed(worker_limits_, peer, message.error()));
    return true;
  }
  if (!admit(peer, *message)) return false;
  if (auto ok = may_say(who.role, *message); !ok) {
    ++figures_.forbidden;
    outbox_.who(peer, SessionId{0}, ok.error());
    return true;
  }
  if (!is_own_session(peer, who, *message)) return true;
  std::visit(
      [&](const auto& m) {
        using M = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<M, wire::Hello>) {
          core_->hello(peer, m, now_, outbox_, bond_of(who));
        }
        if constexpr (std::is_same_v<M, wire::Heartbeat>) core_->heartbeat(peer, m, now_, outbox_);
        if constexpr (std::is_same_v<M, wire::Done>) core_->done(peer, m, now_, outbox_);
        if constexpr (std::is_same_v<M, wire::Failed>) core_->failed(peer, m, now_, outbox_);
        if constexpr (std::is_same_v<M, wire::Released>) core_->released(peer, m, now_, outbox_);
        if constexpr (std::is_same_v<M, wire::Progress>) core_->progress(peer, m, now_, outbox_);
        if constexpr (std::is_same_v<M, wire::Bye>) core_->bye(peer, m, now_, outbox_);
      },
      *message);
  return true;
}

// A session belongs to the key that said hello, as the key was then. Under another it is unknown,
// whatever it is about.
bool Turn::is_own_session(Peer peer, const Principal& who, const wire::WorkerMessage& message) {
  const auto session = std::visit(
      [](const auto& m) {
        if constexpr (std::is_same_v<std::decay_t<decltype(m)>, wire::Hello>) {
          return SessionId{0};
        } else {
          return m.session;
        }
      },
      message);
  const Bond* bond = core_->bond_of(session);
  if (!bond || is_of(*bond, who) || planted(Planted::session_of_anybody)) return true;
  ++figures_.forbidden;
  outbox_.who(peer, session, session_unknown());
  return false;
}

bool Turn::on_client_frame(Peer peer, const Principal& who, std::string_view frame) {
  ++figures_.client_frames;
  if (!admit_client(peer, frame)) return false;
  const auto message = wire::decode_client_message(frame, options_.frames);
  if (!message) {
    outbox_.refuse(peer, wire::peek_request(frame),
                   malformed(client_limits_, peer, message.error()));
    return true;
  }
  charge(peer, *message);
  const Caller caller{peer, who};
  std::visit(
      [&](const auto& m) {
        if (auto ok = may_say(who.role, *message); !ok)
          return refuse(caller, m.request, ok.error());
        on(caller, m);
      },
      *message);
  return true;
}

void Turn::refuse(const Caller& caller, std::uint64_t request, const Error& error) {
  if (error.code == Errc::forbidden) ++figures_.forbidden;
  outbox_.refuse(caller.peer, request, error);
}

// A task that is there and within reach.
bool Turn::sees(const Caller& caller, const TaskId& task) const {
  if (reaches_all(caller.who)) return true;  // the core tells whether it is there
  const auto home = core_->home_of(task);
  return home && reaches(caller.who, home->tenant, home->queue);
}

std::vector<QueueView> Turn::queues_within(const Principal& who) const {
  auto views = core_->queues(now_);
  if (!reaches_all(who)) {
    std::erase_if(views, [&](const auto& q) { return !reaches(who, q.tenant, q.queue); });
  }
  return views;
}

void Turn::finish() {
  core_->advance(now_, outbox_);
  dispatch();
  clean();
  store_.flush();
  outbox_.release();
  tick();
  give_up_unreachable();
  meant_to_wake_ = wake_at();
}

// Sends that found nobody may have cost a worker its leases: those are leased again at once.
void Turn::give_up_unreachable() {
  const auto peers = outbox_.take_unreachable();
  if (peers.empty()) return;
  for (const Peer peer : peers) core_->unreachable(peer, now_, outbox_);
  dispatch();
  store_.flush();
}

// After a standstill not before all that came meanwhile is heard: it may tell who is really free.
void Turn::dispatch() {
  const bool may_lease = !is_catching_up() && has_room() && store_.takes_leases();
  leases_wait_ = may_lease && core_->dispatch(now_, outbox_);
}

Instant Turn::wake_at() const {
  if (is_catching_up() || (leases_wait_ && has_room())) return clock_;
  return std::min(core_->next_deadline(), tick_at_);
}

bool Turn::takes_clients() const {
  const bool too_soon = is_catching_up() && !planted(Planted::delay_cut_by_stall);
  return !too_soon && has_room();
}

// Too much waits for the disk, or to be said: nothing new is begun before that is less.
bool Turn::has_room() const {
  return store_.backlog_bytes() < options_.backlog_max && outbox_.size() < kUntoldMax &&
         outbox_.bytes() < options_.backlog_max;
}

std::optional<Error> Turn::failure() {
  if (auto failed = store_.failure()) return failed;
  return outbox_.failure();
}

// Writes again what the oldest segment still holds of use, in the steps that the store asks for.
void Turn::clean() {
  store_.set_live_bytes(core_->live_bytes());
  while (const auto kept = store_.next_to_clean()) {
    const auto stored = decode_record(kept->bytes);
    DROVER_ASSERT(stored.has_value());  // it was read and checked by the store
    core_->carry(stored->record, kept->where, now_, outbox_);
  }
}

void Turn::tick() {
  const std::uint64_t seq = outbox_.told_seq();
  if (now_ < tick_at_ && seq < ticked_seq_ + kTickEvents) return;
  tick_at_ = now_ + kTickEvery;
  ticked_seq_ = seq;
  if (!outlet_.has_subscribers()) return;
  std::string event;
  encode_tick(seq, now_, core_->store(), event);
  outlet_.publish(kTickTopic, event);
}

// --- clients

// What the key must not submit is refused task by task. So is a repeat of what it must not see, for
// the answer would tell how that stands.
Result<Admitted> Turn::submit(const Caller& caller, const wire::SubmittedTask& task) {
  if (reaches_all(caller.who) || task.fault) return core_->submit(task, now_, outbox_);
  if (auto ok = may_submit(caller.who, task.spec); !ok) {
    ++figures_.forbidden;
    return ok.error();
  }
  auto admitted = core_->submit(task, now_, outbox_);
  if (!admitted || !admitted->duplicate) return admitted;
  const auto home = core_->home_of(admitted->id);
  if (!home || reaches(caller.who, home->tenant, home->queue)) return admitted;
  if (admitted->id == task.spec.id)
    return Error{Errc::conflict, "the id belongs to another task", "id"};
  return Error{Errc::idempotency_conflict, "the idempotency key was used for another queue",
               "idempotency_key"};
}

void Turn::on(const Caller& caller, const wire::Submit& m) {
  std::deque<Error> errors;  // keeps the texts that the outcomes point to where they are
  wire::SubmitReply reply{m.request, {}};
  reply.outcomes.reserve(m.tasks.size());
  for (const auto& task : m.tasks) {
    auto admitted = submit(caller, task);
    wire::SubmitOutcome outcome;
    outcome.id = task.spec.id;
    if (admitted) {
      outcome.id = admitted->id;
      outcome.state = admitted->state;
      outcome.duplicate = admitted->duplicate;
      if (admitted->no_worker) outcome.warning = "no worker runs this type now";
    } else {
      const Error& error = errors.emplace_back(std::move(admitted).error());
      outcome.code = planted(Planted::refused_says_accepted) ? Errc::ok : error.code;
      outcome.message = error.message;
      outcome.field = error.field;
      outcome.retry_after = error.retry_after;
    }
    reply.outcomes.push_back(outcome);
  }
  outbox_.accepted(caller.peer, reply);
}

void Turn::on(const Caller& caller, const wire::Connect& m) {
  if (m.version != wire::kVersion) {
    return refuse(caller, m.request,
                  {Errc::unsupported_version, "the broker speaks version 1", "version"});
  }
  wire::Connected reply;
  reply.request = m.request;
  reply.store = core_->store();
  reply.software = options_.software;
  reply.message_max = options_.frames.message_max;
  reply.payload_max = options_.core.limits.payload_max;
  reply.batch_max = options_.frames.batch_max;
  reply.status = status_address_;
  reply.workers = workers_address_;
  reply.tenant = caller.who.tenant;
  outbox_.reply(caller.peer, reply);
}

void Turn::on(const Caller& caller, const wire::Wait& m) {
  if (!sees(caller, m.task)) return refuse(caller, m.request, not_found());
  if (auto ok = core_->wait(caller.peer, m.request, m.task, m.timeout, now_, outbox_); !ok) {
    refuse(caller, m.request, ok.error());
  }
}

void Turn::on(const Caller& caller, const wire::Show& m) {
  auto view = sees(caller, m.task) ? core_->show(m.task) : std::nullopt;
  if (!view) return refuse(caller, m.request, not_found());
  outbox_.task(caller.peer, m.request, std::move(*view));
}

void Turn::on(const Caller& caller, const wire::List& m) {
  TaskFilter filter;
  filter.state = m.state;
  filter.queue = m.queue;
  filter.type = m.type;
  filter.tenant = m.tenant;
  filter.since = m.since;
  if (auto ok = narrow(caller.who, filter); !ok) return refuse(caller, m.request, ok.error());
  std::string body;
  encode_task_page(core_->list(filter, m.limit, m.cursor.value_or(0)), body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::Cancel& m) {
  std::vector<Changed> changed;
  for (const auto& id : m.tasks) {
    changed.push_back({id, sees(caller, id) ? core_->cancel(id, now_, outbox_) : not_found()});
  }
  count_refused(changed);
  std::string body;
  encode_changed(changed, body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::Retry& m) {
  std::vector<Changed> changed;
  for (const auto& id : m.tasks) {
    changed.push_back({id, sees(caller, id) ? core_->retry(id, now_, outbox_) : not_found()});
  }
  count_refused(changed);
  std::string body;
  encode_changed(changed, body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::Queues& m) {
  std::string body;
  encode_queues(queues_within(caller.who), body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::DeadLetters& m) {
  TaskFilter filter;
  filter.queue = m.queue;
  filter.reason = m.reason;
  if (auto ok = narrow(caller.who, filter); !ok) return refuse(caller, m.request, ok.error());
  const auto page = core_->dead_letters(filter, m.limit, m.cursor);
  if (!page) return refuse(caller, m.request, page.error());
  std::string body;
  encode_dead_page(*page, body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::Workers& m) {
  std::string body;
  auto workers = core_->workers();
  const auto& tenant = caller.who.tenant;
  if (!tenant.empty()) std::erase_if(workers, [&](const auto& w) { return w.tenant != tenant; });
  encode_workers(workers, body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::Books& m) {
  std::string body;
  encode_books(queues_within(caller.who), store_.newest_seq(), core_->store(), body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::Events& m) {
  if (auto ok = may_ask_events(caller.who, m.prefix); !ok) {
    return refuse(caller, m.request, ok.error());
  }
  const auto& tenant = caller.who.tenant;
  const bool is_this_store = !m.store || *m.store == core_->store();
  const bool is_idle = !tenant.empty() && is_this_store && m.since >= started_seq_ &&
                       core_->newest_seq_of(tenant) <= m.since;
  if (is_idle) return outbox_.no_events(caller.peer, m);  // it need not be read to know that
  outbox_.events(caller.peer, m, caller.who);
}

void Turn::on(const Caller& caller, const wire::Ping& m) {
  std::string body;
  wire::MapWriter(body).instant("now", now_).finish();
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::Set& m) {
  const auto holder = holder_of(caller.who, m.of, m.tenant, m.name);
  if (!holder) return refuse(caller, m.request, holder.error());
  if (auto ok = may_set(caller.who, *holder); !ok) return refuse(caller, m.request, ok.error());
  const auto changes = parse_changes(m.changes);
  if (!changes) return refuse(caller, m.request, changes.error());
  const auto set = core_->set(*holder, *changes, now_, outbox_);
  if (!set) return refuse(caller, m.request, set.error());
  std::string body;
  encode_setup(*holder, core_->settings_of(*holder), body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::SettingsOf& m) {
  const auto holder = holder_of(caller.who, m.of, m.tenant, m.name);
  if (!holder) return refuse(caller, m.request, holder.error());
  std::string body;
  encode_setup(*holder, core_->settings_of(*holder), body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::Gates& m) {
  auto gates = core_->gates(now_);
  std::erase_if(gates, [&](const GateView& gate) {
    const bool is_queue = gate.of == SettingOf::queue;
    return !reaches(caller.who, gate.tenant, is_queue ? gate.name : std::string());
  });
  std::string body;
  encode_gates(gates, body);
  outbox_.answer(caller.peer, m.request, std::move(body));
}

void Turn::on(const Caller& caller, const wire::Stats& m) {
  std::string body;
  wire::MapWriter w(body);
  w.str("store", to_string(core_->store())).instant("started_at", started_at_);
  w.span("uptime_ms", now_ - started_at_).uint("seq", store_.newest_seq());
  w.uint("oldest_seq", store_.oldest_seq());
  if (!reaches_all(caller.who)) {  // the others are totals of all tenants
    w.finish();
    return outbox_.answer(caller.peer, m.request, std::move(body));
  }
  const CoreFigures c = core_->figures();
  const StoreFigures s = store_.figures();
  w.uint("tasks", c.tasks).uint("waiting", c.waiting).uint("running", c.running);
  w.uint("dead", c.dead).uint("workers", c.workers).uint("free_workers", c.free_workers);
  w.uint("duplicates", c.duplicates).uint("stale_leases", c.stale).uint("poisoned", c.poisoned);
  w.uint("idempotency_keys", c.keys).uint("idempotency_keys_evicted", c.keys_evicted);
  w.uint("results_evicted", c.results_evicted);
  w.uint("turns", figures_.turns).uint("client_frames", figures_.client_frames);
  w.uint("worker_frames", figures_.worker_frames).uint("refused_frames", figures_.refused_frames);
  w.uint("forbidden", figures_.forbidden);
  w.uint("subscriptions_refused", process_.subscriptions_refused)
      .uint("standstills", figures_.standstills);
  w.boolean("secured", door_.secured).uint("keys", door_.keys);
  w.uint("auth_unknown_key", door_.unknown_keys).uint("auth_no_identity", door_.unnamed);
  w.uint("auth_revoked", door_.revoked);
  w.span("longest_standstill_ms", figures_.longest_standstill);
  w.uint("events_published", outbox_.published());
  w.str("store_directory", options_.store_directory).uint("pid", options_.pid);
  w.instant("told_at", clock_).uint("unsynced_bytes", store_.backlog_bytes());
  w.uint("spares", s.spares).boolean("takes_submissions", store_.takes_submissions());
  w.uint("disk_bytes", s.disk_bytes).uint("live_bytes", c.live_bytes).uint("segments", s.segments);
  w.uint("commits", s.commits).uint("commit_us_last", s.commit_us_last);
  w.uint("commit_us_max", s.commit_us_max).uint("cached_bytes", s.cached_bytes);
  w.uint("carried_bytes", s.carried_bytes).uint("torn_tail_bytes", s.torn_tail_bytes);
  w.uint("log_bytes_max", s.log_bytes_max).uint("trimmed_early", s.trimmed_early);
  w.boolean("storage_full", !store_.takes_submissions());
  write_protection(w);
  w.finish();
  outbox_.answer(caller.peer, m.request, std::move(body));
}

}  // namespace drover::broker
