// Follows the status bus without a gap: every durable event once, in order, through restarts of the
// broker and lost connections.
//
//   auto follower = drover::Follower::start(client, drover::Since::now());
//   while (auto got = follower->next(1s)) {          // an error: it was interrupted
//     if (*got) print((*got)->event);                // nothing: a second passed
//   }
//
// A follower uses its client's connection for questions, in the same thread; other calls of the
// client may go on between.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <nlohmann/json_fwd.hpp>

#include "drover/client.hpp"
#include "drover/follow_core.hpp"

namespace drover {

// Where to begin.
struct Since {
  struct Now {};
  struct Beginning {};  // the oldest event that is kept
  std::variant<Now, Beginning, Cursor, Instant> value;

  static Since now() { return {Now{}}; }
  static Since beginning() { return {Beginning{}}; }
  static Since cursor(const Cursor& cursor) { return {cursor}; }
  static Since instant(Instant at) { return {at}; }  // events at or after it
};

// {"store","seq"?,"ts","type","tenant","subject","data","traceparent"?}, and "cursor" of durable
// ones.
nlohmann::json to_json(const BusEvent& event);

class Follower {
 public:
  // Listens first, then asks where the log stands, so nothing falls between. Errors as of any call.
  // The client must outlive the follower.
  static Result<Follower> start(Client& client, const Since& since);

  Follower(Follower&&) noexcept;
  Follower& operator=(Follower&&) noexcept;
  ~Follower();

  // The next event, or nothing within `timeout`. Error: CANCELLED.
  Result<std::optional<Followed>> next(Duration timeout);

  // Where to go on later: behind the newest event that next() gave.
  const Cursor& cursor() const;

  // Why nothing can be asked at present: the broker is away, for instance.
  const std::optional<Error>& trouble() const;

 private:
  struct Impl;
  explicit Follower(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace drover
