#include "broker/io/events.hpp"

#include "broker/io/maps.hpp"
#include "broker/io/settings_text.hpp"
#include "common/wire/map_writer.hpp"

namespace drover::broker {
namespace {

using wire::MapWriter;

// The third part of a topic, and the subject, of settings.
std::string_view holder_kind(RecordKind kind) {
  if (kind == RecordKind::tenant_changed) return "tenants";
  return kind >= RecordKind::gate_changed ? "gates" : std::string_view();
}

std::string_view holder_name(const Record& r) {
  return r.kind == RecordKind::tenant_changed ? r.tenant : r.queue;
}

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

std::string setting_data(const Record& r) {
  std::string out;
  MapWriter m(out);
  const auto settings = decode_settings(r.blob);
  m.str("name", holder_name(r)).raw("settings", settings ? settings_map(*settings) : "").finish();
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
    case RecordKind::queue_changed: return "queue.changed";
    case RecordKind::queue_paused: return "queue.paused";
    case RecordKind::queue_resumed: return "queue.resumed";
    case RecordKind::tenant_changed: return "tenant.changed";
    case RecordKind::gate_changed: return "gate.changed";
    case RecordKind::gate_closed: return "gate.closed";
    case RecordKind::gate_opened: return "gate.opened";
    case RecordKind::whole:
    case RecordKind::key:
    case RecordKind::books:
    case RecordKind::queue_settings:
    case RecordKind::tenant_settings:
    case RecordKind::key_settings: return {};
  }
  return {};
}

std::string topic_of(const Record& record) {
  const auto type = event_type(record.kind);
  if (is_worker_event(record.kind)) {
    return join_topic(kSystemTenant, type, "workers", to_string(record.worker));
  }
  if (is_setting(record.kind)) {
    const auto kind = holder_kind(record.kind);
    return join_topic(record.tenant, type, kind.empty() ? record.queue : kind, holder_name(record));
  }
  return join_topic(record.tenant, type, record.queue, to_string(record.task));
}

void encode_event(const Record& r, std::uint64_t seq, const StoreId& store, std::string& out) {
  const bool worker = is_worker_event(r.kind);
  MapWriter m(out);
  m.bin("store", store.view()).uint("seq", seq).instant("ts", r.at).str("type", event_type(r.kind));
  m.str("tenant", worker ? kSystemTenant : r.tenant);
  if (is_setting(r.kind)) {
    m.str("subject", holder_name(r)).raw("data", setting_data(r));
  } else {
    m.str("subject", worker ? to_string(r.worker) : to_string(r.task));
    m.raw("data", worker ? worker_data(r) : task_data(r)).str("traceparent", r.traceparent);
  }
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
