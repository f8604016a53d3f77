#include "drover/client_core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/wire/codec.hpp"

namespace drover {
namespace {

constexpr std::uint64_t kGreeting = 1;  // the number of the request `connect`
constexpr Duration kGreetingPatience = 1s;
constexpr int kPatienceDoublings = 4;

std::string encoded(const wire::ClientMessage& message) {
  std::string frame;
  wire::encode(message, frame);
  return frame;
}

Submitted owned(const wire::SubmitOutcome& outcome) {
  Submitted submitted;
  submitted.id = outcome.id;
  submitted.state = outcome.state;
  submitted.duplicate = outcome.duplicate;
  submitted.warning = outcome.warning;
  if (outcome.code != Errc::ok) {
    submitted.refused = Error{outcome.code, std::string(outcome.message),
                              std::string(outcome.field), outcome.retry_after};
  }
  return submitted;
}

Error no_answer(Duration waited, bool ever_connected) {
  return {Errc::broker_unavailable,
          ever_connected ? fmt::format("the broker gave no answer within {}", to_string(waited))
                         : fmt::format("no broker answered within {}", to_string(waited))};
}

}  // namespace

ClientCore::ClientCore(Options options) : options_(std::move(options)) {}

std::uint64_t ClientCore::start(wire::ClientMessage message, Instant now, Duration timeout) {
  return take_on(std::move(message), now, timeout);
}

std::uint64_t ClientCore::start_wait(TaskId task, Instant now, Duration timeout) {
  const auto number = take_on(wire::Wait{0, task, timeout}, now, timeout + options_.wait_grace);
  auto& request = requests_.at(number);
  ++waits_;
  request.wait = task;
  request.wait_until = now + timeout;
  return number;
}

std::uint64_t ClientCore::take_on(wire::ClientMessage message, Instant now, Duration timeout) {
  const auto number = next_++;
  std::visit([&](auto& m) { m.request = number; }, message);
  const auto at = requests_.try_emplace(number).first;
  at->second.frame = encoded(message);
  at->second.deadline = now + timeout;
  at->second.due = kNever;
  at->second.patience = timeout;
  waiting_.insert(number);
  set_due(at, at->second.deadline);
  return number;
}

// A slice of the wait, at most what is left of it.
void ClientCore::encode_wait(std::uint64_t number, Request& request, Instant now) {
  const auto left = std::max(request.wait_until - now, Duration(0));
  request.frame = encoded(wire::Wait{number, *request.wait, std::min(left, options_.wait_slice)});
}

void ClientCore::forget(std::uint64_t request) {
  const auto at = requests_.find(request);
  if (at != requests_.end()) erase(at);
}

bool ClientCore::has_room() const {
  return requests_.size() - waits_ < options_.window && out_bytes_ < options_.window_bytes;
}

std::string ClientCore::connect_frame() const {
  return encoded(wire::Connect{kGreeting, wire::kVersion, options_.software});
}

// The greeting goes first; before it has been answered once, nothing else goes at all.
std::optional<std::string_view> ClientCore::next_to_send(Instant now) {
  if (refused_) return std::nullopt;
  if (greeting_ == Greeting::to_send) {
    greeting_frame_ = connect_frame();
    offered_ = kGreeting;
    return greeting_frame_;
  }
  if (!broker_ || waiting_.empty()) return std::nullopt;
  const auto at = requests_.find(*waiting_.begin());
  const bool room = out_ == 0 || (out_ < options_.window && out_bytes_ < options_.window_bytes);
  if (!room && !at->second.wait) return std::nullopt;
  if (at->second.wait) encode_wait(at->first, at->second, now);
  offered_ = at->first;
  return at->second.frame;
}

void ClientCore::sent(Instant now) {
  if (offered_ == kGreeting) {
    greeting_ = Greeting::out;
    greeting_due_ = now + kGreetingPatience;
    return;
  }
  const auto at = requests_.find(offered_);
  if (at == requests_.end() || at->second.out) return;
  auto& request = at->second;
  waiting_.erase(at->first);
  request.out = true;
  if (request.sends++ > 0) ++resent_;
  if (!request.wait) {
    ++out_;
    out_bytes_ += request.frame.size();
  }
  const auto doublings = std::min<int>(static_cast<int>(request.sends) - 1, kPatienceDoublings);
  const auto patience = options_.resend_after * (1 << doublings);
  set_due(at, now + patience + (request.wait ? options_.wait_slice : Duration(0)));
}

void ClientCore::set_due(Requests::iterator at, Instant due) {
  due_.erase({at->second.due, at->first});
  at->second.due = std::min(due, at->second.deadline);
  due_.emplace(at->second.due, at->first);
}

// Back into the line, to be sent again.
void ClientCore::put_back(Requests::iterator at) {
  if (!at->second.out) return;
  at->second.out = false;
  if (!at->second.wait) {
    --out_;
    out_bytes_ -= at->second.frame.size();
  }
  waiting_.insert(at->first);
  set_due(at, at->second.deadline);
}

void ClientCore::erase(Requests::iterator at) {
  put_back(at);
  if (at->second.wait) --waits_;
  waiting_.erase(at->first);
  due_.erase({at->second.due, at->first});
  requests_.erase(at);
}

void ClientCore::complete(Requests::iterator at, Completion completion) {
  completion.request = at->first;
  completion.resent = at->second.sends > 1;
  completed_.push_back(std::move(completion));
  erase(at);
}

void ClientCore::reconnected() {
  greeting_ = Greeting::to_send;
  for (auto at = requests_.begin(); at != requests_.end(); ++at) put_back(at);
}

void ClientCore::advance(Instant now) {
  if (greeting_ == Greeting::out && now >= greeting_due_) greeting_ = Greeting::to_send;
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto at = requests_.find(due_.begin()->second);
    if (now < at->second.deadline) {
      put_back(at);
      continue;
    }
    const bool asked = at->second.wait && broker_ && at->second.sends > 0;
    complete(at,
             {.error = asked ? Error{Errc::wait_timed_out, "the task has not ended yet; it goes on"}
                             : no_answer(at->second.patience, broker_.has_value())});
  }
}

Instant ClientCore::wake_at() const {
  const auto greeting = greeting_ == Greeting::out ? greeting_due_ : kNever;
  return due_.empty() ? greeting : std::min(greeting, due_.begin()->first);
}

std::optional<Completion> ClientCore::next_completed() {
  if (completed_.empty()) return std::nullopt;
  auto completion = std::move(completed_.front());
  completed_.pop_front();
  return completion;
}

void ClientCore::received(std::string_view frame, Instant now) {
  const auto reply = wire::decode_client_reply(frame);
  if (!reply) return;
  std::visit([&](const auto& message) { on(message, now); }, *reply);
}

void ClientCore::on(const wire::Connected& m, Instant) {
  greeting_ = Greeting::done;
  broker_ = BrokerInfo{m.version,
                       m.store,
                       std::string(m.software),
                       m.message_max,
                       m.payload_max,
                       m.batch_max,
                       std::string(m.status),
                       std::string(m.workers),
                       std::string(m.tenant)};
}

void ClientCore::on(const wire::Accepted& m, Instant) {
  for (const auto& reply : m.replies) {
    const auto at = requests_.find(reply.request);
    if (at == requests_.end()) continue;
    Completion completion;
    completion.outcomes.reserve(reply.outcomes.size());
    for (const auto& outcome : reply.outcomes) completion.outcomes.push_back(owned(outcome));
    complete(at, std::move(completion));
  }
}

void ClientCore::on(const wire::Answer& m, Instant) {
  const auto at = requests_.find(m.request);
  if (at != requests_.end()) complete(at, {.body = std::string(m.body)});
}

void ClientCore::on(const wire::Refused& m, Instant now) {
  const Error error{m.code, std::string(m.message), std::string(m.field), m.retry_after};
  if (m.request == kGreeting) {
    refused_ = error;
    while (!requests_.empty()) complete(requests_.begin(), {.error = error});
    return;
  }
  const auto at = requests_.find(m.request);
  if (at == requests_.end()) return;
  const bool slice_is_over =
      at->second.wait && m.code == Errc::wait_timed_out && now < at->second.wait_until;
  if (slice_is_over) {
    at->second.sends = 0;
    put_back(at);
  } else {
    complete(at, {.error = error});
  }
}

}  // namespace drover
