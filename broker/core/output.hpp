// What leaves the core: records for the store, orders for workers, answers that were waited for.
//
// The caller keeps what it is told here until everything appended before it is durable (heartbeats
// and refusals of strangers excepted), then sends it. Calls come in the order of the decisions.
#pragma once

#include <span>

#include "broker/core/fleet.hpp"
#include "broker/core/record.hpp"
#include "common/wire/messages.hpp"

namespace drover::broker {

class Output {
 public:
  virtual ~Output() = default;

  // Appends records that belong together; numbers and places are known at once. The first record's
  // views are only good during the call.
  struct Place {
    std::uint64_t first_seq = 0;
    Locator where;  // of the first record
  };
  virtual Place append(std::span<const Record> records) = 0;

  // Appends a newer copy of something old; it is no event.
  virtual Locator carry(const Record& record) = 0;

  // The record at `where` will not be read again.
  virtual void forget(const Locator& where) = 0;

  virtual void welcome(Peer peer, const wire::Welcome& welcome) = 0;
  // `item.task` is empty: the task's bytes are the blob of the record at `where`.
  virtual void assign(Peer peer, SessionId session, const wire::Assign::Item& item,
                      const Locator& where) = 0;
  virtual void confirm(Peer peer, SessionId session, const wire::Verdict& verdict) = 0;
  virtual void cancel(Peer peer, SessionId session, const wire::CancelAttempts::Item& item) = 0;
  virtual void drain(Peer peer, SessionId session) = 0;

  // These two may leave at once.
  virtual void alive(Peer peer, SessionId session) = 0;
  virtual void who(Peer peer, SessionId session, const Error& error) = 0;

  // A wait is over: the task has ended, or the time is up.
  virtual void wait_over(Peer peer, std::uint64_t request, const TaskId& task, bool ended) = 0;

  // Tells of an attempt's progress; an event without a number.
  virtual void progress(const Record& task, const wire::Progress::Item& item) = 0;
};

}  // namespace drover::broker
