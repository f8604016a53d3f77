#include "broker/io/answers.hpp"

#include "broker/io/maps.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/map_writer.hpp"

namespace drover::broker {
namespace {

using wire::MapWriter;
using wire::Writer;

std::string error_map(const TaskError& error) {
  std::string out;
  if (error.code.empty() && error.message.empty()) return out;
  MapWriter m(out);
  m.str("code", error.code).str("message", error.message).boolean("retryable", error.retryable);
  m.finish();
  return out;
}

// The error of the newest attempt that failed, if the task has not completed since.
const TaskError* last_error(const TaskView& v) {
  if (v.state == TaskState::completed) return nullptr;
  for (auto at = v.attempts.rbegin(); at != v.attempts.rend(); ++at) {
    if (!at->error.code.empty()) return &at->error;
  }
  return nullptr;
}

std::string attempts_list(const std::vector<Attempt>& attempts) {
  std::string out;
  Writer(out).array(attempts.size());
  for (const Attempt& a : attempts) {
    MapWriter m(out);
    m.uint("attempt", a.attempt).str("worker_id", to_string(a.worker));
    m.instant("started_at", a.started_at).instant("finished_at", a.finished_at);
    if (a.outcome != Outcome::none) m.str("outcome", name_of(a.outcome));
    m.raw("error", error_map(a.error)).raw("usage", usage_map(a.usage)).finish();
  }
  return out;
}

std::string backoff_map(const Backoff& b) {
  std::string out;
  MapWriter m(out);
  m.str("kind", b.kind == BackoffKind::fixed ? "fixed" : "exponential").span("base_ms", b.base);
  m.real("factor", b.factor_permille / 1000.0).span("max_ms", b.max).boolean("jitter", b.jitter);
  m.finish();
  return out;
}

std::string texts(const std::vector<std::string_view>& list) {
  std::string out;
  if (list.empty()) return out;
  Writer w(out);
  w.array(list.size());
  for (const auto text : list) w.str(text);
  return out;
}

std::string pairs(const wire::Pairs& list) {
  std::string out;
  if (list.empty()) return out;
  MapWriter m(out);
  for (const auto& [key, value] : list) m.entry(key).str(value);
  m.finish();
  return out;
}

std::string_view or_json(std::string_view content_type) {
  return content_type.empty() ? "application/json" : content_type;
}

// The fields that every view of a task has.
void write_head(MapWriter& m, const TaskView& v) {
  m.str("id", to_string(v.id)).str("tenant", v.tenant).str("queue", v.queue).str("type", v.type);
  m.str("priority", name_of(v.priority)).str("state", name_of(v.state));
  m.str("waiting_for", v.waiting_for).uint("attempt", v.attempt).uint("failures", v.failures);
  m.uint("max_attempts", v.max_attempts).instant("created_at", v.created_at);
  m.instant("ready_at", v.ready_at).instant("started_at", v.started_at);
  m.instant("finished_at", v.finished_at).instant("due_at", v.due_at);
  m.instant("expires_at", v.expires_at);
  if (v.worker) m.str("worker_id", to_string(*v.worker));
  m.str("reason", v.reason);
  if (const auto* error = last_error(v)) m.raw("error", error_map(*error));
}

void write_progress(MapWriter& m, const TaskView& v) {
  if (!v.progress_percent && v.progress_message.empty()) return;
  std::string out;
  MapWriter p(out);
  if (v.progress_percent) p.uint("percent", *v.progress_percent);
  p.str("message", v.progress_message).finish();
  m.raw("progress", out);
}

template <class Element, class Encode>
std::string list_of(const std::vector<Element>& elements, Encode encode) {
  std::string out;
  Writer(out).array(elements.size());
  for (const auto& element : elements) encode(element, out);
  return out;
}

void write_next(MapWriter& m, const std::optional<std::uint64_t>& next) {
  if (next) {
    m.uint("next_cursor", *next);
  } else {
    m.nil("next_cursor");
  }
}

void encode_queue(const QueueView& q, std::string& out) {
  MapWriter m(out);
  m.str("queue", q.queue).str("tenant", q.tenant).boolean("paused", q.is_paused);
  m.uint("submitted", q.books.submitted);
  for (std::size_t i = 0; i < kTaskStates; ++i) {
    const auto state = static_cast<TaskState>(i);
    m.uint(name_of(state), q.books[state]);
  }
  m.uint("purged", q.books.purged);
  if (q.oldest_ready) {
    m.span("oldest_ready_ms", *q.oldest_ready);
  } else {
    m.nil("oldest_ready_ms");
  }
  m.finish();
}

void encode_dead(const TaskView& v, std::string& out) {
  MapWriter m(out);
  m.str("id", to_string(v.id)).str("tenant", v.tenant).str("queue", v.queue).str("type", v.type);
  m.str("reason", v.reason).uint("attempts", v.attempt).instant("dead_at", v.finished_at);
  if (const auto* error = last_error(v)) m.raw("error", error_map(*error));
  m.finish();
}

std::string names(const std::vector<std::string>& list) {
  return texts(std::vector<std::string_view>(list.begin(), list.end()));
}

}  // namespace

Result<void> encode_task_answer(const TaskView& v, std::string_view blob, std::string& out) {
  MapWriter m(out);
  write_head(m, v);
  m.span("timeout_ms", v.timeout).raw("backoff", backoff_map(v.backoff));
  m.raw("attempts", attempts_list(v.attempts));
  write_progress(m, v);
  m.str("idempotency_key", v.labels.idempotency_key).str("user_id", v.labels.user_id);
  m.str("agent_id", v.labels.agent_id).str("traceparent", v.labels.traceparent);
  if (v.state == TaskState::completed) {
    m.str("content_type", or_json(v.labels.content_type)).bin("result", blob);
    m.raw("usage", usage_map(v.labels.usage));
  } else {
    const auto spec = wire::decode_task(blob);
    if (!spec)
      return Error{Errc::internal, "a stored task cannot be read: " + spec.error().message};
    m.str("content_type", or_json(spec->content_type)).bin("payload", spec->payload);
    m.raw("metadata", pairs(spec->metadata));
    m.raw("required_capabilities", texts(spec->required_capabilities));
    m.raw("required_labels", pairs(spec->required_labels));
  }
  m.str("source", "live").finish();
  return {};
}

void encode_task_summary(const TaskView& view, std::string& out) {
  MapWriter m(out);
  write_head(m, view);
  write_progress(m, view);
  m.finish();
}

void encode_task_page(const TaskPage& page, std::string& out) {
  MapWriter m(out);
  m.raw("tasks", list_of(page.tasks, encode_task_summary));
  write_next(m, page.next);
  m.finish();
}

void encode_dead_page(const TaskPage& page, std::string& out) {
  MapWriter m(out);
  m.raw("dead", list_of(page.tasks, encode_dead));
  write_next(m, page.next);
  m.finish();
}

void encode_queues(const std::vector<QueueView>& queues, std::string& out) {
  out += list_of(queues, encode_queue);
}

void encode_workers(const std::vector<WorkerView>& workers, std::string& out) {
  out += list_of(workers, [](const WorkerView& w, std::string& o) {
    MapWriter m(o);
    m.str("id", to_string(w.id)).uint("pid", w.pid).str("host", w.host).str("state", w.state);
    m.raw("types", names(w.types));
    m.entry("capabilities").raw(w.features.empty() ? std::string("\x90") : names(w.features));
    m.str("tenant", w.tenant)
        .uint("slots", w.slots)
        .uint("window", w.window)
        .uint("running", w.running);
    m.instant("heard_at", w.heard_at).finish();
  });
}

void encode_books(const std::vector<QueueView>& queues, std::uint64_t seq, const StoreId& store,
                  std::string& out) {
  MapWriter m(out);
  m.uint("seq", seq).str("store", to_string(store)).raw("queues", list_of(queues, encode_queue));
  m.finish();
}

void encode_changed(const std::vector<Changed>& changed, std::string& out) {
  const auto one = [](const Changed& c, std::string& o) {
    MapWriter m(o);
    m.str("id", to_string(c.id));
    if (c.state) {
      m.str("state", name_of(*c.state));
    } else {
      std::string error;
      MapWriter e(error);
      e.str("code", name_of(c.state.error().code)).str("message", c.state.error().message);
      e.str("field", c.state.error().field).finish();
      m.raw("error", error);
    }
    m.finish();
  };
  MapWriter(out).raw("tasks", list_of(changed, one)).finish();
}

}  // namespace drover::broker
