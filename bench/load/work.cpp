#include <unistd.h>

#include <cstdio>
#include <deque>
#include <fstream>
#include <random>

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

// The whole worker: a socket, the worker's core, and attempts that end when their time is over.
class InstantWorker : public workers::WorkerSink {
 public:
  InstantWorker(const WorkOptions& options, transport::DealerSocket& socket, std::uint64_t seed)
      : options_(options), socket_(socket), core_(profile(seed), {}, Random(seed), *this) {
    if (!options.history.empty()) history_.open(options.history, std::ios::app);
  }

  void turn(Instant now, bool stop) {
    now_ = now;
    if (stop) core_.begin_drain(now);
    for (int i = 0; i < kFramesATurn; ++i) {
      const auto frame = socket_.receive();
      if (!frame) break;
      if (const auto order = wire::decode_worker_order(frame->view())) core_.on_order(*order, now);
    }
    while (!running_.empty() && running_.front().ends <= now) {
      workers::AttemptEnd end;
      end.result = options_.result;
      const wire::Hold hold = running_.front().hold;
      running_.pop_front();
      core_.finished(hold, std::move(end), now);
    }
    core_.advance(now);
    history_.flush();
  }

  Instant wake_at() const {
    const Instant deadline = core_.next_deadline();
    return running_.empty() ? deadline : std::min(deadline, running_.front().ends);
  }
  bool stopped() const { return core_.has_stopped(); }
  std::uint64_t started() const { return started_; }

  void send(const wire::WorkerMessage& message) override {
    frame_.clear();
    wire::encode(message, frame_);
    (void)socket_.send(frame_);  // what is lost is repeated
  }
  void start(workers::AttemptOrder order) override {
    ++started_;
    if (history_.is_open()) {
      history_ << to_string(order.hold.task) << ' ' << order.hold.attempt << ' ' << to_ms(now_)
               << ' ' << to_ms(order.created_at) << '\n';
    }
    running_.push_back({order.hold, now_ + options_.hold});
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
  transport::DealerSocket& socket_;
  workers::WorkerCore core_;
  std::deque<Running> running_;  // all take the same time, so the first ends first
  std::ofstream history_;
  std::string frame_;
  Instant now_;
  std::uint64_t started_ = 0;
};

}  // namespace

int work(const WorkOptions& options) {
  const observe::Signals signals;
  std::random_device entropy;
  const std::uint64_t seed = (std::uint64_t{entropy()} << 32) | entropy();
  transport::Context context;
  const transport::ProcessClock clock;
  transport::SocketOptions socket_options;
  const auto curve = transport::read_client_keys(keys_of_environment());
  if (!curve) {
    std::fprintf(stderr, "bench_load: %s\n", curve.error().message.c_str());
    return 1;
  }
  socket_options.curve = *curve;
  auto socket = transport::DealerSocket::connect(context, options.connect, socket_options, seed);
  if (!socket) {
    std::fprintf(stderr, "bench_load: %s\n", socket.error().message.c_str());
    return 1;
  }
  InstantWorker worker(options, *socket, seed);
  transport::Poller poller;
  poller.add(*socket);
  const auto stop = poller.add(signals.fd());
  while (!worker.stopped()) {
    poller.wait(std::max(Duration(0), worker.wake_at() - clock.now()));
    worker.turn(clock.now(), poller.ready(stop));
  }
  std::printf("{\"started\":%llu}\n", static_cast<unsigned long long>(worker.started()));
  return 0;
}

}  // namespace drover::bench
