// Answers to questions: a task, and the books.

#include "common/wire/reader.hpp"
#include "tests/simulation/checker.hpp"

namespace drover::sim {
namespace {

// The number that an entry of a queue's map stands for in the ledger; nullptr for other entries.
std::int64_t* place_of(LedgerBooks& books, std::string_view key) {
  if (key == "submitted") return &books.submitted;
  if (key == "purged") return &books.purged;
  const auto state = parse_task_state(key);
  if (!state || *state == TaskState::blocked) return nullptr;
  if (*state == TaskState::running) return &books.running;
  if (!has_ended(*state)) return &books.waiting;
  return &books.ended[static_cast<std::size_t>(*state) -
                      static_cast<std::size_t>(TaskState::completed)];
}

void add_queues(wire::Reader& r, LedgerBooks& sum) {
  for (auto queues = r.array(); queues > 0 && !r.failed(); --queues) {
    for (auto left = r.map(); left > 0 && !r.failed(); --left) {
      const auto key = r.str();
      if (std::int64_t* place = place_of(sum, key)) {
        *place += static_cast<std::int64_t>(r.uint());
      } else {
        r.skip();
      }
    }
  }
}

}  // namespace

void Checker::check_queues(const Expected& expected, std::string_view body) {
  wire::Reader r(body);
  LedgerBooks told;
  std::uint64_t seq = expected.seq;
  if (expected.kind == Expected::Kind::queues) {
    add_queues(r, told);
  } else {
    for (auto left = r.map(); left > 0 && !r.failed(); --left) {
      const auto key = r.str();
      if (key == "queues") {
        add_queues(r, told);
      } else if (key == "seq") {
        seq = r.uint();
      } else {
        r.skip();
      }
    }
  }
  if (r.failed()) return fail("the books cannot be read");
  if (seq != expected.seq) return fail("promise 8: the books hold for another event than they say");
  if (told != expected.total) fail("promise 2: the books that are told are not the records'");
}

void Checker::check_task(const Expected& expected, std::string_view body) {
  if (expected.task == kNoTask) return fail("a task is shown that was never submitted");
  wire::Reader r(body);
  std::optional<TaskState> state;
  std::uint64_t attempt = 0, failures = 0;
  for (auto left = r.map(); left > 0 && !r.failed(); --left) {
    const auto key = r.str();
    if (key == "state") {
      state = parse_task_state(r.str());
    } else if (key == "attempt") {
      attempt = r.uint();
    } else if (key == "failures") {
      failures = r.uint();
    } else {
      r.skip();
    }
  }
  if (r.failed() || !state) return fail("a shown task cannot be read");
  const TaskEntry& entry = ledger_[expected.task];
  if (expected.kind == Expected::Kind::wait) {
    const auto place =
        static_cast<std::size_t>(*state) - static_cast<std::size_t>(TaskState::completed);
    const bool true_and_durable =
        has_ended(*state) && entry.life.ended[place] > 0 && is_durable(entry.life.ended[place]);
    if (!true_and_durable) fail("a wait for " + name(entry) + " is over before it has ended");
    return;
  }
  const bool same = (*state == expected.state || (waits(*state) && waits(expected.state))) &&
                    attempt == expected.attempt && failures == expected.failures;
  if (!same) fail(name(entry) + " is shown otherwise than it is");
}

}  // namespace drover::sim
