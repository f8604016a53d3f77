// What the turn does about peers that come too fast or send what nobody can read.

#include "broker/io/turn.hpp"

namespace drover::broker {
namespace {

// Questions that look at many things count as many requests.
constexpr std::uint64_t kLook = 100;
constexpr std::uint64_t kEventsPage = 10;

template <class M>
std::uint64_t cost_of(const M&) {
  return 1;
}
std::uint64_t cost_of(const wire::List&) { return kLook; }
std::uint64_t cost_of(const wire::DeadLetters&) { return kLook; }
std::uint64_t cost_of(const wire::Queues&) { return kLook; }
std::uint64_t cost_of(const wire::Workers&) { return kLook; }
std::uint64_t cost_of(const wire::Books&) { return kLook; }
std::uint64_t cost_of(const wire::Events&) { return kEventsPage; }

Error too_fast(std::string_view limit, std::string_view what, Duration pause) {
  return {Errc::rate_limited,
          std::string(limit) + ": " + std::string(what) + " of this connection come too fast",
          {},
          pause};
}

bool is_greeting(const wire::WorkerMessage& message) {
  return std::holds_alternative<wire::Hello>(message) ||
         std::holds_alternative<wire::Heartbeat>(message) ||
         std::holds_alternative<wire::Progress>(message);
}

}  // namespace

// Asked before the frame is read: one that is refused costs no more than the refusal.
bool Turn::admit_client(Peer peer, std::string_view frame) {
  using What = PeerLimits::What;
  if (client_limits_.ignores(peer, clock_)) {
    refusals().dropped(Errc::rate_limited);
    return false;
  }
  if (const auto pause = client_limits_.pause(peer, What::request, clock_); pause > 0ms) {
    outbox_.refuse(peer, wire::peek_request(frame),
                   too_fast("limits.peer_requests", "requests", pause));
    return false;
  }
  const auto pause = client_limits_.pause(peer, What::task, clock_);
  if (pause == 0ms || !wire::peek_is_submit(frame)) return true;
  outbox_.refuse(peer, wire::peek_request(frame), too_fast("limits.peer_tasks", "tasks", pause));
  return false;
}

void Turn::charge(Peer peer, const wire::ClientMessage& message) {
  const auto cost = std::visit([](const auto& m) { return cost_of(m); }, message);
  client_limits_.take(peer, PeerLimits::What::request, cost, clock_);
  if (const auto* submit = std::get_if<wire::Submit>(&message)) {
    client_limits_.take(peer, PeerLimits::What::task, submit->tasks.size(), clock_);
  }
}

// What is dropped here comes again: workers repeat whatever was not answered.
bool Turn::admit_worker(Peer peer) {
  using What = PeerLimits::What;
  if (worker_limits_.ignores(peer, clock_) ||
      worker_limits_.pause(peer, What::request, clock_) > 0ms) {
    refusals().dropped(Errc::rate_limited);
    return false;
  }
  worker_limits_.take(peer, What::request, 1, clock_);
  return true;
}

bool Turn::admit(Peer peer, const wire::WorkerMessage& message) {
  using What = PeerLimits::What;
  if (!is_greeting(message)) return true;
  if (worker_limits_.pause(peer, What::greeting, clock_) > 0ms) {
    refusals().dropped(Errc::rate_limited);
    return false;
  }
  worker_limits_.take(peer, What::greeting, 1, clock_);
  return true;
}

// The error to answer with; the last one before a peer is ignored says so.
Error Turn::malformed(PeerLimits& limits, Peer peer, Error error) {
  ++figures_.refused_frames;
  if (const auto pause = limits.malformed(peer, clock_); pause > 0ms) {
    error.message += "; limits.malformed is reached, so nothing more is read of this connection";
    error.retry_after = pause;
  }
  return error;
}

void Turn::drop_foreign(PeerLimits& limits, Peer peer) {
  if (peer != Peer{} && !limits.ignores(peer, clock_)) limits.malformed(peer, clock_);
  refusals().dropped(Errc::malformed);
}

void Turn::count_refused(const std::vector<Changed>& changed) {
  for (const auto& c : changed) {
    if (!c.state) refusals().told(c.state.error().code);
  }
}

void Turn::tell(const ProcessFigures& figures) {
  refusals().dropped(Errc::resource_exhausted,
                     figures.subscriptions_refused - process_.subscriptions_refused);
  process_ = figures;
  core_->set_memory_short(figures.memory_short);
}

void Turn::write_protection(wire::MapWriter& m) {
  m.raw("refused", refusals().to_map()).uint("dropped_frames", refusals().dropped());
  m.uint("ignored_peers", client_limits_.ignored() + worker_limits_.ignored());
  m.uint("memory_bytes", process_.memory).uint("memory_max_bytes", process_.memory_max);
  m.boolean("memory_short", process_.memory_short);
  m.uint("descriptors", process_.descriptors).uint("descriptors_max", process_.descriptors_max);
  m.boolean("listening", process_.listening).uint("subscriptions", process_.subscriptions);
  m.uint("answers_undelivered", process_.undelivered).uint("events_untold", process_.untold);
}

}  // namespace drover::broker
