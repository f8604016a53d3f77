// Every setting of Drover, declared: what it is for, its bounds and its unit. Defaults stand in
// settings.hpp. The order is that of config/drover.yaml.

#include "common/base/curve_key.hpp"
#include "common/config/address.hpp"
#include "common/config/option_list.hpp"

namespace drover::config {
namespace {

constexpr std::uint64_t kTiB = 1024 * kGiB;
constexpr Duration kDay = 24h;
constexpr Duration kWeek = 7 * kDay;
constexpr Duration kYear = 366 * kDay;

constexpr const char* kBindExpected = "an address such as tcp://127.0.0.1:7700 or tcp://*:7700";
constexpr const char* kConnectExpected = "an address such as tcp://127.0.0.1:7700";

constexpr const char* kPathExpected = "the path of a file";

bool is_bind(std::string_view text) { return parse_address(text).has_value(); }

bool is_connect(std::string_view text) {
  const auto address = parse_address(text);
  return text.empty() || (address && address->host != "*" && address->port != "*" &&
                          address->port.find_first_not_of('0') != std::string::npos);
}

bool is_store(std::string_view text) {
  return text == "memory:" || (text.starts_with("file:") && text.size() > 5);
}

bool is_anything(std::string_view) { return true; }

bool is_public_key(std::string_view text) {
  return text.empty() || check_public_key(text).has_value();
}

bool is_directory_name(std::string_view text) { return !text.empty(); }

void declare_broker(Settings& s, OptionList& o) {
  o.section("broker", "The broker: keeps tasks and gives each to one worker at a time.");
  o.text(s.broker.clients.bind, "broker.clients.bind", "Where producers connect.", kBindExpected,
         is_bind);
  o.text(s.broker.workers.bind, "broker.workers.bind", "Where workers connect.", kBindExpected,
         is_bind);
  o.text(s.broker.status.bind, "broker.status.bind",
         "Where the status bus is told: every event as it happens.", kBindExpected, is_bind);
  o.duration(
      s.broker.heartbeat, "broker.heartbeat",
      "How often broker and worker tell each other that they live when there is nothing else "
      "to say.",
      100ms, 1h);
  o.duration(
      s.broker.worker_timeout, "broker.worker_timeout",
      "A worker silent for this long is taken for lost, and its tasks go to others. At least "
      "twice the heartbeat.",
      200ms, 24h);
  o.duration(
      s.broker.recovery_grace, "broker.recovery_grace",
      "How long after its start the broker waits for the workers of tasks that were running.", 0s,
      24h);
  o.duration(s.broker.cancel_grace, "broker.cancel_grace",
             "How long a worker may take to stop a cancelled or overdue attempt.", 0s, 1h);
  o.count(s.broker.poison_after, "broker.poison_after",
          "A task that has taken this many workers down is dead.", 1u, 100u);
}

void declare_client(Settings& s, OptionList& o) {
  o.section("client", "Those who submit and ask: the commands and the C++ library.");
  o.text(s.client.url, "client.url",
         "The broker's address for producers (also DROVER_URL). Empty: where broker.clients.bind "
         "is on this machine.",
         kConnectExpected, is_connect);
  o.duration(s.client.timeout, "client.timeout", "How long an answer may take.", 100ms, 1h);
}

void declare_worker(Settings& s, OptionList& o) {
  o.section("worker", "A worker: runs tasks. Start as many as you like, anywhere.");
  o.text(s.worker.connect, "worker.connect",
         "The broker's address for workers. Empty: where broker.workers.bind is on this machine.",
         kConnectExpected, is_connect);
  o.count(s.worker.slots, "worker.slots", "How many tasks run at once. 0: one a processor core.",
          0u, 10'000u);
  o.count(s.worker.prefetch, "worker.prefetch",
          "How many more tasks wait in the worker. Worth it for handlers of milliseconds only.", 0u,
          100'000u);
  o.duration(s.worker.drain_timeout, "worker.drain_timeout",
             "How long a stopping worker lets its tasks finish before it gives them back.", 0s,
             kWeek);
  o.names(s.worker.capabilities, "worker.capabilities",
          "What this worker can do: it gets tasks that require no other capabilities.");
  o.labels(s.worker.labels, "worker.labels",
           "What this worker is, such as {zone: a}: it gets tasks that require no other labels.");
  o.text(s.worker.agents_dir, "worker.agents_dir",
         "The folder with the agents' definitions, a YAML file each.", "the path of a folder",
         is_directory_name);
  o.section("workers", "What holds for all workers.");
  o.choice(
      s.workers.builtin, "workers.builtin",
      "Whether workers run the built-in types test.echo, test.sleep, test.fail and test.crash: "
      "on, off, or auto (while all addresses stay on this machine).",
      {"auto", "on", "off"});
}

void declare_store(Settings& s, OptionList& o) {
  o.section("store", "What the broker remembers.");
  o.text(s.store.url, "store.url",
         "Where tasks are kept: file: and the path of a folder, or memory: to keep them as long as "
         "the broker runs and no longer.",
         "file: and the path of a folder, such as file:./data, or memory:", is_store);
  o.size(s.store.payload_memory, "store.payload_memory",
         "Payloads beyond this much memory are read back from disk when their task runs.", 0,
         1 * kTiB);
  o.section("journal", "The store's files.");
  o.size(s.journal.segment, "journal.segment", "The size of one file.", 4 * kMiB, 1 * kGiB);
  o.size(s.journal.retain, "journal.retain",
         "How much is kept for those who follow events from the past. Live tasks are kept whatever "
         "their size. At least two segments.",
         8 * kMiB, 1024 * kTiB);
}

void declare_limits(Settings& s, OptionList& o) {
  o.section("limits", "What is refused, with the limit's name.");
  o.size(s.limits.message_max, "limits.message_max", "The longest message.", 64 * kKiB, 64 * kMiB);
  o.size(s.limits.payload_max, "limits.payload_max",
         "The longest payload of a task. At most half of message_max.", 1 * kKiB, 32 * kMiB);
  o.size(s.limits.result_max, "limits.result_max",
         "The longest result of a task. At most half of message_max.", 1 * kKiB, 32 * kMiB);
  o.count(s.limits.batch_max, "limits.batch_max", "The most tasks of one submission.", 1u,
          100'000u);
  o.count(s.limits.queue_length, "limits.queue_length",
          "The most tasks that a queue holds, dead ones included.", std::uint64_t{1},
          std::uint64_t{1'000'000'000});
  o.count(s.limits.queues, "limits.queues", "The most queues.", 1u, 1'000'000u);
  constexpr std::uint64_t kRateMost = 1'000'000'000;
  o.count(s.limits.malformed, "limits.malformed",
          "A connection that sends so many unreadable messages within 10 s is not read for 60 s, "
          "the next times for 10 min. 0: any number.",
          0u, 1'000'000u);
  o.count(s.limits.peer_requests, "limits.peer_requests",
          "The most requests of one connection in a second. A submission is one, whatever its "
          "size; a list is 100, a page of events 10. 0: any number.",
          std::uint64_t{0}, kRateMost);
  o.count(s.limits.peer_tasks, "limits.peer_tasks",
          "The most tasks that one connection submits in a second. 0: any number.",
          std::uint64_t{0}, kRateMost);
  o.count(s.limits.peer_greetings, "limits.peer_greetings",
          "The most hellos, heartbeats and reports of progress of one worker that are read in a "
          "second. 0: any number.",
          std::uint64_t{0}, kRateMost);
  o.count(s.limits.peer_waits, "limits.peer_waits",
          "The most tasks that one connection waits for at a time.", 1u, 100'000u);
  o.size(s.limits.memory_max, "limits.memory_max",
         "With this much memory in use the broker takes no new tasks until it is a tenth less. 0B: "
         "four fifths of what the system grants.",
         0, 1024 * kTiB);
}

void declare_tasks(Settings& s, OptionList& o) {
  o.section("tasks", "What holds for a task that does not say otherwise.");
  o.count(s.tasks.max_attempts, "tasks.max_attempts", "How often a task may fail.", 1u, 100u);
  o.duration(s.tasks.timeout, "tasks.timeout", "How long one attempt may run.", 1ms, kWeek);
  o.duration(s.tasks.backoff_base, "tasks.backoff_base",
             "The longest pause after the first failure; the pause is drawn evenly up to it.", 0s,
             kYear);
  o.factor(s.tasks.backoff_factor, "tasks.backoff_factor",
           "By how much the longest pause grows with each further failure.", 1, 100);
  o.duration(s.tasks.backoff_max, "tasks.backoff_max",
             "Where the pauses stop growing. At least backoff_base.", 0s, kYear);
  o.duration(s.tasks.aging, "tasks.aging",
             "How long a ready task stands in line before it counts as one level more urgent, at "
             "most as high. 0s: it never does.",
             0s, kYear);
  o.duration(s.tasks.result_ttl, "tasks.result_ttl", "How long an ended task is kept.", 0s, kYear);
  o.count(s.tasks.results_max, "tasks.results_max",
          "The most ended tasks that are kept; the oldest go first.", std::uint64_t{0},
          std::uint64_t{1'000'000'000});
  o.size(s.tasks.results_bytes_max, "tasks.results_bytes_max",
         "The most bytes of ended tasks that are kept; the oldest go first.", 0, 1024 * kTiB);
  o.duration(s.tasks.dlq_ttl, "tasks.dlq_ttl", "How long a dead task is kept.", 1s, kYear);
  o.duration(s.tasks.idempotency_window, "tasks.idempotency_window",
             "How long an idempotency key stands for the task that came with it first.", 1s, kYear);
  o.count(s.tasks.idempotency_max, "tasks.idempotency_max",
          "The most keys that are remembered; the oldest of ended tasks go first.",
          std::uint64_t{1}, std::uint64_t{1'000'000'000});
}

void declare_rest(Settings& s, OptionList& o) {
  o.section("security", "Who may connect, and as whom.");
  o.text(s.security.keys_file, "security.keys_file",
         "The list of the keys that the broker accepts, which `drover key` writes. With it the "
         "broker talks encrypted and to nobody else; it needs key_file, too.",
         kPathExpected, is_anything);
  o.text(s.security.key_file, "security.key_file",
         "The file with this process's own key pair, readable by its user alone.", kPathExpected,
         is_anything);
  o.text(s.security.server_key, "security.server_key",
         "The public key of the broker to connect to, as `drover keygen` printed it.",
         "a public key of 40 characters that `drover keygen` made", is_public_key);
  o.text(s.security.server_key_file, "security.server_key_file",
         "The file with that key and nothing else, instead of server_key.", kPathExpected,
         is_anything);
  o.flag(s.security.insecure, "security.insecure",
         "true allows addresses that other machines reach without keys. Everybody who reaches them "
         "may do "
         "everything.");
  o.section("log", "What is said on stderr.");
  o.text(s.log.level, "log.level",
         "The least important lines that are written: trace, debug, info, warn, error or off.",
         "trace, debug, info, warn, error or off", [](std::string_view word) {
           return word == "trace" || word == "debug" || word == "info" || word == "warn" ||
                  word == "error" || word == "off";
         });
  o.text(s.log.format, "log.format",
         "How lines are written: text, json (an object a line), or auto: text on a terminal, json "
         "otherwise.",
         "auto, text or json",
         [](std::string_view word) { return word == "auto" || word == "text" || word == "json"; });
}

}  // namespace

OptionList declare_options(Settings& settings) {
  OptionList options;
  declare_broker(settings, options);
  declare_client(settings, options);
  declare_worker(settings, options);
  declare_store(settings, options);
  declare_limits(settings, options);
  declare_tasks(settings, options);
  declare_rest(settings, options);
  return options;
}

}  // namespace drover::config
