// The thin shell around ClientCore: one connection, one clock, one poll.
//
// Everything that may take time happens in pump(), so every wait of the library is bounded and ends
// early when the caller's stop_fd becomes readable.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/base/random.hpp"
#include "common/transport/clock.hpp"
#include "common/transport/context.hpp"
#include "common/transport/dealer_socket.hpp"
#include "common/transport/poller.hpp"
#include "drover/client.hpp"
#include "sdks/cpp/src/submission.hpp"

namespace drover {

struct Client::Impl {
  static Result<std::unique_ptr<Impl>> open(const ClientOptions& options);

  Instant now() const { return clock.now(); }

  // Sends what is due, waits until something happens or `until`, takes what came. False once the
  // caller wants to stop.
  bool pump(Instant until);

  // Pumps until `good` holds. False: `until` came first. Errors: CANCELLED.
  template <class Until>
  Result<bool> pump_until(Until good, Instant until) {
    while (!good()) {
      if (!pump(until)) return stopped();
      if (!good() && now() >= until) return false;
    }
    return true;
  }

  // Waits for the answer to a started request. `resent` is told whether it went out more than once.
  Result<std::string> answer(std::uint64_t request, bool* resent = nullptr);
  Result<std::string> ask(wire::ClientMessage message, bool* resent = nullptr);

  Result<BrokerInfo> greet(Duration timeout);
  Result<Ticket> start(Submission submission);

  // Lets pump() wake up for a further socket; nullptr ends it.
  void listen_to(transport::Socket* socket);

  static Error stopped() { return {Errc::cancelled, "interrupted"}; }
  Error with_address(Error error) const;

  ClientOptions options;
  transport::ProcessClock clock;
  Random random;
  transport::Context context;
  transport::Curve curve;
  std::optional<transport::DealerSocket> dealer;
  std::optional<transport::ConnectionWatch> watch;
  transport::Socket* listened = nullptr;
  ClientCore core;

  std::map<Ticket, Submission> submissions;                 // under way
  std::deque<Done> done;                                    // ended, not told yet
  std::unordered_map<std::uint64_t, Completion> completed;  // answers to be fetched by number

 private:
  explicit Impl(const ClientOptions& o);
  void build_poller();
  void send_due();
  void receive();
  bool sort_completed();
  void finish(std::map<Ticket, Submission>::iterator at, Completion completion);

  transport::Poller poller_;
  std::optional<transport::Poller::Slot> stop_slot_;
  bool connection_is_full_ = false;
};

}  // namespace drover
