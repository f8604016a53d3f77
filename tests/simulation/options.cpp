#include "tests/simulation/options.hpp"

#include <algorithm>
#include <initializer_list>

#include "tests/simulation/workload.hpp"

namespace drover::sim {
namespace {

// One of the values, each equally likely.
template <class Value>
Value one_of(Random& random, std::initializer_list<Value> values) {
  return values.begin()[random.below(values.size())];
}

template <class Number>
Number from_to(Random& random, Number low, Number high) {
  return static_cast<Number>(
      random.between(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)));
}

bool has(const SimOptions& o, FaultKind kind) {
  return std::find(o.fault_kinds.begin(), o.fault_kinds.end(), kind) != o.fault_kinds.end();
}

// So many that eight happen at least, usually about half of all.
void draw_faults(SimOptions& o, Random& random) {
  std::vector<FaultKind> kinds(kFaultKinds);
  for (std::size_t i = 0; i < kFaultKinds; ++i) kinds[i] = static_cast<FaultKind>(i);
  for (std::size_t i = kinds.size(); i > 1; --i) std::swap(kinds[i - 1], kinds[random.below(i)]);
  kinds.resize(from_to<std::size_t>(random, 12, 20));  // some find nobody to befall
  std::sort(kinds.begin(), kinds.end());
  o.fault_kinds = kinds;
  o.faults = from_to(random, 25U, 45U);  // a few find no frame to befall
}

void draw_fleet(SimOptions& o, Random& random) {
  o.chaos = from_to(random, 10, 13) * kMinute;
  o.tasks = from_to(random, 500U, 620U);
  o.tenants = one_of(random, {1U, 1U, 2U, 3U});
  o.queues = one_of(random, {1U, 2U, 4U});
  o.types = from_to(random, 1U, 3U);
  o.workers = from_to(random, 1U, 8U);
  o.producers = from_to(random, 1U, 4U);
  o.subscribers = from_to(random, 1U, 2U);
  o.slots_max = one_of(random, {1U, 2U, 4U, 8U});
  o.prefetch_max = one_of(random, {0U, 0U, 0U, 2U});
  o.batch_max = one_of(random, {1U, 5U, 12U});
  o.narrow_workers = random.one_in(2);
  o.capable = one_of(random, {0U, 0U, 200U});
}

void draw_tasks(SimOptions& o, Random& random) {
  o.delayed = one_of(random, {0U, 50U, 300U});
  o.expiring = one_of(random, {0U, 20U, 100U});
  o.keyed = one_of(random, {0U, 100U, 400U});
  o.failing = one_of(random, {0U, 100U, 300U});
  o.fatal = one_of(random, {0U, 20U});
  o.crashing = has(o, FaultKind::poison_task) ? one_of(random, {5U, 15U}) : 0;
  o.hanging = has(o, FaultKind::stuck_handler) ? one_of(random, {8U, 20U}) : 0;
  o.over_large = one_of(random, {0U, 5U});
  o.timing_out = one_of(random, {0U, 30U});
  o.priorities = one_of(random, {1U, 5U, 5U, 5U});
  o.duration_max = one_of(random, {20ms, 1000ms, 4000ms});
  o.delay_max = one_of(random, {500ms, 30'000ms, 240'000ms});
  o.timeout_max = one_of(random, {3000ms, 10'000ms});
  o.attempts_max = from_to(random, 1U, 4U);
  o.payload_max = one_of<std::size_t>(random, {40, 200, 700});
  o.cancels = one_of(random, {0U, 150U});
  o.retries = one_of(random, {0U, 150U});
  o.waits = one_of(random, {0U, 150U});
  o.shows = one_of(random, {0U, 150U});
}

void draw_limits(SimOptions& o, Random& random) {
  broker::CoreOptions& core = o.turn.core;
  core.worker_timeout = one_of(random, {3000ms, 6000ms, 15'000ms});
  core.heartbeat = core.worker_timeout / 3;
  core.recovery_grace = one_of(random, {2000ms, 10'000ms, 30'000ms});
  core.cancel_grace = one_of(random, {500ms, 2000ms, 5000ms});
  core.poison_after = one_of(random, {2U, 3U, 3U});
  core.limits.result_max = 2048;
  core.limits.payload_max = 4096;
  core.queue_length = one_of<std::uint64_t>(random, {10'000'000, 10'000'000, 30});
  core.results_max = one_of<std::uint64_t>(random, {1'000'000, 1'000'000, 150});
  core.policy.result_ttl = one_of(random, {Duration(24h), Duration(24h), Duration(4min)});
  core.dlq_ttl = one_of(random, {Duration(720h), Duration(720h), Duration(3min)});
  core.idempotency_window = one_of(random, {Duration(24h), Duration(24h), Duration(2min)});
  core.idempotency_max = one_of<std::size_t>(random, {10'000'000, 10'000'000, 25});
  core.message_max = o.turn.frames.message_max =
      one_of<std::size_t>(random, {1024 * 1024, 16 * 1024});
  o.turn.backlog_max = one_of<std::size_t>(random, {8 * 1024 * 1024, 8 * 1024 * 1024, 2048});
  o.frames_a_turn = one_of(random, {4U, 16U, 64U, 64U});
  o.worker.cancel_grace = core.cancel_grace;
  o.worker.drain_timeout = one_of(random, {500ms, 5000ms, 30'000ms});
  o.worker.hello_delay_max = one_of(random, {2000ms, 5000ms});
}

void draw_disk(SimOptions& o, Random& random) {
  o.journal.segment_bytes = one_of<std::uint64_t>(random, {32, 64, 128}) * 1024;
  o.journal.retain_bytes = o.journal.segment_bytes * one_of<std::uint64_t>(random, {4, 6, 16, 40});
  o.journal.cache_bytes = one_of<std::uint64_t>(random, {0, 16 * 1024, 64 * 1024 * 1024});
  o.sync_max = one_of(random, {300 * Micros{1}, 2 * kMillisecond, 20 * kMillisecond});
  o.latency_min = one_of<Micros>(random, {20, 200});
  o.latency_spread = one_of<Micros>(random, {100, 5 * kMillisecond});
}

// Half of the seeds: tasks that exclude each other, and such that age. A generator of its own, so
// that what the seeds drew before stays.
void draw_order(SimOptions& o) {
  Random random(o.seed ^ 0x6f726465);
  o.turn.core.aging = one_of(random, {Duration(5min), Duration(0), Duration(20s), Duration(60s)});
  o.exclusive = one_of(random, {0U, 0U, 100U, 500U});
}

// A quarter of the seeds: tenants with workers and subscribers of their own. They have a generator
// of their own, too.
void draw_keys(SimOptions& o) {
  Random random(o.seed ^ 0x6b657973);
  if (!random.one_in(4)) return;
  o.turn.core.scoped = true;
  o.tenants = std::max(o.tenants, 2U);
  o.queues = std::min(o.queues, 2U);
  o.types = std::min(o.types, 2U);
  o.capable = 0;
  o.workers = std::max(o.workers, 3U);
  o.subscribers = 2;
  o.copied = one_of(random, {0U, 5U, 50U});
  for (std::uint32_t tenant = 0; tenant < o.tenants; ++tenant) {
    const std::string name(tenant_name(tenant));
    o.keys.push_back({name + "-worker", broker::Role::worker, name, {}});
    o.keys.push_back({name + "-queue-worker", broker::Role::worker, name, {"q0"}});
    o.keys.push_back({name + "-reader", broker::Role::subscriber, name, {}});
  }
}

void line(std::string& out, std::string_view name, std::uint64_t value) {
  out.append("  ").append(name).append(" ").append(std::to_string(value)).append("\n");
}
void line(std::string& out, std::string_view name, Duration value) {
  out.append("  ").append(name).append(" ").append(to_string(value)).append("\n");
}

}  // namespace

SimOptions draw_options(std::uint64_t seed) {
  SimOptions options;
  options.seed = seed;
  Random random(seed ^ 0x5eed0f0907110500ULL);
  draw_faults(options, random);
  draw_fleet(options, random);
  draw_tasks(options, random);
  draw_limits(options, random);
  draw_disk(options, random);
  draw_keys(options);
  draw_order(options);
  return options;
}

std::string describe(const SimOptions& o) {
  std::string out = "seed " + std::to_string(o.seed) + "\n  faults";
  for (const auto kind : o.fault_kinds) out.append(" ").append(name_of(kind));
  out.append("\n");
  line(out, "faults planned", o.faults);
  line(out, "chaos", Duration(o.chaos / kMillisecond));
  line(out, "tasks", o.tasks), line(out, "tenants", o.tenants), line(out, "queues", o.queues);
  line(out, "types", o.types), line(out, "priorities", o.priorities);
  line(out, "workers", o.workers), line(out, "producers", o.producers);
  line(out, "subscribers", o.subscribers);
  line(out, "slots_max", o.slots_max), line(out, "prefetch_max", o.prefetch_max);
  line(out, "keys", o.keys.size()), line(out, "copied", o.copied);
  line(out, "batch_max", o.batch_max), line(out, "narrow_workers", o.narrow_workers);
  line(out, "exclusive", o.exclusive), line(out, "aging", o.turn.core.aging);
  line(out, "capable", o.capable), line(out, "delayed", o.delayed);
  line(out, "expiring", o.expiring), line(out, "keyed", o.keyed), line(out, "failing", o.failing);
  line(out, "fatal", o.fatal), line(out, "crashing", o.crashing), line(out, "hanging", o.hanging);
  line(out, "over_large", o.over_large), line(out, "timing_out", o.timing_out);
  line(out, "duration_max", o.duration_max), line(out, "delay_max", o.delay_max);
  line(out, "timeout_max", o.timeout_max), line(out, "attempts_max", o.attempts_max);
  line(out, "payload_max", o.payload_max), line(out, "cancels", o.cancels);
  line(out, "retries", o.retries), line(out, "waits", o.waits), line(out, "shows", o.shows);
  const auto& core = o.turn.core;
  line(out, "worker_timeout", core.worker_timeout), line(out, "grace", core.recovery_grace);
  line(out, "cancel_grace", core.cancel_grace), line(out, "poison_after", core.poison_after);
  line(out, "queue_length", core.queue_length), line(out, "results_max", core.results_max);
  line(out, "result_ttl", core.policy.result_ttl), line(out, "dlq_ttl", core.dlq_ttl);
  line(out, "idempotency_window", core.idempotency_window);
  line(out, "idempotency_max", core.idempotency_max);
  line(out, "message_max", core.message_max), line(out, "backlog_max", o.turn.backlog_max);
  line(out, "frames_a_turn", o.frames_a_turn), line(out, "drain_timeout", o.worker.drain_timeout);
  line(out, "segment_bytes", o.journal.segment_bytes);
  line(out, "retain_bytes", o.journal.retain_bytes),
      line(out, "cache_bytes", o.journal.cache_bytes);
  line(out, "sync_max_us", static_cast<std::uint64_t>(o.sync_max));
  line(out, "latency_us", static_cast<std::uint64_t>(o.latency_min + o.latency_spread));
  return out;
}

}  // namespace drover::sim
