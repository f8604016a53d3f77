// The outbox: what the core has said, kept back until it is true on disk.
//
//   core ─► outbox ─► [waits: all records appended before it are durable, its payload is read] ─►
//   outlet
//
// What is said to one peer, and to the bus, leaves in the order in which it was said. What one turn
// has for one peer is gathered into as few frames as fit. Payloads that are not in memory are read
// while the commit runs. Only heartbeats and answers to strangers pass by.
//
// One thread. Memory: what one group of commits has to say, bounded by the backlog at which the
// turn stops reading clients.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "broker/core/output.hpp"
#include "broker/core/views.hpp"
#include "broker/io/outlet.hpp"
#include "broker/io/principal.hpp"
#include "broker/io/refusals.hpp"
#include "broker/store/store.hpp"
#include "common/wire/codec.hpp"

namespace drover::broker {

class Core;

class Outbox : public Output {
 public:
  // All three must outlive the outbox; `core` is asked for the task when a wait is over.
  Outbox(Store& store, Outlet& outlet, std::size_t frame_max);

  void set_core(const Core* core) { core_ = core; }

  // --- Output
  Place append(std::span<const Record> records) override;
  Locator carry(const Record& record) override;
  void forget(const Locator& where) override { store_.forget(where); }
  void welcome(Peer peer, const wire::Welcome& welcome) override;
  void assign(Peer peer, SessionId session, const wire::Assign::Item& item,
              const Locator& where) override;
  void confirm(Peer peer, SessionId session, const wire::Verdict& verdict) override;
  void cancel(Peer peer, SessionId session, const wire::CancelAttempts::Item& item) override;
  void drain(Peer peer, SessionId session) override;
  void alive(Peer peer, SessionId session) override;
  void who(Peer peer, SessionId session, const Error& error) override;
  void wait_over(Peer peer, std::uint64_t request, const TaskId& task, bool ended) override;
  void progress(const Record& task, const wire::Progress::Item& item) override;

  // --- answers to clients
  void accepted(Peer peer, const wire::SubmitReply& reply);
  void answer(Peer peer, std::uint64_t request, std::string body);
  void refuse(Peer peer, std::uint64_t request, const Error& error);
  void reply(Peer peer, const wire::ClientReply& reply);
  void task(Peer peer, std::uint64_t request, TaskView view);
  // Those within reach of `who`, of the events that are looked at.
  void events(Peer peer, const wire::Events& question, const Principal& who);
  // An empty page, that reaches as far as the log goes.
  void no_events(Peer peer, const wire::Events& question);

  // Sends all that may leave now. Workers that were not there come back in unreachable().
  void release();
  std::vector<Peer> take_unreachable() { return std::exchange(unreachable_, {}); }

  // A read of the store failed: the broker cannot go on. STORE_DAMAGED or IO_FAILED.
  const std::optional<Error>& failure() const { return failure_; }

  // The newest event of which all is told that had to be: nothing said up to it still waits for the
  // disk or for a payload.
  std::uint64_t told_seq() const;

  // What was refused, counted where it is said.
  Refusals& refusals() { return refusals_; }

  bool empty() const { return items_.empty(); }
  // Of answers that wait, about; payloads are bounded by the workers' windows.
  std::size_t bytes() const { return bytes_; }
  std::size_t size() const { return items_.size(); }
  std::uint64_t published() const { return published_; }

 private:
  enum class Kind : std::uint8_t {
    client_frame,
    accepted,
    worker_frame,
    assign,
    confirm,
    cancel,
    event
  };

  struct EventsQuestion {
    std::string prefix;
    Principal who;
  };

  // One thing to say. `bytes` is a frame, an item of one, or (of an event) topic and event.
  struct Item {
    std::uint64_t position = 0;  // appended() when it was said
    std::uint64_t seq = 0;       // newest_seq() then
    std::size_t counted = 0;     // of bytes()
    Peer peer{};
    Kind kind = Kind::client_frame;
    bool waits_for_read = false;
    SessionId session{};
    std::uint64_t request = 0;
    std::size_t topic_size = 0;
    std::string bytes;
    std::unique_ptr<TaskView> view;
    std::unique_ptr<EventsQuestion> question;
  };

  // A frame being gathered for one peer.
  struct Gathered {
    Kind kind = Kind::accepted;
    SessionId session{};
    std::size_t count = 0;
    std::string items;
  };

  Item& say(Kind kind, Peer peer);
  void worker_frame(Peer peer, const wire::WorkerOrder& order);
  void add_blob(Item& item, const Locator& where);
  void take_fetched();
  void use_fetched(Item& item, Fetched&& fetched);
  void finish_task(Item& item, std::string_view record);
  void finish_events(Item& item, const Fetched& fetched);
  std::string events_page(std::string_view list, std::size_t count, std::uint64_t reached,
                          Instant reached_at) const;
  void send(Item& item);
  void gather(Item& item);
  void flush(Peer peer, Gathered& gathered);
  void flush_all();
  void to_worker(Peer peer, std::string_view frame);

  Store& store_;
  Outlet& outlet_;
  const Core* core_ = nullptr;
  std::size_t frame_max_;

  std::deque<Item> items_;
  std::uint64_t first_ticket_ = 1;  // of items_.front(); an item's ticket is its place in all
  std::size_t bytes_ = 0;
  std::uint64_t published_ = 0;

  absl::flat_hash_map<std::uint64_t, std::size_t> gathering_;  // by socket and peer, in gathered_
  std::vector<std::pair<Peer, Gathered>> gathered_;
  std::vector<Peer> unreachable_;
  std::optional<Error> failure_;
  Refusals refusals_;

  std::vector<std::string> scratch_;
  std::string frame_;
};

}  // namespace drover::broker
