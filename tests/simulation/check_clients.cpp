// What clients ask and what they are told: every answer is true, and durable before it leaves.

#include <algorithm>

#include "common/wire/codec.hpp"
#include "tests/simulation/checker.hpp"

namespace drover::sim {
namespace {

std::uint64_t request_of(const wire::ClientMessage& message) {
  return std::visit([](const auto& m) { return m.request; }, message);
}

bool contains(const std::vector<Errc>& codes, Errc code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

// --- asked

void Checker::hears_client(broker::Peer peer, KeyNumber key, std::string_view frame) {
  cause_.kind = Cause::Kind::client;
  cause_.peer = peer;
  cause_.key = key;
  cause_.frame = frame;
  cause_.first_seq = newest_seq();
  cause_.before.clear();
  auto message = wire::decode_client_message(cause_.frame, options_.turn.frames);
  if (!message) return fail("a client's frame cannot be read: " + message.error().message);
  cause_.client_message = std::move(*message);
  if (const auto* m = std::get_if<wire::Cancel>(&cause_.client_message)) note_states(m->tasks);
  if (const auto* m = std::get_if<wire::Retry>(&cause_.client_message)) note_states(m->tasks);
}

void Checker::note_states(const std::vector<TaskId>& tasks) {
  for (const TaskId& id : tasks) {
    const TaskNumber task = ledger_.find(id);
    if (task != kNoTask) cause_.before.emplace_back(task, ledger_[task].life.state);
  }
}

void Checker::heard_client() {
  if (std::holds_alternative<wire::Cancel>(cause_.client_message)) check_changes(false);
  if (std::holds_alternative<wire::Retry>(cause_.client_message)) check_changes(true);
  const Asked asked{static_cast<std::uint64_t>(cause_.peer), request_of(cause_.client_message)};
  expected_[asked].push_back(expect());
  cause_.kind = Cause::Kind::nothing;
}

// What a client wanted changed has changed, unless it was too late for that.
void Checker::check_changes(bool retry) {
  for (const auto& [task, before] : cause_.before) {
    const TaskEntry& entry = ledger_[task];
    if (entry.life.purged || (has_ended(before) && may_be_forgotten(entry))) continue;
    const bool changed = entry.life.seq > cause_.first_seq;
    const bool due = before == TaskState::retrying && !is_due(task);
    const bool must =
        retry ? due || (has_ended(before) && before != TaskState::completed) : !has_ended(before);
    if (must && !changed) {
      fail(name(entry) +
           (retry ? " was not retried when asked to" : " was not cancelled when asked to"));
    }
  }
}

Checker::Expected Checker::expect() const {
  Expected expected;
  expected.key = cause_.key;
  expected.seq = newest_seq();
  if (const auto* submit = std::get_if<wire::Submit>(&cause_.client_message)) {
    expected.kind = Expected::Kind::submit;
    std::vector<TaskNumber> used;
    for (const auto& task : submit->tasks) expected.outcomes.push_back(expect_task(task, used));
  } else if (const auto* show = std::get_if<wire::Show>(&cause_.client_message)) {
    expected.kind = Expected::Kind::show;
    expected.task = ledger_.find(show->task);
    if (expected.task == kNoTask) return expected;
    const TaskLife& life = ledger_[expected.task].life;
    expected.state = life.state;
    expected.attempt = life.attempt();
    expected.failures = life.failures;
  } else if (const auto* wait = std::get_if<wire::Wait>(&cause_.client_message)) {
    expected.kind = Expected::Kind::wait;
    expected.task = ledger_.find(wait->task);
  } else if (const auto* events = std::get_if<wire::Events>(&cause_.client_message)) {
    expected.kind = Expected::Kind::events;
    expected.since = events->since;
  } else if (std::holds_alternative<wire::Queues>(cause_.client_message)) {
    expected.kind = Expected::Kind::queues;
    expected.total = ledger_.total();
  } else if (std::holds_alternative<wire::Books>(cause_.client_message)) {
    expected.kind = Expected::Kind::books;
    expected.total = ledger_.total(options_.keys[cause_.key].tenant);
  }
  return expected;
}

// `used` are the tasks that were admitted for others of the same batch.
Checker::ExpectedTask Checker::expect_task(const wire::SubmittedTask& submitted,
                                           std::vector<TaskNumber>& used) const {
  const TaskSpec& spec = submitted.spec;
  ExpectedTask expected;
  expected.id = spec.id;
  expected.task = ledger_.find(spec.id);
  if (expected.task != kNoTask) {
    const bool is_new = ledger_[expected.task].facts.created_seq > cause_.first_seq;
    expected.created = is_new && std::find(used.begin(), used.end(), expected.task) == used.end();
    expected.duplicate = !expected.created;
    if (expected.created) used.push_back(expected.task);
    const bool forgotten = may_be_forgotten(ledger_[expected.task]);
    if (expected.duplicate && forgotten) expected.allowed = refusals_of(submitted);
    return expected;
  }
  expected.allowed = refusals_of(submitted);
  if (spec.idempotency_key.empty()) return expected;
  const std::string tenant = spec.tenant.empty() ? "default" : std::string(spec.tenant);
  const TaskNumber first = ledger_.find_key(tenant, std::string(spec.idempotency_key));
  if (first == kNoTask) return expected;
  const TaskFacts& facts = ledger_[first].facts;
  // Once the clock went back, windows that were over may be open again: anything goes.
  if (exact_times_ && facts.created_at + core_.idempotency_window <= now_) return expected;
  const bool conflict = facts.payload_hash != digest(spec.payload) || facts.type != spec.type;
  // Where few keys are kept, this one may have been another task's until a later task of the same
  // batch needed its place, and came back with the task found here.
  const bool came_back = core_.idempotency_max < 1000 && facts.created_seq > cause_.first_seq;
  if (conflict || !exact_times_ || came_back) {
    expected.allowed.push_back(Errc::idempotency_conflict);
  }
  if (conflict && exact_times_) return expected;
  expected.task = first;
  expected.duplicate = true;
  return expected;
}

// Why this task may have been refused.
std::vector<Errc> Checker::refusals_of(const wire::SubmittedTask& submitted) const {
  const TaskSpec& spec = submitted.spec;
  std::vector<Errc> allowed;
  if (const auto good = check(spec, core_.limits, now_); !good) {
    allowed.push_back(good.error().code);
  }
  if (storage_trouble_) allowed.push_back(Errc::storage_full);
  if (draining_) allowed.push_back(Errc::draining);
  const bool keys = !spec.idempotency_key.empty() && core_.idempotency_max < 1000;
  if (keys) allowed.push_back(Errc::resource_exhausted);
  std::uint64_t longest = 0;
  for (std::uint32_t queue = 0; queue < ledger_.queues(); ++queue) {
    const LedgerBooks& books = ledger_.books(queue);
    longest = std::max(longest, static_cast<std::uint64_t>(books.waiting + books.ended[1]));
  }
  if (longest >= core_.queue_length) allowed.push_back(Errc::queue_full);
  return allowed;
}

// --- told

void Checker::sends_client(broker::Peer peer, std::string_view frame) {
  const auto reply = wire::decode_client_reply(frame);
  if (!reply) return fail("a reply cannot be read: " + reply.error().message);
  if (const auto* accepted = std::get_if<wire::Accepted>(&*reply)) {
    for (const auto& each : accepted->replies) sends(peer, each);
  } else if (const auto* answer = std::get_if<wire::Answer>(&*reply)) {
    sends(peer, *answer);
  } else if (const auto* refused = std::get_if<wire::Refused>(&*reply)) {
    sends(peer, *refused);
  } else if (const auto* connected = std::get_if<wire::Connected>(&*reply)) {
    (void)take_expected(peer, connected->request);
  }
}

std::optional<Checker::Expected> Checker::take_expected(broker::Peer peer, std::uint64_t request) {
  const auto at = expected_.find({static_cast<std::uint64_t>(peer), request});
  if (at == expected_.end()) {
    fail("a request is answered that was not made");
    return std::nullopt;
  }
  Expected expected = std::move(at->second.front());
  at->second.pop_front();
  if (at->second.empty()) expected_.erase(at);
  if (!is_durable(expected.seq)) {
    fail("promise 1: a reply leaves before what was decided before it is durable");
  }
  return expected;
}

void Checker::sends(broker::Peer peer, const wire::SubmitReply& reply) {
  const auto expected = take_expected(peer, reply.request);
  if (!expected) return;
  if (reply.outcomes.size() != expected->outcomes.size()) {
    return fail("a submission is answered with another number of outcomes");
  }
  for (std::size_t i = 0; i < reply.outcomes.size(); ++i) {
    const wire::SubmitOutcome& outcome = reply.outcomes[i];
    const ExpectedTask& task = expected->outcomes[i];
    const auto which = "task " + to_string(task.id);
    if (outcome.code != Errc::ok) {
      ++figures_.refused;
      if (!contains(task.allowed, outcome.code)) {
        fail(which + " is answered " + std::string(name_of(outcome.code)) +
             (task.created || task.duplicate ? ", and was accepted" : " without a reason"));
      }
      continue;
    }
    if (!task.created && !task.duplicate) {
      return fail("promise 1: " + which + " is told to be accepted, and is not kept");
    }
    ++(outcome.duplicate ? figures_.duplicates : figures_.accepted);
    const TaskFacts& facts = ledger_[task.task].facts;
    if (!is_durable(facts.created_seq)) {
      fail("promise 1: " + which + " is accepted before it is durable");
    }
    // A key may have had two tasks: both windows are open when the clock went back; and a key may
    // make room for another one between two tasks of a batch.
    const bool twice = !exact_times_ || core_.idempotency_max < 1000;
    const bool either = twice && !facts.key.empty() && outcome.duplicate;
    if (outcome.duplicate != task.duplicate || (outcome.id != facts.id && !either)) {
      fail("promise 7: " + which + " is answered " + to_string(outcome.id) +
           (outcome.duplicate ? ", known" : ", new") + "; the first is " + to_string(facts.id));
    }
  }
}

void Checker::sends(broker::Peer peer, const wire::Answer& answer) {
  const auto expected = take_expected(peer, answer.request);
  if (!expected) return;
  switch (expected->kind) {
    case Expected::Kind::show:
    case Expected::Kind::wait: return check_task(*expected, answer.body);
    case Expected::Kind::events: return check_page(*expected, answer.body);
    case Expected::Kind::queues:
    case Expected::Kind::books: return check_queues(*expected, answer.body);
    case Expected::Kind::submit: return fail("a submission is answered like a question");
    case Expected::Kind::other: return;
  }
}

void Checker::sends(broker::Peer peer, const wire::Refused& refused) {
  const auto expected = take_expected(peer, refused.request);
  if (!expected || expected->task == kNoTask || refused.code != Errc::not_found) return;
  const TaskEntry& entry = ledger_[expected->task];
  if (!entry.life.purged && !may_be_forgotten(entry)) {
    fail("promise 2: " + name(entry) + " is not found");
  }
}

}  // namespace drover::sim
