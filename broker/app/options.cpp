#include "broker/app/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "broker/store/journal/journal_store.hpp"
#include "broker/store/memory_store.hpp"
#include "drover_version.hpp"

namespace drover::broker {
namespace {

CoreOptions core_options(const config::Settings& s) {
  CoreOptions o;
  o.limits = {s.limits.payload_max, s.limits.result_max};
  o.message_max = s.limits.message_max;
  o.queue_length = s.limits.queue_length;
  o.queues = s.limits.queues;
  o.waits_of_peer = s.limits.peer_waits;
  o.policy.timeout = s.tasks.timeout;
  o.policy.result_ttl = s.tasks.result_ttl;
  o.policy.max_attempts = s.tasks.max_attempts;
  o.policy.backoff.base = s.tasks.backoff_base;
  o.policy.backoff.factor_permille =
      static_cast<std::uint32_t>(s.tasks.backoff_factor * 1000 + 0.5);
  o.policy.backoff.max = s.tasks.backoff_max;
  o.aging = s.tasks.aging;
  o.results_max = s.tasks.results_max;
  o.results_bytes_max = s.tasks.results_bytes_max;
  o.dlq_ttl = s.tasks.dlq_ttl;
  o.idempotency_window = s.tasks.idempotency_window;
  o.idempotency_max = s.tasks.idempotency_max;
  o.worker_timeout = s.broker.worker_timeout;
  o.heartbeat = s.broker.heartbeat;
  o.recovery_grace = s.broker.recovery_grace;
  o.cancel_grace = s.broker.cancel_grace;
  o.poison_after = s.broker.poison_after;
  o.scoped = config::is_secured(s);  // without keys nobody is bound to a tenant
  return o;
}

constexpr std::string_view kFileScheme = "file:";
constexpr std::uint64_t kQueueBooksBytes = 200;  // of one queue in the books, names and totals

}  // namespace

Result<std::unique_ptr<Store>> make_store(const config::Settings& s) {
  if (s.store.url == "memory:") {
    MemoryStoreOptions options;
    options.retain_bytes = s.journal.retain;
    return std::unique_ptr<Store>(std::make_unique<MemoryStore>(options));
  }
  if (!s.store.url.starts_with(kFileScheme)) {
    return Error{Errc::bad_configuration, "store.url must be file:DIRECTORY, not " + s.store.url,
                 "store.url"};
  }
  // The largest records: a task of a whole message with a full history of errors, and the books.
  const std::uint64_t largest = std::max({s.limits.message_max, kHistoryMax * kErrorTextMax,
                                          std::uint64_t{s.limits.queues} * kQueueBooksBytes});
  const std::uint64_t least = 4 * largest;
  if (s.journal.segment < least) {
    return Error{
        Errc::bad_configuration,
        "journal.segment must hold four of the largest records that limits.message_max and "
        "limits.queues allow: " +
            std::to_string(least) + " bytes here",
        "journal.segment"};
  }
  journal::JournalOptions options;
  options.segment_bytes = s.journal.segment;
  // The default gives way on a small disk (0), a wish does not.
  if (s.journal.retain != config::Settings().journal.retain)
    options.retain_bytes = s.journal.retain;
  options.cache_bytes = s.store.payload_memory;
  return journal::make_journal_store(config::store_directory(s), options);
}

TurnOptions turn_options(const config::Settings& settings) {
  TurnOptions o;
  o.core = core_options(settings);
  o.frames.message_max = settings.limits.message_max;
  o.frames.batch_max = settings.limits.batch_max;
  o.software = "drover-broker " + std::string(kVersion);
  o.pid = static_cast<std::uint64_t>(::getpid());
  if (const auto directory = config::store_directory(settings); !directory.empty()) {
    std::error_code error;
    o.store_directory = std::filesystem::absolute(directory, error).lexically_normal().string();
  }
  const auto& limits = settings.limits;
  o.client_limits.malformed = o.worker_limits.malformed = limits.malformed;
  o.client_limits.requests = o.worker_limits.requests = limits.peer_requests;
  o.client_limits.tasks = limits.peer_tasks;
  o.worker_limits.greetings = limits.peer_greetings;
  return o;
}

}  // namespace drover::broker
