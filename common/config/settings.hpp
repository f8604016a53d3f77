// The settings of all of Drover's processes: typed, each at its default until a file, the
// environment or a flag says otherwise.
//
// The members are named as the settings are: `broker.clients.bind` is settings.broker.clients.bind.
// What each means, its bounds and its unit stand in options.cpp, from which reading, checking,
// `drover config show` and config/drover.yaml come.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/time.hpp"

namespace drover::config {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

enum class Builtin : std::uint8_t { automatic, on, off };  // written auto, on, off

struct Settings {
  struct Listener {
    std::string bind;
  };

  struct Broker {
    Listener clients{"tcp://127.0.0.1:7700"};
    Listener workers{"tcp://127.0.0.1:7701"};
    Listener status{"tcp://127.0.0.1:7702"};
    Duration heartbeat = 5s;
    Duration worker_timeout = 15s;
    Duration recovery_grace = 30s;
    Duration cancel_grace = 5s;
    std::uint32_t poison_after = 3;
  } broker;

  struct Client {
    std::string url;  // never empty once loaded
    Duration timeout = 10s;
  } client;

  struct Worker {
    std::string connect;      // never empty once loaded
    std::uint32_t slots = 0;  // 0 = one a core
    std::uint32_t prefetch = 0;
    Duration drain_timeout = 30s;
    std::vector<std::string> capabilities;
    std::map<std::string, std::string> labels;
    std::string agents_dir = "config/agents";
  } worker;

  struct Workers {
    Builtin builtin = Builtin::automatic;
  } workers;

  struct Store {
    std::string url = "file:./data";
    std::uint64_t payload_memory = 64 * kMiB;
  } store;

  struct Journal {
    std::uint64_t segment = 64 * kMiB;
    std::uint64_t retain = 4 * kGiB;
  } journal;

  struct Limits {
    std::uint64_t message_max = 1 * kMiB;
    std::uint64_t payload_max = 256 * kKiB;
    std::uint64_t result_max = 256 * kKiB;
    std::uint32_t batch_max = 1000;
    std::uint64_t queue_length = 10'000'000;
    std::uint32_t queues = 10'000;
    std::uint32_t malformed = 20;
    std::uint64_t peer_requests = 100'000;
    std::uint64_t peer_tasks = 1'000'000;
    std::uint64_t peer_greetings = 100;
    std::uint32_t peer_waits = 10'000;
    std::uint64_t memory_max = 0;  // 0 = 80 % of what the system grants
  } limits;

  struct Tasks {
    std::uint32_t max_attempts = 5;
    Duration timeout = 5min;
    Duration backoff_base = 1s;
    double backoff_factor = 2.0;  // thousandths are exact
    Duration backoff_max = 10min;
    Duration aging = 5min;
    Duration result_ttl = 24h;
    std::uint64_t results_max = 1'000'000;
    std::uint64_t results_bytes_max = 1 * kGiB;
    Duration dlq_ttl = 30 * 24h;
    Duration idempotency_window = 24h;
    std::uint64_t idempotency_max = 10'000'000;
  } tasks;

  struct Security {
    std::string keys_file;        // the broker's list of keys; with it the broker is secured
    std::string key_file;         // this process's own key pair
    std::string server_key;       // the broker's public key,
    std::string server_key_file;  // or the file that holds it
    bool insecure = false;
  } security;

  struct Log {
    std::string level = "info";   // trace, debug, info, warn, error or off
    std::string format = "auto";  // auto, text or json
  } log;
};

// True if the broker that these settings describe asks for keys.
inline bool is_secured(const Settings& settings) { return !settings.security.keys_file.empty(); }

// True while every address that the broker binds, or that a worker connects to, stays on this
// machine.
bool is_all_loopback(const Settings& settings);

// The directory of a store.url `file:DIR`; "" of `memory:`.
std::string store_directory(const Settings& settings);

}  // namespace drover::config
