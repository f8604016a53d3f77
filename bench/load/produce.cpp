#include <chrono>
#include <cstdio>
#include <fstream>
#include <vector>

#include <drover/client.hpp>

#include "bench/load/load.hpp"

namespace drover::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Tally {
  std::uint64_t accepted = 0, duplicates = 0, refused = 0;
};

class Producer {
 public:
  Producer(const ProduceOptions& options, Client& client)
      : options_(options), client_(client), payload_(options.payload, 'x') {
    if (!options.ids.empty()) ids_.open(options.ids);
  }

  Result<Tally> run() {
    std::uint64_t started = 0, answered = 0;
    while (answered < options_.tasks) {
      while (started < options_.tasks && client_.has_room()) {
        const auto count = std::min<std::uint64_t>(options_.batch, options_.tasks - started);
        if (auto ticket = client_.start_submit(batch(started, count)); !ticket) {
          return ticket.error();
        }
        started += count;
      }
      auto done = client_.next_done(1s);
      if (!done) return done.error();
      if (!*done) continue;
      if ((*done)->error) return *(*done)->error;
      answered += (*done)->outcomes.size();
      for (const auto& outcome : (*done)->outcomes) count(outcome);
      ids_.flush();  // there for whoever ends this process
    }
    return tally_;
  }

 private:
  std::span<NewTask> batch(std::uint64_t first, std::uint64_t count) {
    tasks_.assign(count, {});
    for (std::uint64_t i = 0; i < count; ++i) {
      NewTask& task = tasks_[i];
      task.type = options_.type;
      task.payload = payload_;
      task.content_type = "application/octet-stream";
      task.priority = options_.priority.empty()
                          ? static_cast<Priority>((first + i) % kPriorities)
                          : parse_priority(options_.priority).value_or(Priority::normal);
      if (options_.delay > 0ms) task.delay = options_.delay;
    }
    return tasks_;
  }

  void count(const Submitted& outcome) {
    if (outcome.refused) {
      ++tally_.refused;
      return;
    }
    ++(outcome.duplicate ? tally_.duplicates : tally_.accepted);
    if (ids_.is_open()) ids_ << to_string(outcome.id) << '\n';
  }

  const ProduceOptions& options_;
  Client& client_;
  std::string payload_;
  std::vector<NewTask> tasks_;
  std::ofstream ids_;
  Tally tally_;
};

}  // namespace

int produce(const ProduceOptions& options) {
  ClientOptions client_options;
  client_options.url = options.url;
  client_options.keys = keys_of_environment();
  client_options.timeout = options.timeout;
  client_options.window = options.window;
  auto client = Client::open(client_options);
  if (!client) {
    std::fprintf(stderr, "bench_load: %s\n", client.error().message.c_str());
    return 1;
  }
  const auto begun = Clock::now();
  const auto tally = Producer(options, *client).run();
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  if (!tally) {
    std::fprintf(stderr, "bench_load: %s\n", tally.error().message.c_str());
    return 1;
  }
  std::printf(
      "{\"accepted\":%llu,\"duplicates\":%llu,\"refused\":%llu,\"seconds\":%.3f,\"tasks_per_s\":%."
      "0f}\n",
      static_cast<unsigned long long>(tally->accepted),
      static_cast<unsigned long long>(tally->duplicates),
      static_cast<unsigned long long>(tally->refused), seconds,
      static_cast<double>(options.tasks) / seconds);
  return tally->refused == 0 ? 0 : 1;
}

}  // namespace drover::bench
