// What the scheduling core costs by itself: nanoseconds for a submission, a lease and a result,
// with 1,000, 100,000 and 1,000,000 tasks waiting behind. No disk, no sockets, no encoding of
// records.
//
//   build/release/bench/bench_core
//   valgrind --tool=callgrind build/release/bench/bench_core 10000      (instruction counts)

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "broker/core/core.hpp"
#include "common/wire/codec.hpp"

namespace {

using namespace drover;
using namespace drover::broker;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRounds = 50'000;
constexpr int kRepeats = 5;
const Instant kNow = instant_from_ms(1'790'000'000'000);

// Takes what the core says and keeps only the leases.
class Sink : public Output {
 public:
  struct Lease {
    SessionId session;
    std::uint32_t attempt;
    std::uint32_t record;
  };

  Place append(std::span<const Record> records) override {
    seq_ += records.size();
    return {seq_, {1, static_cast<std::uint32_t>(seq_), 300}};
  }
  Locator carry(const Record&) override { return {1, 1, 300}; }
  void forget(const Locator&) override {}
  void welcome(Peer, const wire::Welcome& welcome) override { session = welcome.session; }
  void assign(Peer, SessionId of, const wire::Assign::Item& item, const Locator& where) override {
    leases.push_back({of, item.attempt, where.offset});
  }
  void confirm(Peer, SessionId, const wire::Verdict&) override {}
  void cancel(Peer, SessionId, const wire::CancelAttempts::Item&) override {}
  void drain(Peer, SessionId) override {}
  void alive(Peer, SessionId) override {}
  void who(Peer, SessionId, const Error&) override {}
  void wait_over(Peer, std::uint64_t, const TaskId&, bool) override {}
  void progress(const Record&, const wire::Progress::Item&) override {}

  SessionId session{};
  std::vector<Lease> leases;

 private:
  std::uint64_t seq_ = 0;
};

class Bench {
 public:
  explicit Bench(std::size_t backlog) : core_(options(), Random(1)) {
    core_.set_store(StoreId{});
    for (std::size_t i = 0; i < backlog; ++i) submit(Priority::low);
    wire::Hello hello;
    hello.worker.bytes[0] = 1;
    hello.types = {"bench"};
    hello.slots = hello.window = 1;
    core_.hello(Peer{1}, hello, kNow, sink_);
    core_.dispatch(kNow, sink_);  // the worker holds one task of the backlog, if there is one
    if (!sink_.leases.empty()) held_ = ids_.at(0);
  }

  // One submission, one result, one lease, `rounds` times; nanoseconds a round.
  double run(std::size_t rounds) {
    const auto begun = Clock::now();
    for (std::size_t i = 0; i < rounds; ++i) {
      const TaskId next = submit(Priority::normal);
      if (!held_.is_nil()) {
        core_.done(Peer{1}, {sink_.session, {{held_, 1, "null", {}, {}}}}, kNow, sink_);
      }
      core_.dispatch(kNow, sink_);
      held_ = next;
    }
    const std::chrono::duration<double, std::nano> took = Clock::now() - begun;
    return took.count() / static_cast<double>(rounds);
  }

 private:
  static CoreOptions options() {
    CoreOptions o;
    o.results_max = 1000;
    return o;
  }

  TaskId submit(Priority priority) {
    TaskSpec spec;
    spec.id = make_task_id(kNow, "default", random_);
    spec.type = "bench";
    spec.payload = "{}";
    spec.priority = priority;
    bytes_.clear();
    wire::encode_task(spec, bytes_);
    if (!core_.submit({spec, bytes_, {}}, kNow, sink_)) std::abort();
    if (ids_.empty()) ids_.push_back(spec.id);
    return spec.id;
  }

  Sink sink_;
  Core core_;
  Random random_{2};
  std::string bytes_;
  std::vector<TaskId> ids_;
  TaskId held_;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::size_t> backlogs = {1'000, 100'000, 1'000'000};
  if (argc > 1) backlogs = {std::strtoull(argv[1], nullptr, 10)};
  for (const std::size_t backlog : backlogs) {
    Bench bench(backlog);
    std::vector<double> took;
    for (int i = 0; i < kRepeats; ++i) took.push_back(bench.run(kRounds));
    std::sort(took.begin(), took.end());
    std::printf(
        "{\"bench\":\"core_lifecycle\",\"waiting\":%zu,\"ns_median\":%.0f,\"ns_min\":%.0f}\n",
        backlog, took[kRepeats / 2], took.front());
  }
  return 0;
}
