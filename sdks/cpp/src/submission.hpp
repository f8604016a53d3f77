// One message's worth of tasks, on its way to being submitted: checked, given ids, encoded.
//
// Tasks that break a rule are refused here and not sent; the others' outcomes are put among them
// again when the broker has answered. Pure: time and randomness come as arguments.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/random.hpp"
#include "common/wire/messages.hpp"
#include "drover/client_core.hpp"
#include "drover/task.hpp"

namespace drover {

class Submission {
 public:
  // Takes tasks from the front of `tasks` as long as they fit into one message of the broker's,
  // gives those without an id one, those without a tenant the one that our key is for, and encodes
  // them. Takes one at least.
  Submission(std::span<NewTask> tasks, const BrokerInfo& broker, Instant now, Random& random);

  std::size_t taken() const { return outcomes_.size(); }
  bool is_empty() const { return sent_.empty(); }  // all were refused: there is nothing to send

  // The message; its number is filled in by who sends it. Valid while this lives.
  wire::Submit message() const;

  // All outcomes in the tasks' order. An id that was made here cannot have been known before, so
  // what the broker calls a duplicate was our own repeat.
  Result<std::vector<Submitted>> merge(std::vector<Submitted> answered);

 private:
  // A task that is sent: its place among those taken, and where its bytes are.
  struct Sent {
    std::size_t place;
    std::size_t begin;
    std::size_t size;
    bool own_id;
  };
  void refuse(const TaskId& id, const Error& error);

  std::vector<Submitted> outcomes_;
  std::vector<Sent> sent_;
  std::string bytes_;
};

}  // namespace drover
