// A load for a whole broker: producers that submit as fast as they are let, workers that finish at
// once. For measuring, and for the tests that kill things meanwhile.
//
//   bench_load produce --tasks 200000 --batch 50 --ids accepted.txt
//   bench_load work    --window 1000 --history started.txt
//
// Both print one line of JSON when they end.
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
  std::string ids;           // file that gets the id of every accepted task, a line each
  Duration timeout = 10min;  // of each submission, through any number of restarts
};

struct WorkOptions {
  std::string connect = "tcp://127.0.0.1:7701";
  std::string type = "load";
  std::uint32_t window = 1000;
  Duration hold{0};     // how long each attempt takes
  std::string history;  // file that gets "id attempt ms-since-1970" for every start, a line each
  std::string result = "null";
};

// Exit code of the process: 0, or 1 with a line on stderr.
int produce(const ProduceOptions& options);

// Until SIGTERM or SIGINT.
int work(const WorkOptions& options);

}  // namespace drover::bench
