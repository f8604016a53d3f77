#include "tests/simulation/workload.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace drover::sim {
namespace {

constexpr std::array<std::string_view, 4> kTenants = {"default", "acme", "zeta", "omega"};
constexpr std::uint64_t kSharedKeys = 12;

bool by_lot(Random& random, Share share) { return random.below(1000) < share; }

Duration up_to(Random& random, Duration most) { return Duration(random.between(0, most.count())); }

Deed draw_deed(const SimOptions& o, Random& random) {
  const std::pair<Deed, Share> shares[] = {
      {Deed::fails, o.failing}, {Deed::fatal, o.fatal},          {Deed::crashes, o.crashing},
      {Deed::hangs, o.hanging}, {Deed::too_large, o.over_large}, {Deed::times_out, o.timing_out},
  };
  std::uint64_t lot = random.below(1000);
  for (const auto& [deed, share] : shares) {
    if (lot < share) return deed;
    lot -= share;
  }
  return Deed::completes;
}

Behaviour draw_behaviour(const SimOptions& o, Random& random) {
  Behaviour behaviour;
  behaviour.deed = draw_deed(o, random);
  behaviour.duration_ms = static_cast<std::uint32_t>(up_to(random, o.duration_max).count());
  behaviour.times = static_cast<std::uint32_t>(random.between(1, 5));
  if (random.one_in(8)) behaviour.retry_after_ms = static_cast<std::uint32_t>(random.below(3000));
  return behaviour;
}

Backoff draw_backoff(Random& random) {
  Backoff backoff;
  backoff.kind = random.one_in(4) ? BackoffKind::fixed : BackoffKind::exponential;
  backoff.base = Duration(random.between(0, 2000));
  backoff.max = std::max(backoff.base, Duration(random.between(1000, 20'000)));
  backoff.jitter = !random.one_in(3);
  return backoff;
}

// The same number means the same work, but for a few who use a key for something else.
void draw_key(const SimOptions& o, NewTask& task, std::uint64_t number, Random& random) {
  const bool shared = by_lot(random, o.repeated_keys);
  const std::uint64_t key = shared ? random.below(kSharedKeys) : number + kSharedKeys;
  Random work(o.seed * 31 + key);
  task.idempotency_key = "key-" + std::to_string(key);
  task.payload = encode(draw_behaviour(o, work), shared && random.one_in(5) ? 1 : 0);
  task.type = "t.a";
}

void draw_times(const SimOptions& o, NewTask& task, Instant clock, Random& random) {
  const bool absolute = by_lot(random, o.absolute_times);
  if (by_lot(random, o.delayed)) {
    const Duration delay = up_to(random, o.delay_max);
    if (absolute) {
      task.not_before = clock + delay;
    } else {
      task.delay = delay;
    }
  }
  if (by_lot(random, o.expiring)) {
    const Duration ttl = 1ms + up_to(random, o.delay_max);
    if (absolute) {
      task.expires_at = clock + ttl;
    } else {
      task.ttl = ttl;
    }
  }
}

}  // namespace

std::string encode(const Behaviour& behaviour, std::size_t filler) {
  std::string payload(sizeof behaviour + filler, '.');
  std::memcpy(payload.data(), &behaviour, sizeof behaviour);
  return payload;
}

Behaviour decode_behaviour(std::string_view payload) {
  Behaviour behaviour;
  if (payload.size() >= sizeof behaviour) {
    std::memcpy(static_cast<void*>(&behaviour), payload.data(), sizeof behaviour);
  }
  return behaviour;
}

std::string result_of(const TaskId& task, std::uint32_t attempt, std::size_t size) {
  std::string result = std::to_string(std::hash<TaskId>()(task)) + "/" + std::to_string(attempt);
  result.resize(std::max(size, result.size()), '.');
  return result;
}

std::string_view tenant_name(std::uint32_t number) { return kTenants[number]; }

NewTask draw_task(const SimOptions& o, Instant clock, std::uint64_t number, Random& random) {
  NewTask task;
  task.tenant = kTenants[random.below(o.tenants)];
  task.id = make_task_id(clock, task.tenant, random);
  task.queue = "q" + std::to_string(random.below(o.queues));
  task.type = "t." + std::string(1, static_cast<char>('a' + random.below(o.types)));
  task.priority = static_cast<Priority>(random.below(o.priorities));
  task.payload = encode(draw_behaviour(o, random), random.below(o.payload_max));
  task.content_type = "application/octet-stream";
  task.timeout = 300ms + up_to(random, o.timeout_max);
  task.max_attempts = static_cast<std::uint32_t>(random.between(1, o.attempts_max));
  task.backoff = draw_backoff(random);
  draw_times(o, task, clock, random);
  if (by_lot(random, o.capable)) task.required_capabilities = {"gpu"};
  if (by_lot(random, o.keyed)) draw_key(o, task, number, random);
  if (o.exclusive > 0 && by_lot(random, o.exclusive)) {
    task.concurrency_key = "k" + std::to_string(random.below(3));
  }
  return task;
}

}  // namespace drover::sim
