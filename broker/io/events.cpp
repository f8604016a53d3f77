#include "broker/io/events.hpp"

#include "broker/io/maps.hpp"
#include "common/wire/map_writer.hpp"

namespace drover::broker {
namespace {

using wire::MapWriter;

bool is_worker_event(RecordKind kind) {
  return kind >= RecordKind::worker_joined && kind <= RecordKind::worker_draining;
}

std::string join_topic(std::string_view tenant, std::string_view type, std::string_view middle,
                       std::string_view subject) {
  std::string topic;
  topic.reserve(tenant.size() + type.size() + middle.size() + subject.size() + 3);
  for (const auto part : {tenant, type, middle}) {
    topic += part;
    topic += '/';
  }
  topic += subject;
  return topic;
}

std::string task_data(const Record& r) {
  std::string out;
  MapWriter m(out);
  m.str("queue", r.queue).str("type", r.type).str("priority", name_of(r.priority));
  m.str("state", name_of(r.state)).uint("attempt", r.attempt).uint("failures", r.failures);
  if (!r.worker.is_nil()) m.str("worker_id", to_string(r.worker));
  if (r.outcome != Outcome::none) m.str("outcome", name_of(r.outcome));
  m.str("code", r.error.code)
      .str("message", cut_text(r.error.message, 256))
      .str("reason", r.reason);
  m.instant("created_at", r.created_at).instant("ready_at", r.ready_at);
  m.instant("started_at", r.started_at);
  if (has_ended(r.state)) {
    m.instant("finished_at", r.until);
  } else if (r.state == TaskState::scheduled || r.state == TaskState::retrying) {
    m.instant("due_at", r.until).span("delay_ms", r.wait);
  }
  m.instant("expires_at", r.expires_at);
  m.str("user_id", r.user_id).str("agent_id", r.agent_id).raw("usage", usage_map(r.usage));
  m.finish();
  return out;
}

std::string worker_data(const Record& r) {
  std::string out;
  MapWriter m(out);
  m.str("host", r.host).uint("pid", r.pid).str("reason", r.reason).finish();
  return out;
}

}  // namespace

std::string_view event_type(RecordKind kind) {
  switch (kind) {
    case RecordKind::created: return "task.created";
    case RecordKind::started: return "task.started";
    case RecordKind::completed: return "task.completed";
    case RecordKind::retrying: return "task.retrying";
    case RecordKind::failed: return "task.failed";
    case RecordKind::dead: return "task.dead";
    case RecordKind::cancelled: return "task.cancelled";
    case RecordKind::expired: return "task.expired";
    case RecordKind::requeued: return "task.requeued";
    case RecordKind::stopped: return "task.stopped";
    case RecordKind::purged: return "task.purged";
    case RecordKind::worker_joined: return "worker.joined";
    case RecordKind::worker_left: return "worker.left";
    case RecordKind::worker_draining: return "worker.draining";
    case RecordKind::whole:
    case RecordKind::key:
    case RecordKind::books: return {};
  }
  return {};
}

std::string topic_of(const Record& record) {
  const auto type = event_type(record.kind);
  if (is_worker_event(record.kind)) {
    return join_topic(kSystemTenant, type, "workers", to_string(record.worker));
  }
  return join_topic(record.tenant, type, record.queue, to_string(record.task));
}

void encode_event(const Record& r, std::uint64_t seq, const StoreId& store, std::string& out) {
  const bool worker = is_worker_event(r.kind);
  MapWriter m(out);
  m.bin("store", store.view()).uint("seq", seq).instant("ts", r.at).str("type", event_type(r.kind));
  m.str("tenant", worker ? kSystemTenant : r.tenant);
  m.str("subject", worker ? to_string(r.worker) : to_string(r.task));
  m.raw("data", worker ? worker_data(r) : task_data(r)).str("traceparent", r.traceparent);
  m.finish();
}

std::string progress_topic(const Record& task) {
  return join_topic(task.tenant, "task.progress", task.queue, to_string(task.task));
}

void encode_progress(const Record& task, const wire::Progress::Item& item, const StoreId& store,
                     std::string& out) {
  std::string data;
  MapWriter d(data);
  d.str("queue", task.queue).str("type", task.type).uint("attempt", task.attempt);
  if (item.percent) d.uint("percent", *item.percent);
  d.str("message", cut_text(item.message, 1024)).finish();
  MapWriter m(out);
  m.bin("store", store.view()).instant("ts", task.at).str("type", "task.progress");
  m.str("tenant", task.tenant).str("subject", to_string(task.task)).raw("data", data).finish();
}

void encode_tick(std::uint64_t seq, Instant now, const StoreId& store, std::string& out) {
  std::string data;
  MapWriter(data).uint("seq", seq).finish();
  MapWriter m(out);
  m.bin("store", store.view())
      .instant("ts", now)
      .str("type", "bus.tick")
      .str("tenant", kSystemTenant);
  m.str("subject", "tick").raw("data", data).finish();
}

}  // namespace drover::broker
