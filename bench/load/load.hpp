// A load for a whole broker: producers that submit as fast as they are let or at a rate, workers
// that finish at once, listeners on the status bus that keep up or do not. For measuring, and for
// the tests that kill things meanwhile.
//
//   bench_load produce   --tasks 200000 --batch 50 --ids accepted.txt
//   bench_load produce   --resend accepted.txt
//   bench_load work      --window 1000 --history started.txt
//   bench_load subscribe --count 50 --slow 100ms
//
// Each prints one line of JSON when it ends.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/time.hpp"
#include "common/transport/key_file.hpp"

namespace drover::bench {

// The keys of both, from DROVER_SECURITY__KEY_FILE and DROVER_SECURITY__SERVER_KEY.
transport::ClientKeys keys_of_environment();

struct ProduceOptions {
  std::string url = "tcp://127.0.0.1:7700";
  std::string type = "load";
  std::uint64_t tasks = 100'000;
  std::size_t batch = 50;
  std::size_t payload = 256;
  std::size_t window = 100;  // submissions under way at once
  std::string priority;      // "" = all five in turn
  Duration delay{0};
  std::uint64_t rate = 0;  // tasks a second; 0 = as fast as they are let
  std::string ids;         // file that gets the id of every accepted task, a line each, at once
  std::string resend;      // file with ids to hand in again, instead of tasks with new ones: those
                           // that the broker knows are told as duplicates
  Duration timeout = 10min;  // of each submission, through any number of restarts
};

struct WorkOptions {
  std::string connect = "tcp://127.0.0.1:7701";
  std::string type = "load";
  std::uint32_t workers = 1;  // each with a connection of its own
  std::uint32_t window = 1000;
  Duration hold{0};     // how long each attempt takes
  std::string history;  // file that gets, a line each, "id attempt ms-since-1970 created-ms" for
                        // every start and "id attempt ok" for every end that was recorded
  std::uint32_t failures_permille = 0;  // of the attempts, which are tried again
  std::uint32_t reconnects = 0;         // a minute: connections that break and are made again
  std::string result = "null";
};

struct SubscribeOptions {
  std::string status = "tcp://127.0.0.1:7702";
  std::string prefix;       // of the topics; "" = all
  std::uint32_t count = 1;  // listeners, each with a connection of its own
  Duration slow{0};         // each reads one message in so much time; 0 = all that comes
};

// Exit code of the process: 0, or 1 with a line on stderr.
int produce(const ProduceOptions& options);

// Until SIGTERM or SIGINT.
int work(const WorkOptions& options);
int subscribe(const SubscribeOptions& options);

}  // namespace drover::bench
