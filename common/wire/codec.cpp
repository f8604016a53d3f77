#include "common/wire/codec.hpp"

#include <type_traits>

#include "common/wire/reader.hpp"

namespace drover::wire {
namespace {

// Kinds, as messages.yaml numbers them.
enum Kind : std::uint64_t {
  kConnect = 1,
  kSubmit,
  kWait,
  kShow,
  kList,
  kCancel,
  kRetry,
  kQueues,
  kDeadLetters,
  kWorkers,
  kStats,
  kBooks,
  kEvents,
  kPing,
  kSet,
  kSettingsOf,
  kGates,
  kConnected = 33,
  kAccepted,
  kAnswer,
  kRefused,
  kHello = 65,
  kHeartbeat,
  kDone,
  kFailed,
  kReleased,
  kProgress,
  kBye,
  kWelcome = 97,
  kAssign,
  kConfirm,
  kCancelAttempts,
  kDrain,
  kAlive,
  kWho,
};

constexpr std::uint32_t kChangesMax = 64;

// --- reading
// ---------------------------------------------------------------------------------------

// A list of `Element`s read by `read(reader)`, at most `most` of them.
template <class Element, class Read>
std::vector<Element> read_list(Reader& r, std::uint32_t most, Read read) {
  std::vector<Element> list;
  const auto count = r.array(most);
  list.reserve(count);
  for (std::uint32_t i = 0; i < count && !r.failed(); ++i) list.push_back(read(r));
  return list;
}

// The same for elements that are arrays of `least` known fields, and perhaps more in a later
// release.
template <class Element, class Read>
std::vector<Element> read_items(Reader& r, std::uint32_t most, std::uint32_t known, Read read) {
  return read_list<Element>(r, most, [&](Reader& reader) {
    const auto fields = reader.array();
    if (!reader.failed() && fields < known) {
      reader.fail(Errc::malformed, "a list entry has too few fields");
    }
    Element element = read(reader);
    skip_rest(reader, fields, known);
    return element;
  });
}

std::uint32_t read_u32(Reader& r) { return static_cast<std::uint32_t>(r.uint(UINT32_MAX)); }

SessionId read_session(Reader& r) { return SessionId{r.uint()}; }

Hold read_hold(Reader& r) {
  Hold hold;
  hold.task = r.id<TaskTag>();
  hold.attempt = read_u32(r);
  return hold;
}

std::vector<std::string_view> read_names(Reader& r, std::uint32_t most) {
  return read_list<std::string_view>(r, most, [](Reader& reader) { return reader.str(); });
}

Pairs read_pairs(Reader& r, std::uint32_t most) {
  return read_items<Pairs::value_type>(r, most, 2, [](Reader& reader) {
    const auto key = reader.str();
    return std::pair(key, reader.str());
  });
}

Usage read_usage(Reader& r) {
  Usage usage;
  if (r.take_nil()) return usage;
  const auto fields = r.array();
  if (fields >= 1) usage.input_tokens = r.uint();
  if (fields >= 2) usage.output_tokens = r.uint();
  if (fields >= 3) usage.cost_micro_usd = r.uint();
  skip_rest(r, fields, 3);
  return usage;
}

Errc read_code(Reader& r) { return errc_from(r.uint()).value_or(Errc::internal); }

template <class Enum>
std::optional<Enum> read_enum_or_nil(Reader& r, std::uint64_t greatest) {
  if (r.take_nil()) return std::nullopt;
  return static_cast<Enum>(r.uint(greatest));
}

std::optional<Instant> instant_or_nil(Reader& r) {
  const Instant at = r.instant();
  return at == kNever ? std::nullopt : std::optional(at);
}

std::optional<Backoff> backoff_or_nil(Reader& r) {
  if (r.take_nil()) return std::nullopt;
  Backoff b;
  const auto fields = r.array();
  if (fields < 5) r.fail(Errc::malformed, "backoff has too few fields");
  b.kind = static_cast<BackoffKind>(r.uint(1));
  b.base = r.span();
  b.factor_permille = read_u32(r);
  b.max = r.span();
  b.jitter = r.boolean();
  skip_rest(r, fields, 5);
  return b;
}

// Reads the fields of one task array. Fields beyond the end of a shorter array are "not said".
TaskSpec read_task(Reader& r) {
  TaskSpec spec;
  const auto fields = r.array();
  if (!r.failed() && fields < 3) r.fail(Errc::malformed, "a task has no id, type or payload");
  std::uint32_t at = 0;
  const auto here = [&] { return !r.failed() && at++ < fields; };
  if (here()) spec.id = r.id<TaskTag>();
  if (here()) spec.type = r.str();
  if (here()) spec.payload = r.bin();
  if (here()) spec.queue = r.str_or_nil();
  if (here()) spec.priority = read_enum_or_nil<Priority>(r, kPriorities - 1);
  if (here()) spec.tenant = r.str_or_nil();
  if (here()) spec.content_type = r.str_or_nil();
  if (here()) spec.delay = r.span_or_nil();
  if (here()) spec.not_before = instant_or_nil(r);
  if (here()) spec.ttl = r.span_or_nil();
  if (here()) spec.expires_at = instant_or_nil(r);
  if (here()) spec.timeout = r.span_or_nil();
  if (here() && !r.take_nil()) spec.max_attempts = read_u32(r);
  if (here()) spec.backoff = backoff_or_nil(r);
  if (here()) spec.idempotency_key = r.str_or_nil();
  if (here()) spec.user_id = r.str_or_nil();
  if (here()) spec.agent_id = r.str_or_nil();
  if (here() && !r.take_nil()) spec.required_capabilities = read_names(r, kCapabilitiesMax);
  if (here() && !r.take_nil()) spec.required_labels = read_pairs(r, kCapabilitiesMax);
  if (here()) spec.result_ttl = r.span_or_nil();
  if (here()) spec.traceparent = r.str_or_nil();
  if (here() && !r.take_nil()) spec.metadata = read_pairs(r, 64);
  if (here()) spec.gate = r.str_or_nil();
  if (here()) spec.concurrency_key = r.str_or_nil();
  if (here()) spec.rate_key = r.str_or_nil();
  if (here() && !r.take_nil()) spec.rate_cost = read_u32(r);
  skip_rest(r, fields, at);
  return spec;
}

SubmittedTask read_submitted(Reader& r) {
  SubmittedTask task;
  task.bytes = r.raw();
  if (r.failed()) return task;
  Reader inner(task.bytes);
  task.spec = read_task(inner);
  if (inner.failed()) task.fault = inner.error();
  return task;
}

// A list of tasks that a client names at once.
template <class Element, class Read>
std::vector<Element> read_batch(Reader& r, std::uint32_t batch_max, Read read) {
  std::vector<Element> batch;
  const auto count = r.array();
  if (count > batch_max) r.fail(Errc::batch_too_large, "a batch has more tasks than it may");
  if (r.failed()) return batch;
  batch.reserve(count);
  for (std::uint32_t i = 0; i < count && !r.failed(); ++i) batch.push_back(read(r));
  return batch;
}

std::vector<TaskId> read_ids(Reader& r, std::uint32_t batch_max) {
  return read_batch<TaskId>(r, batch_max, [](Reader& reader) { return reader.id<TaskTag>(); });
}

std::optional<std::uint64_t> uint_or_nil(Reader& r) {
  return r.take_nil() ? std::nullopt : std::optional(r.uint());
}

Verdict read_verdict(Reader& r) {
  Verdict verdict;
  verdict.task = r.id<TaskTag>();
  verdict.attempt = read_u32(r);
  verdict.code = read_code(r);
  return verdict;
}

struct Head {
  std::uint64_t kind = 0;
  std::uint32_t fields = 0;  // after the kind
};

// The whole message or its fault: the frame is one array, with the `known` fields that were read
// and perhaps more that a later release has added.
template <class Variant, class Message>
Result<Variant> finish(Reader& r, const Head& head, std::uint32_t known, Message&& message) {
  if (head.fields < known) r.fail(Errc::malformed, "a message has too few fields");
  skip_rest(r, head.fields, known);
  if (!r.failed() && !r.at_end()) r.fail(Errc::malformed, "bytes follow the message");
  if (r.failed()) return r.error();
  return Variant(std::forward<Message>(message));
}

Result<Head> read_head(Reader& r, std::string_view frame, std::size_t message_max) {
  if (frame.size() > message_max) {
    return Error{Errc::message_too_large, "a message has " + std::to_string(frame.size()) +
                                              " bytes; at most " + std::to_string(message_max) +
                                              " are allowed"};
  }
  const auto fields = r.array();
  if (!r.failed() && fields == 0) r.fail(Errc::malformed, "a message has no kind");
  const auto kind = r.uint();
  if (r.failed()) return r.error();
  return Head{kind, fields - 1};
}

Error unknown_kind(std::uint64_t kind) {
  return {Errc::unknown_message,
          "messages of kind " + std::to_string(kind) + " are not known here"};
}

Outcome read_failure_outcome(Reader& r) {
  const auto outcome = static_cast<Outcome>(r.uint(kOutcomes - 1));
  if (outcome != Outcome::failed && outcome != Outcome::timed_out && outcome != Outcome::stopped) {
    r.fail(Errc::invalid_argument, "an attempt can be failed, timed_out or stopped");
  }
  return outcome;
}

// --- writing
// ---------------------------------------------------------------------------------------

void write_pairs(Writer& w, const Pairs& pairs) {
  w.array(pairs.size());
  for (const auto& [key, value] : pairs) w.array(2).str(key).str(value);
}

void write_names(Writer& w, const std::vector<std::string_view>& names) {
  w.array(names.size());
  for (const auto name : names) w.str(name);
}

void write_ids(Writer& w, const std::vector<TaskId>& ids) {
  w.array(ids.size());
  for (const auto& id : ids) w.id(id);
}

void write_holds(Writer& w, const std::vector<Hold>& holds) {
  w.array(holds.size());
  for (const auto& hold : holds) w.array(2).id(hold.task).uint(hold.attempt);
}

void write_usage(Writer& w, const Usage& usage) {
  if (usage == Usage{}) {
    w.nil();
    return;
  }
  w.array(3).uint(usage.input_tokens).uint(usage.output_tokens).uint(usage.cost_micro_usd);
}

Writer& write_session(Writer& w, std::uint64_t kind, std::size_t fields, SessionId session) {
  return w.array(2 + fields).uint(kind).uint(static_cast<std::uint64_t>(session));
}

void write_span_or_nil(Writer& w, Duration span) {
  if (span == Duration(0)) {
    w.nil();
  } else {
    w.span(span);
  }
}

void write_uint_or_nil(Writer& w, const std::optional<std::uint64_t>& value) {
  if (value) {
    w.uint(*value);
  } else {
    w.nil();
  }
}

void write_pairs_or_nil(Writer& w,
                        const std::vector<std::pair<std::string_view, std::string_view>>& pairs) {
  if (pairs.empty()) {
    w.nil();
  } else {
    write_pairs(w, pairs);
  }
}

// How many fields of the task array must be written: those after the last one said are left out.
std::size_t fields_said(const TaskSpec& s) {
  const bool said[] = {true,
                       true,
                       true,
                       !s.queue.empty(),
                       s.priority.has_value(),
                       !s.tenant.empty(),
                       !s.content_type.empty(),
                       s.delay.has_value(),
                       s.not_before.has_value(),
                       s.ttl.has_value(),
                       s.expires_at.has_value(),
                       s.timeout.has_value(),
                       s.max_attempts.has_value(),
                       s.backoff.has_value(),
                       !s.idempotency_key.empty(),
                       !s.user_id.empty(),
                       !s.agent_id.empty(),
                       !s.required_capabilities.empty(),
                       !s.required_labels.empty(),
                       s.result_ttl.has_value(),
                       !s.traceparent.empty(),
                       !s.metadata.empty(),
                       !s.gate.empty(),
                       !s.concurrency_key.empty(),
                       !s.rate_key.empty(),
                       s.rate_cost.has_value()};
  std::size_t count = std::size(said);
  while (!said[count - 1]) --count;
  return count;
}

void write(Writer& w, const Connect& m) {
  w.array(4).uint(kConnect).uint(m.request).uint(m.version).str(m.software);
}
void write(Writer& w, const Submit& m) {
  w.array(3).uint(kSubmit).uint(m.request).array(m.tasks.size());
  for (const auto& task : m.tasks) w.raw(task.bytes);
}
void write(Writer& w, const Wait& m) {
  w.array(4).uint(kWait).uint(m.request).id(m.task).span(m.timeout);
}
void write(Writer& w, const Show& m) { w.array(3).uint(kShow).uint(m.request).id(m.task); }
void write(Writer& w, const List& m) {
  w.array(9).uint(kList).uint(m.request).str_or_nil(m.state ? name_of(*m.state) : "");
  w.str_or_nil(m.queue).str_or_nil(m.type).str_or_nil(m.tenant).instant(m.since).uint(m.limit);
  write_uint_or_nil(w, m.cursor);
}
void write(Writer& w, const Cancel& m) {
  write_ids(w.array(3).uint(kCancel).uint(m.request), m.tasks);
}
void write(Writer& w, const Retry& m) {
  write_ids(w.array(3).uint(kRetry).uint(m.request), m.tasks);
}
void write(Writer& w, const Queues& m) { w.array(2).uint(kQueues).uint(m.request); }
void write(Writer& w, const DeadLetters& m) {
  w.array(6)
      .uint(kDeadLetters)
      .uint(m.request)
      .str_or_nil(m.queue)
      .str_or_nil(m.reason)
      .uint(m.limit);
  write_uint_or_nil(w, m.cursor);
}
void write(Writer& w, const Workers& m) { w.array(2).uint(kWorkers).uint(m.request); }
void write(Writer& w, const Stats& m) { w.array(2).uint(kStats).uint(m.request); }
void write(Writer& w, const Books& m) { w.array(2).uint(kBooks).uint(m.request); }
void write(Writer& w, const Events& m) {
  w.array(6).uint(kEvents).uint(m.request);
  if (m.store) {
    w.id(*m.store);
  } else {
    w.nil();
  }
  w.uint(m.since).str(m.prefix).uint(m.limit);
}
void write(Writer& w, const Ping& m) { w.array(2).uint(kPing).uint(m.request); }
void write(Writer& w, const Set& m) {
  w.array(6).uint(kSet).uint(m.request).str(m.of).str_or_nil(m.tenant).str_or_nil(m.name);
  write_pairs(w, m.changes);
}
void write(Writer& w, const SettingsOf& m) {
  w.array(5).uint(kSettingsOf).uint(m.request).str(m.of).str_or_nil(m.tenant).str_or_nil(m.name);
}
void write(Writer& w, const Gates& m) { w.array(2).uint(kGates).uint(m.request); }

void write(Writer& w, const Connected& m) {
  w.array(11).uint(kConnected).uint(m.request).uint(m.version).id(m.store).str(m.software);
  w.uint(m.message_max).uint(m.payload_max).uint(m.batch_max).str(m.status).str(m.workers);
  w.str_or_nil(m.tenant);
}
void write_outcome(Writer& w, const SubmitOutcome& o) {
  const bool refused = o.code != Errc::ok;
  w.array(refused ? 8 : o.warning.empty() ? 3 : 4);
  w.id(o.id).uint(static_cast<std::uint64_t>(o.state)).boolean(o.duplicate);
  if (refused || !o.warning.empty()) w.str_or_nil(o.warning);
  if (!refused) return;
  w.uint(static_cast<std::uint64_t>(o.code)).str_or_nil(o.message).str_or_nil(o.field);
  write_span_or_nil(w, o.retry_after);
}
void write_reply(Writer& w, const SubmitReply& reply) {
  w.array(2).uint(reply.request).array(reply.outcomes.size());
  for (const auto& outcome : reply.outcomes) write_outcome(w, outcome);
}
void write(Writer& w, const Accepted& m) {
  w.array(2).uint(kAccepted).array(m.replies.size());
  for (const auto& reply : m.replies) write_reply(w, reply);
}
void write(Writer& w, const Answer& m) { w.array(3).uint(kAnswer).uint(m.request).raw(m.body); }
void write(Writer& w, const Refused& m) {
  w.array(6).uint(kRefused).uint(m.request).uint(static_cast<std::uint64_t>(m.code)).str(m.message);
  w.str_or_nil(m.field);
  write_span_or_nil(w, m.retry_after);
}

void write(Writer& w, const Hello& m) {
  w.array(12).uint(kHello).uint(m.version).id(m.worker).str(m.host).uint(m.pid).str(m.software);
  write_names(w, m.types);
  write_names(w, m.capabilities);
  write_pairs(w, m.labels);
  w.uint(m.slots).uint(m.window);
  write_holds(w, m.holds);
}
void write(Writer& w, const Heartbeat& m) {
  write_session(w, kHeartbeat, 2, m.session).boolean(m.draining);
  write_holds(w, m.holds);
}
void write(Writer& w, const Done& m) {
  write_session(w, kDone, 1, m.session).array(m.items.size());
  for (const auto& item : m.items) {
    w.array(5).id(item.task).uint(item.attempt).bin(item.result).str_or_nil(item.content_type);
    write_usage(w, item.usage);
  }
}
void write(Writer& w, const Failed& m) {
  write_session(w, kFailed, 1, m.session).array(m.items.size());
  for (const auto& item : m.items) {
    w.array(8).id(item.task).uint(item.attempt).uint(static_cast<std::uint64_t>(item.outcome));
    w.str(item.code).str(item.message).boolean(item.retryable);
    write_span_or_nil(w, item.retry_after);
    write_usage(w, item.usage);
  }
}
void write(Writer& w, const Released& m) {
  write_holds(write_session(w, kReleased, 1, m.session), m.items);
}
void write(Writer& w, const Progress& m) {
  write_session(w, kProgress, 1, m.session).array(m.items.size());
  for (const auto& item : m.items) {
    w.array(4).id(item.task).uint(item.attempt);
    if (item.percent) {
      w.uint(*item.percent);
    } else {
      w.nil();
    }
    w.str_or_nil(item.message);
  }
}
void write(Writer& w, const Bye& m) { write_session(w, kBye, 0, m.session); }

void write_verdict(Writer& w, const Verdict& v) {
  w.array(3).id(v.task).uint(v.attempt).uint(static_cast<std::uint64_t>(v.code));
}
void write(Writer& w, const Welcome& m) {
  write_session(w, kWelcome, 7, m.session).uint(m.version).id(m.store).span(m.heartbeat);
  w.span(m.worker_timeout).uint(m.message_max).uint(m.result_max).array(m.drop.size());
  for (const auto& verdict : m.drop) write_verdict(w, verdict);
}
void write_assigned(Writer& w, const Assign::Item& item) {
  w.array(9).uint(item.attempt).uint(item.failures).uint(item.max_attempts).span(item.timeout);
  w.str(item.tenant).str(item.queue).uint(static_cast<std::uint64_t>(item.priority));
  w.instant(item.created_at).raw(item.task);
}
void write(Writer& w, const Assign& m) {
  write_session(w, kAssign, 1, m.session).array(m.items.size());
  for (const auto& item : m.items) write_assigned(w, item);
}
void write(Writer& w, const Confirm& m) {
  write_session(w, kConfirm, 1, m.session).array(m.items.size());
  for (const auto& item : m.items) write_verdict(w, item);
}
void write_cancelled(Writer& w, const CancelAttempts::Item& item) {
  w.array(3).id(item.task).uint(item.attempt).span(item.grace);
}
void write(Writer& w, const CancelAttempts& m) {
  write_session(w, kCancelAttempts, 1, m.session).array(m.items.size());
  for (const auto& item : m.items) write_cancelled(w, item);
}
void write(Writer& w, const Drain& m) { write_session(w, kDrain, 0, m.session); }
void write(Writer& w, const Alive& m) { write_session(w, kAlive, 0, m.session); }
void write(Writer& w, const Who& m) {
  write_session(w, kWho, 2, m.session).uint(static_cast<std::uint64_t>(m.code)).str(m.message);
}

template <class Variant>
void encode_variant(const Variant& message, std::string& out) {
  Writer w(out);
  std::visit([&](const auto& m) { write(w, m); }, message);
}

}  // namespace

Result<ClientMessage> decode_client_message(std::string_view frame, const FrameLimits& limits) {
  Reader r(frame);
  const auto head = read_head(r, frame, limits.message_max);
  if (!head) return head.error();
  const auto done = [&](std::uint32_t fields, auto&& message) {
    return finish<ClientMessage>(r, *head, fields, std::forward<decltype(message)>(message));
  };
  if (head->kind < kConnect || head->kind > kGates) return unknown_kind(head->kind);
  const std::uint64_t request = r.uint();
  switch (head->kind) {
    case kConnect: {
      Connect m{request, read_u32(r), {}};
      m.software = r.str();
      return done(3, m);
    }
    case kSubmit:
      return done(2,
                  Submit{request, read_batch<SubmittedTask>(r, limits.batch_max, read_submitted)});
    case kWait: {
      Wait m{request, r.id<TaskTag>(), {}};
      m.timeout = r.span();
      return done(3, m);
    }
    case kShow: return done(2, Show{request, r.id<TaskTag>()});
    case kList: {
      List m;
      m.request = request;
      if (const auto state = r.str_or_nil(); !state.empty()) {
        m.state = parse_task_state(state);
        if (!m.state) {
          return Error{Errc::invalid_argument, "'" + std::string(state) + "' is no state of a task",
                       "state"};
        }
      }
      m.queue = r.str_or_nil();
      m.type = r.str_or_nil();
      m.tenant = r.str_or_nil();
      m.since = r.instant();
      m.limit = read_u32(r);
      m.cursor = uint_or_nil(r);
      return done(8, m);
    }
    case kCancel: return done(2, Cancel{request, read_ids(r, limits.batch_max)});
    case kRetry: return done(2, Retry{request, read_ids(r, limits.batch_max)});
    case kQueues: return done(1, Queues{request});
    case kDeadLetters: {
      DeadLetters m;
      m.request = request;
      m.queue = r.str_or_nil();
      m.reason = r.str_or_nil();
      m.limit = read_u32(r);
      m.cursor = uint_or_nil(r);
      return done(5, m);
    }
    case kWorkers: return done(1, Workers{request});
    case kStats: return done(1, Stats{request});
    case kBooks: return done(1, Books{request});
    case kEvents: {
      Events m;
      m.request = request;
      if (!r.take_nil()) m.store = r.id<StoreTag>();
      m.since = r.uint();
      m.prefix = r.str();
      m.limit = read_u32(r);
      return done(5, m);
    }
    case kPing: return done(1, Ping{request});
    case kSet: {
      Set m;
      m.request = request;
      m.of = r.str();
      m.tenant = r.str_or_nil();
      m.name = r.str_or_nil();
      m.changes = read_pairs(r, kChangesMax);
      return done(5, m);
    }
    case kSettingsOf: {
      SettingsOf m;
      m.request = request;
      m.of = r.str();
      m.tenant = r.str_or_nil();
      m.name = r.str_or_nil();
      return done(4, m);
    }
    default: return done(1, Gates{request});
  }
}

std::uint64_t peek_request(std::string_view frame) {
  Reader r(frame);
  r.array();
  r.uint();
  const std::uint64_t request = r.uint();
  return r.failed() ? 0 : request;
}

bool peek_is_submit(std::string_view frame) {
  Reader r(frame);
  r.array();
  return r.uint() == kSubmit && !r.failed();
}

Result<ClientReply> decode_client_reply(std::string_view frame) {
  Reader r(frame);
  const auto head = read_head(r, frame, SIZE_MAX);
  if (!head) return head.error();
  const auto done = [&](std::uint32_t fields, auto&& message) {
    return finish<ClientReply>(r, *head, fields, std::forward<decltype(message)>(message));
  };
  switch (head->kind) {
    case kConnected: {
      Connected m;
      m.request = r.uint();
      m.version = read_u32(r);
      m.store = r.id<StoreTag>();
      m.software = r.str();
      m.message_max = r.uint();
      m.payload_max = r.uint();
      m.batch_max = r.uint();
      m.status = r.str();
      m.workers = r.str();
      const bool has_tenant = head->fields > 9;  // an earlier release says nothing of it
      if (has_tenant) m.tenant = r.str_or_nil();
      return done(has_tenant ? 10 : 9, m);
    }
    case kAccepted:
      return done(1, Accepted{read_items<SubmitReply>(r, UINT32_MAX, 2, [](Reader& reader) {
                    SubmitReply reply{reader.uint(), {}};
                    reply.outcomes = read_list<SubmitOutcome>(reader, UINT32_MAX, [](Reader& in) {
                      SubmitOutcome o;
                      const auto fields = in.array();
                      if (!in.failed() && fields < 3)
                        in.fail(Errc::malformed, "an outcome has too few fields");
                      o.id = in.id<TaskTag>();
                      o.state = static_cast<TaskState>(in.uint(kTaskStates - 1));
                      o.duplicate = in.boolean();
                      if (fields > 3) o.warning = in.str_or_nil();
                      if (fields > 4 && !in.take_nil()) o.code = read_code(in);
                      if (fields > 5) o.message = in.str_or_nil();
                      if (fields > 6) o.field = in.str_or_nil();
                      if (fields > 7) o.retry_after = in.span_or_nil().value_or(0ms);
                      skip_rest(in, fields, 8);
                      if (o.code == Errc::ok) {  // then nothing else is said of a refusal
                        o.message = o.field = {};
                        o.retry_after = 0ms;
                      }
                      return o;
                    });
                    return reply;
                  })});
    case kAnswer: {
      Answer m{r.uint(), {}};
      m.body = r.raw();
      return done(2, m);
    }
    case kRefused: {
      Refused m;
      m.request = r.uint();
      m.code = read_code(r);
      m.message = r.str();
      m.field = r.str_or_nil();
      m.retry_after = r.span_or_nil().value_or(0ms);
      return done(5, m);
    }
    default: return unknown_kind(head->kind);
  }
}

Result<WorkerMessage> decode_worker_message(std::string_view frame, const FrameLimits& limits) {
  Reader r(frame);
  const auto head = read_head(r, frame, limits.message_max);
  if (!head) return head.error();
  const auto done = [&](std::uint32_t fields, auto&& message) {
    return finish<WorkerMessage>(r, *head, fields, std::forward<decltype(message)>(message));
  };
  switch (head->kind) {
    case kHello: {
      Hello m;
      m.version = read_u32(r);
      m.worker = r.id<WorkerTag>();
      m.host = r.str();
      m.pid = r.uint();
      m.software = r.str();
      m.types = read_names(r, 10'000);
      m.capabilities = read_names(r, 1000);
      m.labels = read_pairs(r, 1000);
      m.slots = read_u32(r);
      m.window = read_u32(r);
      m.holds = read_items<Hold>(r, kHoldsMax, 2, read_hold);
      return done(11, m);
    }
    case kHeartbeat: {
      Heartbeat m{read_session(r), r.boolean(), {}};
      m.holds = read_items<Hold>(r, kHoldsMax, 2, read_hold);
      return done(3, m);
    }
    case kDone: {
      Done m{read_session(r), {}};
      m.items = read_items<Done::Item>(r, kHoldsMax, 5, [](Reader& in) {
        Done::Item item;
        item.task = in.id<TaskTag>();
        item.attempt = read_u32(in);
        item.result = in.bin();
        item.content_type = in.str_or_nil();
        item.usage = read_usage(in);
        return item;
      });
      return done(2, m);
    }
    case kFailed: {
      Failed m{read_session(r), {}};
      m.items = read_items<Failed::Item>(r, kHoldsMax, 8, [](Reader& in) {
        Failed::Item item;
        item.task = in.id<TaskTag>();
        item.attempt = read_u32(in);
        item.outcome = read_failure_outcome(in);
        item.code = in.str();
        item.message = in.str();
        item.retryable = in.boolean();
        item.retry_after = in.span_or_nil().value_or(0ms);
        item.usage = read_usage(in);
        return item;
      });
      return done(2, m);
    }
    case kReleased: {
      Released m{read_session(r), {}};
      m.items = read_items<Hold>(r, kHoldsMax, 2, read_hold);
      return done(2, m);
    }
    case kProgress: {
      Progress m{read_session(r), {}};
      m.items = read_items<Progress::Item>(r, kHoldsMax, 4, [](Reader& in) {
        Progress::Item item;
        item.task = in.id<TaskTag>();
        item.attempt = read_u32(in);
        if (!in.take_nil()) item.percent = static_cast<std::uint32_t>(in.uint(100));
        item.message = in.str_or_nil();
        return item;
      });
      return done(2, m);
    }
    case kBye: return done(1, Bye{read_session(r)});
    default: return unknown_kind(head->kind);
  }
}

Result<WorkerOrder> decode_worker_order(std::string_view frame) {
  Reader r(frame);
  const auto head = read_head(r, frame, SIZE_MAX);
  if (!head) return head.error();
  const auto done = [&](std::uint32_t fields, auto&& message) {
    return finish<WorkerOrder>(r, *head, fields, std::forward<decltype(message)>(message));
  };
  if (head->kind < kWelcome || head->kind > kWho) return unknown_kind(head->kind);
  const SessionId session = read_session(r);
  switch (head->kind) {
    case kWelcome: {
      Welcome m;
      m.session = session;
      m.version = read_u32(r);
      m.store = r.id<StoreTag>();
      m.heartbeat = r.span();
      m.worker_timeout = r.span();
      m.message_max = r.uint();
      m.result_max = r.uint();
      m.drop = read_items<Verdict>(r, kHoldsMax, 3, read_verdict);
      return done(8, m);
    }
    case kAssign:
      return done(2, Assign{session, read_items<Assign::Item>(r, kHoldsMax, 9, [](Reader& in) {
                              Assign::Item item;
                              item.attempt = read_u32(in);
                              item.failures = read_u32(in);
                              item.max_attempts = read_u32(in);
                              item.timeout = in.span();
                              item.tenant = in.str();
                              item.queue = in.str();
                              item.priority = static_cast<Priority>(in.uint(kPriorities - 1));
                              item.created_at = in.instant();
                              item.task = in.raw();
                              return item;
                            })});
    case kConfirm:
      return done(2, Confirm{session, read_items<Verdict>(r, kHoldsMax, 3, read_verdict)});
    case kCancelAttempts:
      return done(2, CancelAttempts{
                         session, read_items<CancelAttempts::Item>(r, kHoldsMax, 3, [](Reader& in) {
                           CancelAttempts::Item item;
                           item.task = in.id<TaskTag>();
                           item.attempt = read_u32(in);
                           item.grace = in.span();
                           return item;
                         })});
    case kDrain: return done(1, Drain{session});
    case kAlive: return done(1, Alive{session});
    default: {
      Who m{session, read_code(r), {}};
      m.message = r.str();
      return done(3, m);
    }
  }
}

Result<TaskSpec> decode_task(std::string_view bytes) {
  Reader r(bytes);
  TaskSpec spec = read_task(r);
  if (!r.failed() && !r.at_end()) r.fail(Errc::malformed, "bytes follow the task");
  if (r.failed()) return r.error();
  return spec;
}

void encode_task(const TaskSpec& s, std::string& out) {
  Writer w(out);
  const std::size_t count = fields_said(s);
  w.array(count).id(s.id).str(s.type).bin(s.payload);
  std::size_t at = 3;
  const auto here = [&] { return at++ < count; };
  if (here()) w.str_or_nil(s.queue);
  if (here()) {
    write_uint_or_nil(
        w, s.priority ? std::optional(static_cast<std::uint64_t>(*s.priority)) : std::nullopt);
  }
  if (here()) w.str_or_nil(s.tenant);
  if (here()) w.str_or_nil(s.content_type);
  if (here()) w.span(s.delay);
  if (here()) w.instant(s.not_before.value_or(kNever));
  if (here()) w.span(s.ttl);
  if (here()) w.instant(s.expires_at.value_or(kNever));
  if (here()) w.span(s.timeout);
  if (here()) {
    write_uint_or_nil(
        w, s.max_attempts ? std::optional<std::uint64_t>(*s.max_attempts) : std::nullopt);
  }
  if (here()) {
    if (s.backoff) {
      w.array(5).uint(static_cast<std::uint64_t>(s.backoff->kind)).span(s.backoff->base);
      w.uint(s.backoff->factor_permille).span(s.backoff->max).boolean(s.backoff->jitter);
    } else {
      w.nil();
    }
  }
  if (here()) w.str_or_nil(s.idempotency_key);
  if (here()) w.str_or_nil(s.user_id);
  if (here()) w.str_or_nil(s.agent_id);
  if (here()) {
    if (s.required_capabilities.empty()) {
      w.nil();
    } else {
      write_names(w, s.required_capabilities);
    }
  }
  if (here()) write_pairs_or_nil(w, s.required_labels);
  if (here()) w.span(s.result_ttl);
  if (here()) w.str_or_nil(s.traceparent);
  if (here()) write_pairs_or_nil(w, s.metadata);
  if (here()) w.str_or_nil(s.gate);
  if (here()) w.str_or_nil(s.concurrency_key);
  if (here()) w.str_or_nil(s.rate_key);
  if (here()) w.uint(*s.rate_cost);
}

void encode(const ClientMessage& message, std::string& out) { encode_variant(message, out); }
void encode(const ClientReply& reply, std::string& out) { encode_variant(reply, out); }
void encode(const WorkerMessage& message, std::string& out) { encode_variant(message, out); }
void encode(const WorkerOrder& order, std::string& out) { encode_variant(order, out); }

void begin_accepted(std::size_t count, std::string& out) {
  Writer(out).array(2).uint(kAccepted).array(count);
}
void encode_item(const SubmitReply& reply, std::string& out) {
  Writer w(out);
  write_reply(w, reply);
}
void begin_assign(SessionId session, std::size_t count, std::string& out) {
  Writer w(out);
  write_session(w, kAssign, 1, session).array(count);
}
void encode_item(const Assign::Item& item, std::string& out) {
  Writer w(out);
  write_assigned(w, item);
}
void begin_confirm(SessionId session, std::size_t count, std::string& out) {
  Writer w(out);
  write_session(w, kConfirm, 1, session).array(count);
}
void encode_item(const Verdict& item, std::string& out) {
  Writer w(out);
  write_verdict(w, item);
}
void begin_cancel(SessionId session, std::size_t count, std::string& out) {
  Writer w(out);
  write_session(w, kCancelAttempts, 1, session).array(count);
}
void encode_item(const CancelAttempts::Item& item, std::string& out) {
  Writer w(out);
  write_cancelled(w, item);
}

}  // namespace drover::wire
