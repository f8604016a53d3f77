#include "tests/contract/golden/manifest.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "broker/io/events.hpp"
#include "broker/store/journal/recovery.hpp"
#include "broker/store/upkeep/replay.hpp"
#include "common/base/crc32c.hpp"

namespace drover::golden {
namespace {

using broker::TaskView;
using nlohmann::json;

json instant(Instant at) { return at == kNever ? json() : json(to_rfc3339(at)); }

json as_json(const Attempt& a) {
  return {{"attempt", a.attempt},
          {"worker_id", to_string(a.worker)},
          {"started_at", instant(a.started_at)},
          {"finished_at", instant(a.finished_at)},
          {"outcome", name_of(a.outcome)},
          {"code", a.error.code},
          {"message", a.error.message},
          {"retryable", a.error.retryable},
          {"usage", {a.usage.input_tokens, a.usage.output_tokens, a.usage.cost_micro_usd}}};
}

json as_json(const TaskView& v, std::uint32_t blob_crc) {
  json attempts = json::array();
  for (const auto& attempt : v.attempts) attempts.push_back(as_json(attempt));
  const Backoff& b = v.backoff;
  return {{"id", to_string(v.id)},
          {"tenant", v.tenant},
          {"queue", v.queue},
          {"type", v.type},
          {"priority", name_of(v.priority)},
          {"state", name_of(v.state)},
          {"attempt", v.attempt},
          {"failures", v.failures},
          {"max_attempts", v.max_attempts},
          {"timeout_ms", v.timeout.count()},
          {"backoff",
           {static_cast<int>(b.kind), b.base.count(), b.factor_permille, b.max.count(), b.jitter}},
          {"created_at", instant(v.created_at)},
          {"ready_at", instant(v.ready_at)},
          {"started_at", instant(v.started_at)},
          {"finished_at", instant(v.finished_at)},
          {"due_at", instant(v.due_at)},
          {"expires_at", instant(v.expires_at)},
          {"reason", v.reason},
          {"attempts", attempts},
          {"idempotency_key", v.labels.idempotency_key},
          {"user_id", v.labels.user_id},
          {"agent_id", v.labels.agent_id},
          {"traceparent", v.labels.traceparent},
          {"content_type", v.labels.content_type},
          {"blob_crc32c", blob_crc}};
}

json as_json(const broker::QueueView& q) {
  json books = {{"submitted", q.books.submitted}, {"purged", q.books.purged}};
  for (std::size_t i = 0; i < kTaskStates; ++i) {
    books[std::string(name_of(static_cast<TaskState>(i)))] = q.books.by_state[i];
  }
  return {{"tenant", q.tenant}, {"queue", q.queue}, {"books", books}};
}

}  // namespace

Result<json> manifest_of(broker::journal::Io& io) {
  broker::upkeep::Replay replay;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> blobs;
  std::map<std::string, int> kinds;
  const auto recovered = recover(io, [&](const broker::Kept& kept) -> Result<void> {
    const auto stored = broker::upkeep::decode(kept);
    if (!stored) return stored.error();
    blobs[{kept.where.segment, kept.where.offset}] = crc32c(stored->record.blob);
    ++kinds[std::to_string(static_cast<int>(stored->record.kind))];
    return replay.take(kept, stored->record);
  });
  if (!recovered) return recovered.error();
  if (recovered->segments.empty()) return Error{Errc::not_found, "there is no store"};
  if (auto balanced = replay.finish(); !balanced) return balanced.error();
  json tasks = json::array(), queues = json::array();
  auto& core = replay.core();
  for (const auto& view : core.list({}, 1000, 0).tasks) {
    tasks.push_back(as_json(view, blobs.at({view.where.segment, view.where.offset})));
  }
  for (const auto& queue : core.queues(replay.newest())) queues.push_back(as_json(queue));
  return json{{"store", to_string(recovered->segments.newest().header.store)},
              {"oldest_seq", recovered->segments.oldest().header.first_seq},
              {"newest_seq", recovered->next_seq - 1},
              {"torn_tail_bytes", recovered->torn_tail_bytes},
              {"records_by_kind", kinds},
              {"idempotency_keys", core.figures().keys},
              {"queues", queues},
              {"tasks", tasks}};
}

}  // namespace drover::golden
