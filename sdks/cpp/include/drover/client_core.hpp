// The client's side of the conversation with the broker: which requests are out, which wait their
// turn, when one is sent again and when it is given up.
//
//              start                 next_to_send             received
//   -----------------------> waiting ------------> out ----------------------> completed
//                                ^                  | |
//                                '------------------' '--- advance: the deadline is over
//                                   advance: no answer for a while; reconnected
//
// Requests leave in the order in which they were started, at most `window` of them unanswered. One
// that is not answered goes out again, the same bytes: submissions carry their ids, so a repeat is
// safe. A wait is asked in slices, so that a broker that has forgotten it is asked again; it takes
// no room in the window.
//
// Pure: time arrives as `now`, frames go in and out as bytes. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/wire/messages.hpp"
#include "drover/task.hpp"

namespace drover {

// What the broker says of itself when a client connects.
struct BrokerInfo {
  std::uint32_t version = 0;
  StoreId store;
  std::string software;
  std::uint64_t message_max = 0;
  std::uint64_t payload_max = 0;
  std::uint64_t batch_max = 0;
  std::string status;   // address of the status bus
  std::string workers;  // address of the workers' socket
  std::string tenant;   // the only one that our key is for; "" = any
};

// How a request ended: with an error, with the outcomes of a submission, or with a body.
struct Completion {
  std::uint64_t request = 0;
  std::optional<Error> error = {};
  std::vector<Submitted> outcomes = {};
  std::string body = {};  // one msgpack value
  bool resent = false;    // it went out more than once, so it may have been carried out before
};

class ClientCore {
 public:
  struct Options {
    std::string software = "drover-cpp";
    Duration resend_after = 3s;  // then twice as long each time
    Duration wait_slice = 20s;
    Duration wait_grace = 2s;  // for the broker to say that a wait is over
    std::size_t window = 64;   // requests that are out at once
    std::size_t window_bytes = 8 * 1024 * 1024;
  };

  explicit ClientCore(Options options);

  // Takes a request on, which completes by `now` + `timeout` at the latest. Returns its number.
  // `message` is encoded at once: what it borrows need not live longer.
  std::uint64_t start(wire::ClientMessage message, Instant now, Duration timeout);

  // Likewise, but asks for as long as `timeout` says whether the task has ended; once at least.
  std::uint64_t start_wait(TaskId task, Instant now, Duration timeout);

  // A number of its own for something that needs no request.
  std::uint64_t reserve() { return next_++; }

  // Gives a request up: nothing will be told of it.
  void forget(std::uint64_t request);

  // True while less than a window is out or waiting: starting more would only queue it here.
  bool has_room() const;
  std::size_t unfinished() const { return requests_.size(); }

  // The next frame to send, valid until the next call of any other member but sent(). Then sent()
  // tells that it went; without that it is offered again.
  std::optional<std::string_view> next_to_send(Instant now);
  void sent(Instant now);

  // A frame of the broker's. One that cannot be read, or that answers nothing, is passed over.
  void received(std::string_view frame, Instant now);

  // The connection came up anew: what was out may be lost and goes out again.
  void reconnected();

  // Lets time pass: sends again, gives up.
  void advance(Instant now);
  Instant wake_at() const;  // when advance has something to do; kNever = not by itself

  std::optional<Completion> next_completed();

  // Known from the first answer to `connect` on.
  const std::optional<BrokerInfo>& broker() const { return broker_; }
  const std::optional<Error>& refusal() const { return refused_; }  // the broker will not have us
  std::uint64_t resent() const { return resent_; }                  // frames that went out again

 private:
  struct Request {
    std::string frame;
    Instant deadline;
    Instant due;  // of the next look at it: resend or deadline
    Duration patience;
    std::uint32_t sends = 0;
    bool out = false;
    std::optional<TaskId> wait;
    Instant wait_until;
  };
  using Requests = std::map<std::uint64_t, Request>;

  std::uint64_t take_on(wire::ClientMessage message, Instant now, Duration timeout);
  void encode_wait(std::uint64_t number, Request& request, Instant now);
  void set_due(Requests::iterator at, Instant due);
  void put_back(Requests::iterator at);
  void complete(Requests::iterator at, Completion completion);
  void erase(Requests::iterator at);
  void on(const wire::Connected& message, Instant now);
  void on(const wire::Accepted& message, Instant now);
  void on(const wire::Answer& message, Instant now);
  void on(const wire::Refused& message, Instant now);
  std::string connect_frame() const;

  Options options_;
  std::uint64_t next_ = 2;  // 1 is connect's
  Requests requests_;
  std::set<std::uint64_t> waiting_;  // for their turn to be sent, by age
  std::set<std::pair<Instant, std::uint64_t>> due_;
  std::deque<Completion> completed_;
  std::size_t waits_ = 0;  // among the requests
  std::size_t out_ = 0;    // waits excepted
  std::size_t out_bytes_ = 0;

  // The greeting, which goes before everything else.
  enum class Greeting : std::uint8_t { to_send, out, done };
  Greeting greeting_ = Greeting::to_send;
  std::string greeting_frame_;
  Instant greeting_due_ = kNever;
  std::uint64_t offered_ = 0;  // what next_to_send gave last
  std::optional<BrokerInfo> broker_;
  std::optional<Error> refused_;
  std::uint64_t resent_ = 0;
};

}  // namespace drover
