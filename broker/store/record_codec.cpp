#include "broker/store/record_codec.hpp"

#include "common/wire/reader.hpp"
#include "common/wire/writer.hpp"

namespace drover::broker {
namespace {

using wire::Reader;
using wire::Writer;

// The order of the fields. The blob stands second, so that it is found without reading the rest.
//  0 kind 1 blob 2 at 3 task 4 tenant 5 queue 6 type 7 priority 8 from 9 state 10 admission 11
//  attempt 12 failures 13 strikes 14 worker 15 created_at 16 ready_at 17 started_at 18 until 19
//  wait 20 expires_at 21 [outcome, code, message, retryable, usage]? 22 reason 23 labels [user,
//  agent, trace]? 24 policy [timeout, max_attempts, backoff, result_ttl, key, hash, content_type,
//  history]? 25 peer [host, pid]?
constexpr std::uint32_t kFields = 26;

void write_usage(Writer& w, const Usage& u) {
  if (u == Usage{}) {
    w.nil();
  } else {
    w.array(3).uint(u.input_tokens).uint(u.output_tokens).uint(u.cost_micro_usd);
  }
}

Usage read_usage(Reader& r) {
  if (r.take_nil()) return {};
  const auto fields = r.array();
  Usage usage;
  usage.input_tokens = r.uint();
  usage.output_tokens = r.uint();
  usage.cost_micro_usd = r.uint();
  wire::skip_rest(r, fields, 3);
  return usage;
}

void write_policy(Writer& w, const Record& record) {
  w.array(8).span(record.timeout).uint(record.max_attempts);
  const Backoff& b = record.backoff;
  w.array(5).uint(static_cast<std::uint64_t>(b.kind)).span(b.base).uint(b.factor_permille);
  w.span(b.max).boolean(b.jitter);
  w.span(record.result_ttl).str_or_nil(record.idempotency_key).uint(record.payload_hash);
  w.str_or_nil(record.content_type);
  w.array(record.history.size());
  for (const Attempt& a : record.history) {
    w.array(9).uint(a.attempt).id(a.worker).instant(a.started_at).instant(a.finished_at);
    w.uint(static_cast<std::uint64_t>(a.outcome)).str(a.error.code).str(a.error.message);
    w.boolean(a.error.retryable);
    write_usage(w, a.usage);
  }
}

Attempt read_attempt(Reader& r) {
  Attempt a;
  const auto fields = r.array();
  a.attempt = static_cast<std::uint32_t>(r.uint(UINT32_MAX));
  a.worker = r.id<WorkerTag>();
  a.started_at = r.instant();
  a.finished_at = r.instant();
  a.outcome = static_cast<Outcome>(r.uint(kOutcomes - 1));
  a.error.code = r.str();
  a.error.message = r.str();
  a.error.retryable = r.boolean();
  a.usage = read_usage(r);
  wire::skip_rest(r, fields, 9);
  return a;
}

void read_policy(Reader& r, StoredRecord& out) {
  Record& record = out.record;
  const auto fields = r.array();
  record.timeout = r.span();
  record.max_attempts = static_cast<std::uint32_t>(r.uint(UINT32_MAX));
  const auto backoff_fields = r.array();
  record.backoff.kind = static_cast<BackoffKind>(r.uint(1));
  record.backoff.base = r.span();
  record.backoff.factor_permille = static_cast<std::uint32_t>(r.uint(UINT32_MAX));
  record.backoff.max = r.span();
  record.backoff.jitter = r.boolean();
  wire::skip_rest(r, backoff_fields, 5);
  record.result_ttl = r.span();
  record.idempotency_key = r.str_or_nil();
  record.payload_hash = r.uint();
  record.content_type = r.str_or_nil();
  const auto attempts = r.array();
  for (std::uint32_t i = 0; i < attempts && !r.failed(); ++i) {
    out.attempts.push_back(read_attempt(r));
  }
  record.history = out.attempts;
  wire::skip_rest(r, fields, 8);
}

bool is_known(std::uint64_t kind) {
  return (kind >= 1 && kind <= 21) || (kind >= 32 && kind <= 37);
}

}  // namespace

void encode_record(const Record& record, std::string& out) {
  Writer w(out);
  w.array(kFields).uint(static_cast<std::uint64_t>(record.kind)).bin(record.blob);
  w.instant(record.at).id(record.task);
  w.str(record.tenant).str(record.queue).str(record.type);
  w.uint(static_cast<std::uint64_t>(record.priority)).uint(static_cast<std::uint64_t>(record.from));
  w.uint(static_cast<std::uint64_t>(record.state)).uint(record.admission).uint(record.attempt);
  w.uint(record.failures).uint(record.strikes);
  if (record.worker.is_nil()) {
    w.nil();
  } else {
    w.id(record.worker);
  }
  w.instant(record.created_at).instant(record.ready_at).instant(record.started_at);
  w.instant(record.until).span(record.wait).instant(record.expires_at);
  // A death repeats the error of the attempt that its `failed` told of, but not the outcome.
  const bool has_end = record.outcome != Outcome::none || !record.error.code.empty() ||
                       !record.error.message.empty() || record.usage != Usage{};
  if (!has_end) {
    w.nil();
  } else {
    w.array(5).uint(static_cast<std::uint64_t>(record.outcome)).str(record.error.code);
    w.str(record.error.message).boolean(record.error.retryable);
    write_usage(w, record.usage);
  }
  w.str_or_nil(record.reason);
  if (record.user_id.empty() && record.agent_id.empty() && record.traceparent.empty()) {
    w.nil();
  } else {
    w.array(3)
        .str_or_nil(record.user_id)
        .str_or_nil(record.agent_id)
        .str_or_nil(record.traceparent);
  }
  if (is_whole(record.kind) || record.kind == RecordKind::key) {
    write_policy(w, record);
  } else {
    w.nil();
  }
  if (record.host.empty() && record.pid == 0) {
    w.nil();
  } else {
    w.array(2).str(record.host).uint(record.pid);
  }
}

Result<StoredRecord> decode_record(std::string_view bytes) {
  Reader r(bytes);
  StoredRecord out;
  Record& record = out.record;
  const auto fields = r.array();
  if (!r.failed() && fields < kFields) r.fail(Errc::malformed, "a record has too few fields");
  const std::uint64_t kind = r.uint();
  if (!r.failed() && !is_known(kind)) r.fail(Errc::malformed, "a record is of no known kind");
  record.kind = static_cast<RecordKind>(kind);
  record.blob = r.bin();
  record.at = r.instant();
  record.task = r.id<TaskTag>();
  record.tenant = r.str();
  record.queue = r.str();
  record.type = r.str();
  record.priority = static_cast<Priority>(r.uint(kPriorities - 1));
  record.from = static_cast<TaskState>(r.uint(kTaskStates - 1));
  record.state = static_cast<TaskState>(r.uint(kTaskStates - 1));
  record.admission = r.uint();
  record.attempt = static_cast<std::uint32_t>(r.uint(UINT32_MAX));
  record.failures = static_cast<std::uint32_t>(r.uint(UINT32_MAX));
  record.strikes = static_cast<std::uint32_t>(r.uint(UINT32_MAX));
  if (!r.take_nil()) record.worker = r.id<WorkerTag>();
  record.created_at = r.instant();
  record.ready_at = r.instant();
  record.started_at = r.instant();
  record.until = r.instant();
  record.wait = r.span();
  record.expires_at = r.instant();
  if (!r.take_nil()) {
    const auto ended = r.array();
    record.outcome = static_cast<Outcome>(r.uint(kOutcomes - 1));
    record.error.code = r.str();
    record.error.message = r.str();
    record.error.retryable = r.boolean();
    record.usage = read_usage(r);
    wire::skip_rest(r, ended, 5);
  }
  record.reason = r.str_or_nil();
  if (!r.take_nil()) {
    const auto labels = r.array();
    record.user_id = r.str_or_nil();
    record.agent_id = r.str_or_nil();
    record.traceparent = r.str_or_nil();
    wire::skip_rest(r, labels, 3);
  }
  if (!r.take_nil()) read_policy(r, out);
  if (!r.take_nil()) {
    const auto peer = r.array();
    record.host = r.str();
    record.pid = r.uint();
    wire::skip_rest(r, peer, 2);
  }
  wire::skip_rest(r, fields, kFields);
  if (!r.failed() && !r.at_end()) r.fail(Errc::malformed, "bytes follow the record");
  if (r.failed()) return r.error();
  return out;
}

Result<std::string_view> blob_of(std::string_view bytes) {
  Reader r(bytes);
  r.array();
  r.uint();
  const auto blob = r.bin();
  if (r.failed()) return r.error();
  return blob;
}

}  // namespace drover::broker
