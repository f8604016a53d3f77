#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "bench/load/load.hpp"
#include "common/observe/signals.hpp"
#include "common/transport/clock.hpp"
#include "common/transport/dealer_socket.hpp"
#include "common/transport/poller.hpp"
#include "common/wire/codec.hpp"
#include "workers/core/worker_core.hpp"

namespace drover::bench {
namespace {

constexpr int kFramesATurn = 128;

// A connection to the broker, and who tells when it stands.
struct Link {
  transport::DealerSocket socket;
  transport::ConnectionWatch watch;  // goes first
};

// The whole worker: a socket, the worker's core, and attempts that end when their time is over.
class InstantWorker : public workers::WorkerSink {
 public:
  InstantWorker(const WorkOptions& options, std::ofstream& history, std::uint64_t seed)
      : options_(options),
        history_(history),
        random_(seed),
        core_(profile(seed), {}, Random(seed), *this) {}

  // In place of the one before: as if that had broken, what lay in its pipes is gone.
  void connect(Link link) {
    link_.reset();
    link_.emplace(std::move(link));
  }
  void watch(transport::Poller& poller) {
    poller.add(link_->socket);
    poller.add(link_->watch);
  }

  void turn(Instant now, bool stop) {
    now_ = now;
    if (stop) core_.begin_drain(now);
    if (link_->watch.take_connected()) core_.connected(now);
    for (int i = 0; i < kFramesATurn; ++i) {
      const auto frame = link_->socket.receive();
      if (!frame) break;
      if (heard_at_) longest_silence_ = std::max(longest_silence_, now - *heard_at_);
      heard_at_ = now;
      if (const auto order = wire::decode_worker_order(frame->view())) core_.on_order(*order, now);
    }
    while (!running_.empty() && running_.front().ends <= now) {
      const wire::Hold hold = running_.front().hold;
      running_.pop_front();
      core_.finished(hold, end(), now);
    }
    core_.advance(now);
  }

  Instant wake_at() const {
    const Instant deadline = core_.next_deadline();
    return running_.empty() ? deadline : std::min(deadline, running_.front().ends);
  }
  bool stopped() const { return core_.has_stopped(); }
  std::uint64_t started() const { return started_; }
  Duration longest_silence() const { return longest_silence_; }

  void send(const wire::WorkerMessage& message) override {
    frame_.clear();
    wire::encode(message, frame_);
    (void)link_->socket.send(frame_);  // what is lost is repeated
  }
  void start(workers::AttemptOrder order) override {
    ++started_;
    if (history_.is_open()) {
      history_ << to_string(order.hold.task) << ' ' << order.hold.attempt << ' ' << to_ms(now_)
               << ' ' << to_ms(order.created_at) << '\n';
    }
    running_.push_back({order.hold, now_ + options_.hold});
  }
  void confirmed(const wire::Hold& hold, Errc code) override {
    if (code != Errc::ok || !history_.is_open()) return;
    history_ << to_string(hold.task) << ' ' << hold.attempt << " ok\n";
  }
  void cancel(const wire::Hold& hold, Duration, workers::StopReason) override {
    for (auto& attempt : running_) {
      if (attempt.hold == hold) attempt.ends = now_;
    }
  }
  void stopped(const Error&) override {}

 private:
  struct Running {
    wire::Hold hold;
    Instant ends;
  };

  workers::AttemptEnd end() {
    workers::AttemptEnd end;
    if (random_.below(1000) < options_.failures_permille) {
      end.outcome = Outcome::failed;
      end.error.code = "LOAD_FAILED";
      end.error.message = "one of the failures that were asked for";
      end.error.retryable = true;
    } else {
      end.result = options_.result;
    }
    return end;
  }

  workers::WorkerProfile profile(std::uint64_t seed) const {
    Random random(seed ^ 1);
    workers::WorkerProfile p;
    p.id = WorkerId{make_uuid_v4(random)};
    p.host = "localhost";
    p.pid = static_cast<std::uint64_t>(::getpid());
    p.software = "bench_load";
    p.types = {options_.type};
    p.slots = options_.window;
    return p;
  }

  const WorkOptions& options_;
  std::optional<Link> link_;
  std::ofstream& history_;
  Random random_;
  workers::WorkerCore core_;
  std::deque<Running> running_;  // all take the same time, so the first ends first
  std::string frame_;
  Instant now_;
  std::optional<Instant> heard_at_;  // of the broker
  Duration longest_silence_{0};
  std::uint64_t started_ = 0;
};

// All workers of the process, in one thread.
class Crew {
 public:
  Crew(const WorkOptions& options, int signals, std::uint64_t seed)
      : options_(options), signals_(signals), random_(seed) {
    if (!options.history.empty()) history_.open(options.history, std::ios::app);
  }

  Result<void> start() {
    const auto curve = transport::read_client_keys(keys_of_environment());
    if (!curve) return curve.error();
    socket_options_.curve = *curve;
    for (std::uint32_t i = 0; i < options_.workers; ++i) {
      auto link = connect();
      if (!link) return link.error();
      workers_.push_back(std::make_unique<InstantWorker>(options_, history_, random_.next()));
      workers_.back()->connect(std::move(*link));
    }
    if (options_.reconnects > 0) reconnect_at_ = clock_.now();
    return {};
  }

  void run() {
    watch();
    while (!stopped()) {
      poller_->wait(std::max(Duration(0), wake_at() - clock_.now()));
      const bool stop = poller_->ready(0);
      if (clock_.now() >= reconnect_at_) reconnect_one();
      for (auto& worker : workers_) worker->turn(clock_.now(), stop);
      history_.flush();
    }
  }

  std::uint64_t started() const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->started();
    return sum;
  }
  std::uint64_t reconnected() const { return reconnected_; }
  Duration longest_silence() const {
    Duration longest{0};
    for (const auto& worker : workers_) longest = std::max(longest, worker->longest_silence());
    return longest;
  }

 private:
  Result<Link> connect() {
    auto socket =
        transport::DealerSocket::to(context_, options_.connect, socket_options_, random_.next());
    auto watch = socket.watch(context_);
    if (!watch) return watch.error();
    return Link{std::move(socket), std::move(*watch)};
  }

  void watch() {
    poller_.emplace();
    poller_->add(signals_);
    for (auto& worker : workers_) worker->watch(*poller_);
  }

  void reconnect_one() {
    reconnect_at_ += Duration(60'000 / options_.reconnects);
    auto link = connect();
    if (!link) return;
    poller_.reset();  // it must not outlive a socket that it watches
    workers_[random_.below(workers_.size())]->connect(std::move(*link));
    ++reconnected_;
    watch();
  }

  Instant wake_at() const {
    Instant at = reconnect_at_;
    for (const auto& worker : workers_) at = std::min(at, worker->wake_at());
    return at;
  }
  bool stopped() const {
    return std::ranges::all_of(workers_, [](const auto& worker) { return worker->stopped(); });
  }

  const WorkOptions& options_;
  int signals_;
  Random random_;
  transport::Context context_;
  transport::SocketOptions socket_options_;
  transport::ProcessClock clock_;
  std::ofstream history_;
  std::vector<std::unique_ptr<InstantWorker>> workers_;
  std::optional<transport::Poller> poller_;
  Instant reconnect_at_ = kNever;
  std::uint64_t reconnected_ = 0;
};

}  // namespace

int work(const WorkOptions& options) {
  const observe::Signals signals;
  std::random_device entropy;
  Crew crew(options, signals.fd(), (std::uint64_t{entropy()} << 32) | entropy());
  if (auto started = crew.start(); !started) {
    std::fprintf(stderr, "bench_load: %s\n", started.error().message.c_str());
    return 1;
  }
  crew.run();
  std::printf("{\"started\":%llu,\"reconnected\":%llu,\"longest_silence_ms\":%lld}\n",
              static_cast<unsigned long long>(crew.started()),
              static_cast<unsigned long long>(crew.reconnected()),
              static_cast<long long>(crew.longest_silence().count()));
  return 0;
}

}  // namespace drover::bench
