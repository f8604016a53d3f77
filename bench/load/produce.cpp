#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <drover/client.hpp>

#include "bench/load/load.hpp"

namespace drover::bench {
namespace {

using Clock = std::chrono::steady_clock;

double ms_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

struct Tally {
  std::uint64_t accepted = 0, duplicates = 0, refused = 0;
  std::string refusal;         // the code of the first
  std::vector<double> waited;  // ms of each submission, from when it was due to its answer

  double percentile(double share) {
    if (waited.empty()) return 0;
    const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(waited.size() - 1));
    std::ranges::nth_element(waited, waited.begin() + place);
    return waited[static_cast<std::size_t>(place)];
  }
};

std::vector<TaskId> read_ids(const std::string& path) {
  std::vector<TaskId> ids;
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    if (const auto bytes = parse_uuid(line)) ids.push_back(TaskId{*bytes});
  }
  return ids;
}

class Producer {
 public:
  Producer(const ProduceOptions& options, Client& client)
      : options_(options), client_(client), payload_(options.payload, 'x') {
    if (!options.ids.empty()) ids_.open(options.ids);
    if (!options.resend.empty()) known_ = read_ids(options.resend);
    tasks_to_send_ = options.resend.empty() ? options.tasks : known_.size();
  }

  Result<Tally> run() {
    begun_ = Clock::now();
    while (answered_ < tasks_to_send_) {
      if (auto started = start_what_is_due(); !started) return started.error();
      auto done = client_.next_done(until_next());
      if (!done) return done.error();
      if (!*done) continue;
      if ((*done)->error) return *(*done)->error;
      take(**done);
    }
    return std::move(tally_);
  }

 private:
  // When the task of this number is to be handed in.
  Clock::time_point due(std::uint64_t number) const {
    if (options_.rate == 0) return begun_;
    const std::chrono::duration<double> after(static_cast<double>(number) /
                                              static_cast<double>(options_.rate));
    return begun_ + std::chrono::duration_cast<Clock::duration>(after);
  }

  Result<void> start_what_is_due() {
    while (started_ < tasks_to_send_ && client_.has_room() && due(started_) <= Clock::now()) {
      const auto count = std::min<std::uint64_t>(options_.batch, tasks_to_send_ - started_);
      const auto ticket = client_.start_submit(batch(started_, count));
      if (!ticket) return ticket.error();
      due_[*ticket] = options_.rate == 0 ? Clock::now() : due(started_);
      started_ += count;
    }
    return {};
  }

  Duration until_next() const {
    if (started_ == tasks_to_send_ || !client_.has_room()) return 1s;
    const auto wait = std::chrono::ceil<Duration>(due(started_) - Clock::now());
    return std::clamp(wait, Duration(0), Duration(1s));
  }

  std::span<NewTask> batch(std::uint64_t first, std::uint64_t count) {
    tasks_.assign(count, {});
    for (std::uint64_t i = 0; i < count; ++i) {
      NewTask& task = tasks_[i];
      if (!known_.empty()) task.id = known_[first + i];
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

  void take(const Done& done) {
    answered_ += done.outcomes.size();
    for (const auto& outcome : done.outcomes) count(outcome);
    ids_.flush();  // what is in the file was acknowledged before whoever reads it looks
    const auto due = due_.find(done.ticket);
    tally_.waited.push_back(ms_between(due->second, Clock::now()));
    due_.erase(due);
  }

  void count(const Submitted& outcome) {
    if (outcome.refused) {
      if (tally_.refused++ == 0) tally_.refusal = name_of(outcome.refused->code);
      return;
    }
    ++(outcome.duplicate ? tally_.duplicates : tally_.accepted);
    if (ids_.is_open()) ids_ << to_string(outcome.id) << '\n';
  }

  const ProduceOptions& options_;
  Client& client_;
  std::string payload_;
  std::vector<TaskId> known_;  // to hand in again
  std::vector<NewTask> tasks_;
  std::ofstream ids_;
  Clock::time_point begun_;
  std::uint64_t tasks_to_send_ = 0, started_ = 0, answered_ = 0;
  std::map<Ticket, Clock::time_point> due_;  // of those under way
  Tally tally_;
};

void print(Tally& tally, double seconds) {
  const auto answered = tally.accepted + tally.duplicates + tally.refused;
  std::printf(
      "{\"accepted\":%llu,\"duplicates\":%llu,\"refused\":%llu,\"refusal\":\"%s\",\"seconds\":%.3f,"
      "\"tasks_per_s\":%.0f,\"submit_ms\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}}\n",
      static_cast<unsigned long long>(tally.accepted),
      static_cast<unsigned long long>(tally.duplicates),
      static_cast<unsigned long long>(tally.refused), tally.refusal.c_str(), seconds,
      static_cast<double>(answered) / seconds, tally.percentile(0.5), tally.percentile(0.99),
      tally.percentile(1));
}

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
  auto tally = Producer(options, *client).run();
  const double seconds = ms_between(begun, Clock::now()) / 1000;
  if (!tally) {
    std::fprintf(stderr, "bench_load: %s\n", tally.error().message.c_str());
    return 1;
  }
  print(*tally, seconds);
  return tally->refused == 0 ? 0 : 1;
}

}  // namespace drover::bench
