#include "tests/contract/wire/message_json.hpp"

#include "common/wire/reader.hpp"
#include "tests/contract/wire/vectors.hpp"

namespace drover::wire::contract {
namespace {

// Numbers that JavaScript cannot hold exactly are texts.
Json number(std::uint64_t value) {
  return value < (1ULL << 53) ? Json(value) : Json(std::to_string(value));
}
Json number(std::int64_t value) {
  constexpr std::int64_t kExact = 1LL << 53;
  return value < kExact && value > -kExact ? Json(value) : Json(std::to_string(value));
}
Json number(Duration value) { return number(static_cast<std::int64_t>(value.count())); }
Json number(Instant value) { return number(to_ms(value)); }
Json number(SessionId value) { return number(static_cast<std::uint64_t>(value)); }

// Adds a field unless it was not said.
class Object {
 public:
  template <class Value>
  Object& add(const char* name, const Value& value) {
    json_[name] = value;
    return *this;
  }
  Object& say(const char* name, std::string_view text) {
    return text.empty() ? *this : add(name, text);
  }
  template <class Value>
  Object& say(const char* name, const std::optional<Value>& value) {
    return value ? add(name, number(*value)) : *this;
  }
  Object& say(const char* name, Duration value) {
    return value == 0ms ? *this : add(name, number(value));
  }
  Object& say(const char* name, const Usage& u) {
    if (u == Usage{}) return *this;
    return add(name,
               Json{number(u.input_tokens), number(u.output_tokens), number(u.cost_micro_usd)});
  }
  operator Json() const { return json_; }

 private:
  Json json_ = Json::object();
};

template <class List, class Tell>
Json list(const List& elements, Tell tell) {
  Json json = Json::array();
  for (const auto& element : elements) json.push_back(tell(element));
  return json;
}

Json texts(const std::vector<std::string_view>& names) {
  return list(names, [](std::string_view name) { return Json(name); });
}
Json pairs(const Pairs& pairs) {
  return list(pairs, [](const auto& pair) { return Json::array({pair.first, pair.second}); });
}
Json ids(const std::vector<TaskId>& tasks) {
  return list(tasks, [](const TaskId& id) { return Json(to_string(id)); });
}
Json holds(const std::vector<Hold>& holds) {
  return list(holds, [](const Hold& hold) -> Json {
    return Object().add("task", to_string(hold.task)).add("attempt", hold.attempt);
  });
}
Json verdicts(const std::vector<Verdict>& verdicts) {
  return list(verdicts, [](const Verdict& v) -> Json {
    return Object()
        .add("task", to_string(v.task))
        .add("attempt", v.attempt)
        .add("code", name_of(v.code));
  });
}

// A msgpack value that the codec carries unread.
Json any(Reader& r) {
  switch (r.peek()) {
    case Reader::Type::boolean: return r.boolean();
    case Reader::Type::uint: return r.uint();
    case Reader::Type::sint: return r.sint();
    case Reader::Type::real: return r.real();
    case Reader::Type::str: return r.str();
    case Reader::Type::bin: return blob_json(r.bin());
    case Reader::Type::array: {
      Json json = Json::array();
      for (auto left = r.array(); left > 0; --left) json.push_back(any(r));
      return json;
    }
    case Reader::Type::map: {
      Json json = Json::object();
      for (auto left = r.map(); left > 0; --left) {
        const std::string key(r.str());
        json[key] = any(r);
      }
      return json;
    }
    default: r.skip(); return nullptr;
  }
}

Json tell(const TaskSpec& s) {
  Object o;
  o.add("id", to_string(s.id)).add("type", s.type).add("payload", blob_json(s.payload));
  o.say("queue", s.queue);
  if (s.priority) o.add("priority", name_of(*s.priority));
  o.say("tenant", s.tenant).say("content_type", s.content_type).say("delay_ms", s.delay);
  o.say("not_before", s.not_before).say("ttl_ms", s.ttl).say("expires_at", s.expires_at);
  o.say("timeout_ms", s.timeout);
  if (s.max_attempts) o.add("max_attempts", *s.max_attempts);
  if (s.backoff) {
    const Backoff& b = *s.backoff;
    o.add("backoff", Json{static_cast<int>(b.kind), b.base.count(), b.factor_permille,
                          b.max.count(), b.jitter});
  }
  o.say("idempotency_key", s.idempotency_key).say("user_id", s.user_id).say("agent_id", s.agent_id);
  if (!s.required_capabilities.empty()) {
    o.add("required_capabilities", texts(s.required_capabilities));
  }
  if (!s.required_labels.empty()) o.add("required_labels", pairs(s.required_labels));
  o.say("result_ttl_ms", s.result_ttl).say("traceparent", s.traceparent);
  if (!s.metadata.empty()) o.add("metadata", pairs(s.metadata));
  o.say("gate", s.gate).say("concurrency_key", s.concurrency_key).say("rate_key", s.rate_key);
  if (s.rate_cost) o.add("rate_cost", *s.rate_cost);
  return o;
}

Json tell_task(std::string_view bytes) {
  const auto spec = decode_task(bytes);
  return spec ? tell(*spec) : Json("unreadable: " + spec.error().message);
}

Object request(const char* kind, std::uint64_t request) {
  return Object().add("kind", kind).add("request", number(request));
}
Object in_session(const char* kind, SessionId session) {
  return Object().add("kind", kind).add("session", number(session));
}

// --- client -> broker

Json tell(const Connect& m) {
  return request("connect", m.request).add("version", m.version).add("software", m.software);
}
Json tell(const Submit& m) {
  return request("submit", m.request).add("tasks", list(m.tasks, [](const SubmittedTask& t) {
                                            return t.fault ? Json("fault: " + t.fault->message)
                                                           : tell(t.spec);
                                          }));
}
Json tell(const Wait& m) {
  return request("wait", m.request)
      .add("task", to_string(m.task))
      .add("timeout", number(m.timeout));
}
Json tell(const Show& m) { return request("show", m.request).add("task", to_string(m.task)); }
Json tell(const List& m) {
  Object o = request("list", m.request);
  if (m.state) o.add("state", name_of(*m.state));
  o.say("queue", m.queue).say("type", m.type).say("tenant", m.tenant);
  if (m.since != kNever) o.add("since", number(m.since));
  return o.add("limit", m.limit).say("cursor", m.cursor);
}
Json tell(const Cancel& m) { return request("cancel", m.request).add("tasks", ids(m.tasks)); }
Json tell(const Retry& m) { return request("retry", m.request).add("tasks", ids(m.tasks)); }
Json tell(const Queues& m) { return request("queues", m.request); }
Json tell(const DeadLetters& m) {
  return request("dead_letters", m.request)
      .say("queue", m.queue)
      .say("reason", m.reason)
      .add("limit", m.limit)
      .say("cursor", m.cursor);
}
Json tell(const Workers& m) { return request("workers", m.request); }
Json tell(const Stats& m) { return request("stats", m.request); }
Json tell(const Books& m) { return request("books", m.request); }
Json tell(const Events& m) {
  Object o = request("events", m.request);
  if (m.store) o.add("store", to_string(*m.store));
  return o.add("since", number(m.since)).add("prefix", m.prefix).add("limit", m.limit);
}
Json tell(const Ping& m) { return request("ping", m.request); }
Json tell(const Set& m) {
  return request("set", m.request)
      .add("of", m.of)
      .say("tenant", m.tenant)
      .say("name", m.name)
      .add("changes", pairs(m.changes));
}
Json tell(const SettingsOf& m) {
  return request("settings", m.request).add("of", m.of).say("tenant", m.tenant).say("name", m.name);
}
Json tell(const Gates& m) { return request("gates", m.request); }

// --- broker -> client

Json tell(const Connected& m) {
  return request("connected", m.request)
      .add("version", m.version)
      .add("store", to_string(m.store))
      .add("software", m.software)
      .add("message_max", number(m.message_max))
      .add("payload_max", number(m.payload_max))
      .add("batch_max", number(m.batch_max))
      .add("status", m.status)
      .add("workers", m.workers)
      .say("tenant", m.tenant);
}
Json tell(const SubmitOutcome& o) {
  Object json;
  json.add("id", to_string(o.id)).add("state", name_of(o.state)).add("duplicate", o.duplicate);
  json.say("warning", o.warning);
  if (o.code != Errc::ok) json.add("code", name_of(o.code));
  return json.say("message", o.message).say("field", o.field).say("retry_after", o.retry_after);
}
Json tell(const Accepted& m) {
  return Object()
      .add("kind", "accepted")
      .add("replies", list(m.replies, [](const SubmitReply& reply) -> Json {
             return Object()
                 .add("request", number(reply.request))
                 .add("outcomes",
                      list(reply.outcomes, [](const SubmitOutcome& o) { return tell(o); }));
           }));
}
Json tell(const Answer& m) {
  Reader r(m.body);
  return request("answer", m.request).add("body", any(r));
}
Json tell(const Refused& m) {
  return request("refused", m.request)
      .add("code", name_of(m.code))
      .add("message", m.message)
      .say("field", m.field)
      .say("retry_after", m.retry_after);
}

// --- worker -> broker

Json tell(const Hello& m) {
  return Object()
      .add("kind", "hello")
      .add("version", m.version)
      .add("worker", to_string(m.worker))
      .add("host", m.host)
      .add("pid", number(m.pid))
      .add("software", m.software)
      .add("types", texts(m.types))
      .add("capabilities", texts(m.capabilities))
      .add("labels", pairs(m.labels))
      .add("slots", m.slots)
      .add("window", m.window)
      .add("holds", holds(m.holds));
}
Json tell(const Heartbeat& m) {
  return in_session("heartbeat", m.session)
      .add("draining", m.draining)
      .add("holds", holds(m.holds));
}
Json tell(const Done& m) {
  return in_session("done", m.session)
      .add("items", list(m.items, [](const Done::Item& item) -> Json {
             return Object()
                 .add("task", to_string(item.task))
                 .add("attempt", item.attempt)
                 .add("result", blob_json(item.result))
                 .say("content_type", item.content_type)
                 .say("usage", item.usage);
           }));
}
Json tell(const Failed& m) {
  return in_session("failed", m.session)
      .add("items", list(m.items, [](const Failed::Item& item) -> Json {
             return Object()
                 .add("task", to_string(item.task))
                 .add("attempt", item.attempt)
                 .add("outcome", name_of(item.outcome))
                 .add("code", item.code)
                 .add("message", item.message)
                 .add("retryable", item.retryable)
                 .say("retry_after", item.retry_after)
                 .say("usage", item.usage);
           }));
}
Json tell(const Released& m) {
  return in_session("released", m.session).add("items", holds(m.items));
}
Json tell(const Progress& m) {
  return in_session("progress", m.session)
      .add("items", list(m.items, [](const Progress::Item& item) -> Json {
             Object o;
             o.add("task", to_string(item.task)).add("attempt", item.attempt);
             if (item.percent) o.add("percent", *item.percent);
             return o.say("message", item.message);
           }));
}
Json tell(const Bye& m) { return in_session("bye", m.session); }

// --- broker -> worker

Json tell(const Welcome& m) {
  return in_session("welcome", m.session)
      .add("version", m.version)
      .add("store", to_string(m.store))
      .add("heartbeat", number(m.heartbeat))
      .add("worker_timeout", number(m.worker_timeout))
      .add("message_max", number(m.message_max))
      .add("result_max", number(m.result_max))
      .add("drop", verdicts(m.drop));
}
Json tell(const Assign& m) {
  return in_session("assign", m.session)
      .add("items", list(m.items, [](const Assign::Item& item) -> Json {
             return Object()
                 .add("attempt", item.attempt)
                 .add("failures", item.failures)
                 .add("max_attempts", item.max_attempts)
                 .add("timeout", number(item.timeout))
                 .add("tenant", item.tenant)
                 .add("queue", item.queue)
                 .add("priority", name_of(item.priority))
                 .add("created_at", number(item.created_at))
                 .add("task", tell_task(item.task));
           }));
}
Json tell(const Confirm& m) {
  return in_session("confirm", m.session).add("items", verdicts(m.items));
}
Json tell(const CancelAttempts& m) {
  return in_session("cancel", m.session)
      .add("items", list(m.items, [](const CancelAttempts::Item& item) -> Json {
             return Object()
                 .add("task", to_string(item.task))
                 .add("attempt", item.attempt)
                 .add("grace", number(item.grace));
           }));
}
Json tell(const Drain& m) { return in_session("drain", m.session); }
Json tell(const Alive& m) { return in_session("alive", m.session); }
Json tell(const Who& m) {
  return in_session("who", m.session).add("code", name_of(m.code)).add("message", m.message);
}

// Decodes the bytes as what `family` is sent, and hands that to `use`.
template <class Use>
auto decoded(std::string_view family, std::string_view bytes, Use use)
    -> Result<decltype(use(TaskSpec()))> {
  const auto with = [&](const auto& result) -> Result<decltype(use(TaskSpec()))> {
    if (!result) return result.error();
    return use(*result);
  };
  if (family == "client_to_broker") return with(decode_client_message(bytes, {}));
  if (family == "broker_to_client") return with(decode_client_reply(bytes));
  if (family == "worker_to_broker") return with(decode_worker_message(bytes, {}));
  if (family == "broker_to_worker") return with(decode_worker_order(bytes));
  return with(decode_task(bytes));
}

std::string written(const auto& message) {
  std::string bytes;
  encode(message, bytes);
  return bytes;
}
std::string written(const TaskSpec& spec) {
  std::string bytes;
  encode_task(spec, bytes);
  return bytes;
}

template <class... Kinds>
Json tell(const std::variant<Kinds...>& message) {
  return std::visit([](const auto& m) { return tell(m); }, message);
}

}  // namespace

Result<Read> read(std::string_view family, std::string_view bytes) {
  return decoded(family, bytes, [](const auto& m) { return Read{tell(m), written(m)}; });
}

Result<std::string> rewrite(std::string_view family, std::string_view bytes) {
  return decoded(family, bytes, [](const auto& m) { return written(m); });
}

}  // namespace drover::wire::contract
