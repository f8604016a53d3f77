#include "sdks/cpp/src/client_impl.hpp"

#include <fmt/format.h>
#include <zmq.h>

#include <algorithm>
#include <random>
#include <utility>

#include "drover_version.hpp"

namespace drover {
namespace {

constexpr Duration kFullPause = 10ms;  // before a frame that found no room is offered again
constexpr int kFramesPerRound = 1000;  // taken in before something else has its turn
constexpr Duration kLookAround = 1s;   // the longest sleep

ClientCore::Options core_options(const ClientOptions& options) {
  ClientCore::Options core;
  core.software =
      options.software.empty() ? fmt::format("drover-cpp/{}", kVersion) : options.software;
  core.window = options.window;
  return core;
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// "tcp://host" of "tcp://host:port".
std::string before_port(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

}  // namespace

Client::Impl::Impl(const ClientOptions& o)
    : options(o), random(fresh_seed()), core(core_options(o)) {}

Result<std::unique_ptr<Client::Impl>> Client::Impl::open(const ClientOptions& options) {
  std::unique_ptr<Impl> impl(new Impl(options));
  auto curve = transport::read_client_keys(options.keys);
  if (!curve) return curve.error();
  impl->curve = std::move(*curve);
  transport::SocketOptions socket;
  socket.curve = impl->curve;
  impl->dealer.emplace(
      transport::DealerSocket::to(impl->context, options.url, socket, impl->random.next()));
  auto watch = impl->dealer->watch(impl->context);
  if (!watch) return watch.error();
  impl->watch.emplace(std::move(*watch));
  impl->build_poller();
  return impl;
}

void Client::Impl::build_poller() {
  poller_ = {};
  poller_.add(*dealer);
  poller_.add(*watch);
  if (options.stop_fd >= 0) stop_slot_ = poller_.add(options.stop_fd);
  if (listened != nullptr) poller_.add(*listened);
}

void Client::Impl::listen_to(transport::Socket* socket) {
  listened = socket;
  build_poller();
}

bool Client::Impl::pump(Instant until) {
  core.advance(now());
  send_due();
  const bool news = sort_completed();
  const auto wake = std::min({until, core.wake_at(), now() + kLookAround});
  auto pause = news ? Duration(0) : std::max(wake - now(), Duration(0));
  if (connection_is_full_) pause = std::min(pause, kFullPause);
  poller_.wait(pause);
  if (watch->take_connected()) core.reconnected();
  receive();
  core.advance(now());
  send_due();
  sort_completed();
  return !stop_slot_ || !poller_.ready(*stop_slot_);
}

void Client::Impl::send_due() {
  connection_is_full_ = false;
  while (const auto frame = core.next_to_send(now())) {
    if (dealer->send(*frame) != transport::Sent::sent) {
      connection_is_full_ = true;
      return;
    }
    core.sent(now());
  }
}

void Client::Impl::receive() {
  for (int i = 0; i < kFramesPerRound; ++i) {
    const auto frame = dealer->receive();
    if (!frame) return;
    core.received(frame->view(), now());
  }
}

// Submissions go into the line of those that ended; other answers wait to be fetched.
bool Client::Impl::sort_completed() {
  bool any = false;
  while (auto completion = core.next_completed()) {
    any = true;
    const auto at = submissions.find(completion->request);
    if (at != submissions.end()) {
      finish(at, std::move(*completion));
    } else {
      const auto number = completion->request;
      completed.insert_or_assign(number, std::move(*completion));
    }
  }
  return any;
}

void Client::Impl::finish(std::map<Ticket, Submission>::iterator at, Completion completion) {
  Done ended{at->first, std::nullopt, {}};
  if (completion.error) {
    ended.error = with_address(std::move(*completion.error));
  } else if (auto merged = at->second.merge(std::move(completion.outcomes)); merged) {
    ended.outcomes = std::move(*merged);
  } else {
    ended.error = merged.error();
  }
  submissions.erase(at);
  done.push_back(std::move(ended));
}

Result<std::string> Client::Impl::answer(std::uint64_t request, bool* resent) {
  const auto came = pump_until([&] { return completed.contains(request); }, kNever);
  if (!came) {
    core.forget(request);
    return came.error();
  }
  auto completion = std::move(completed.extract(request).mapped());
  if (resent != nullptr) *resent = completion.resent;
  if (completion.error) return with_address(std::move(*completion.error));
  return std::move(completion.body);
}

Result<std::string> Client::Impl::ask(wire::ClientMessage message, bool* resent) {
  return answer(core.start(std::move(message), now(), options.timeout), resent);
}

Result<BrokerInfo> Client::Impl::greet(Duration timeout) {
  const auto known = [&] { return core.broker() || core.refusal(); };
  const auto came = pump_until(known, now() + timeout);
  if (!came) return came.error();
  if (core.refusal()) return *core.refusal();
  if (core.broker()) return *core.broker();
  return with_address(
      {Errc::broker_unavailable, fmt::format("no broker answered within {}", to_string(timeout))});
}

Result<Ticket> Client::Impl::start(Submission submission) {
  if (submission.is_empty()) {
    const Ticket ticket = core.reserve();
    Done ended{ticket, std::nullopt, {}};
    ended.outcomes = std::move(*submission.merge({}));
    done.push_back(std::move(ended));
    return ticket;
  }
  const Ticket ticket = core.start(submission.message(), now(), options.timeout);
  submissions.emplace(ticket, std::move(submission));
  return ticket;
}

Error Client::Impl::with_address(Error error) const {
  if (error.code != Errc::broker_unavailable) return error;
  error.message += " (" + options.url + ")";
  if (!watch->trouble().empty()) error.message += ": " + watch->trouble();
  return error;
}

std::string zeromq_version() {
  int major = 0, minor = 0, patch = 0;
  zmq_version(&major, &minor, &patch);
  return fmt::format("{}.{}.{}", major, minor, patch);
}

std::string reached_through(const std::string& url, const std::string& advertised) {
  const auto host = before_port(advertised);
  const bool everywhere = host == "tcp://0.0.0.0" || host == "tcp://[::]" || host == "tcp://*";
  return everywhere ? before_port(url) + advertised.substr(host.size()) : advertised;
}

}  // namespace drover
