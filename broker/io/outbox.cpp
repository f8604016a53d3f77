#include "broker/io/outbox.hpp"

#include "broker/core/core.hpp"
#include "broker/core/planted.hpp"
#include "broker/io/answers.hpp"
#include "broker/io/authority.hpp"
#include "broker/io/events.hpp"
#include "broker/store/record_codec.hpp"
#include "common/base/assert.hpp"
#include "common/wire/map_writer.hpp"

namespace drover::broker {
namespace {

constexpr std::size_t kEventsBytes = 512 * 1024;  // of one page
constexpr std::size_t kEventsCount = 1000;

}  // namespace

Outbox::Outbox(Store& store, Outlet& outlet, std::size_t frame_max)
    : store_(store), outlet_(outlet), frame_max_(frame_max) {}

// --- what the core says

Output::Place Outbox::append(std::span<const Record> records) {
  scratch_.resize(std::max(scratch_.size(), records.size()));
  std::array<std::string_view, 2> bytes;
  DROVER_ASSERT(records.size() <= bytes.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    scratch_[i].clear();
    encode_record(records[i], scratch_[i]);
    bytes[i] = scratch_[i];
  }
  const Appended appended = store_.append(std::span(bytes).first(records.size()));
  const Place place{appended.first_seq, appended.where.front()};
  for (std::size_t i = 0; outlet_.has_subscribers() && i < records.size(); ++i) {
    Item& item = say(Kind::event, Peer{});
    item.bytes = topic_of(records[i]);
    item.topic_size = item.bytes.size();
    encode_event(records[i], place.first_seq + i, core_->store(), item.bytes);
    if (planted(Planted::event_before_durable)) item.position = 0;
  }
  return place;
}

Locator Outbox::carry(const Record& record) {
  std::string bytes;
  encode_record(record, bytes);
  return store_.carry(bytes);
}

void Outbox::worker_frame(Peer peer, const wire::WorkerOrder& order) {
  wire::encode(order, say(Kind::worker_frame, peer).bytes);
}

void Outbox::welcome(Peer peer, const wire::Welcome& welcome) { worker_frame(peer, welcome); }
void Outbox::drain(Peer peer, SessionId session) { worker_frame(peer, wire::Drain{session}); }

void Outbox::assign(Peer peer, SessionId session, const wire::Assign::Item& item,
                    const Locator& where) {
  Item& said = say(Kind::assign, peer);
  said.session = session;
  wire::encode_item(item, said.bytes);  // its last field, the task, is the blob
  add_blob(said, where);
}

void Outbox::confirm(Peer peer, SessionId session, const wire::Verdict& verdict) {
  refusals_.told(verdict.code);
  Item& said = say(Kind::confirm, peer);
  said.session = session;
  wire::encode_item(verdict, said.bytes);
}

void Outbox::cancel(Peer peer, SessionId session, const wire::CancelAttempts::Item& item) {
  Item& said = say(Kind::cancel, peer);
  said.session = session;
  wire::encode_item(item, said.bytes);
}

void Outbox::alive(Peer peer, SessionId session) {
  frame_.clear();
  wire::encode(wire::WorkerOrder(wire::Alive{session}), frame_);
  to_worker(peer, frame_);
}

void Outbox::who(Peer peer, SessionId session, const Error& error) {
  refusals_.told(error.code);
  frame_.clear();
  wire::encode(wire::WorkerOrder(wire::Who{session, error.code, error.message}), frame_);
  outlet_.send_to_worker(peer, frame_);
}

void Outbox::wait_over(Peer peer, std::uint64_t request, const TaskId& id, bool ended) {
  if (!ended) {
    return refuse(peer, request, {Errc::wait_timed_out, "the task has not ended yet; it goes on"});
  }
  auto view = core_->show(id);
  DROVER_ASSERT(view.has_value());
  task(peer, request, std::move(*view));
}

void Outbox::progress(const Record& task, const wire::Progress::Item& progress) {
  if (!outlet_.has_subscribers()) return;
  Item& item = say(Kind::event, Peer{});
  item.bytes = progress_topic(task);
  item.topic_size = item.bytes.size();
  encode_progress(task, progress, core_->store(), item.bytes);
}

// --- answers

void Outbox::accepted(Peer peer, const wire::SubmitReply& reply) {
  for (const auto& outcome : reply.outcomes) refusals_.told(outcome.code);
  wire::encode_item(reply, say(Kind::accepted, peer).bytes);
}

void Outbox::reply(Peer peer, const wire::ClientReply& reply) {
  Item& item = say(Kind::client_frame, peer);
  wire::encode(reply, item.bytes);
  item.counted = item.bytes.size();
  bytes_ += item.counted;
}

void Outbox::answer(Peer peer, std::uint64_t request, std::string body) {
  reply(peer, wire::Answer{request, body});
}

void Outbox::refuse(Peer peer, std::uint64_t request, const Error& error) {
  refusals_.told(error.code);
  reply(peer, wire::Refused{request, error.code, error.message, error.field, error.retry_after});
}

void Outbox::task(Peer peer, std::uint64_t request, TaskView view) {
  const Locator where = view.where;
  Item& item = say(Kind::client_frame, peer);
  item.request = request;
  item.view = std::make_unique<TaskView>(std::move(view));
  add_blob(item, where);
}

void Outbox::events(Peer peer, const wire::Events& question, const Principal& who) {
  if (question.store && *question.store != core_->store()) {
    return refuse(peer, question.request,
                  {Errc::events_foreign, "the cursor is of another store", "store"});
  }
  Item& item = say(Kind::client_frame, peer);
  item.request = question.request;
  item.question =
      std::make_unique<EventsQuestion>(EventsQuestion{std::string(question.prefix), who});
  item.waits_for_read = true;
  const std::size_t count = std::clamp<std::size_t>(question.limit, 1, kEventsCount);
  const std::uint64_t since = question.since + (planted(Planted::replay_skips_event) ? 1 : 0);
  store_.fetch_events(first_ticket_ + items_.size() - 1, since, count, kEventsBytes);
}

// --- keeping and reading

Outbox::Item& Outbox::say(Kind kind, Peer peer) {
  Item& item = items_.emplace_back();
  item.position = store_.appended();
  item.seq = store_.newest_seq();
  item.peer = peer;
  item.kind = kind;
  return item;
}

// Adds the blob of the record at `where`: now if it is in memory, otherwise when it has been read.
void Outbox::add_blob(Item& item, const Locator& where) {
  if (const auto record = store_.cached(where)) return finish_task(item, *record);
  item.waits_for_read = true;
  store_.fetch(first_ticket_ + items_.size() - 1, where);
}

void Outbox::take_fetched() {
  while (auto fetched = store_.next_fetched()) {
    DROVER_ASSERT(fetched->ticket >= first_ticket_ &&
                  fetched->ticket < first_ticket_ + items_.size());
    use_fetched(items_[fetched->ticket - first_ticket_], std::move(*fetched));
  }
}

void Outbox::use_fetched(Item& item, Fetched&& fetched) {
  item.waits_for_read = false;
  if (item.question) return finish_events(item, fetched);
  if (fetched.code != Errc::ok) {
    failure_ = Error{fetched.code, fetched.message};
    return;
  }
  finish_task(item, fetched.bytes);
}

void Outbox::finish_task(Item& item, std::string_view record) {
  const auto blob = blob_of(record);
  if (!blob) {
    failure_ = Error{Errc::store_damaged, "a record that was just read cannot be decoded"};
    return;
  }
  if (!item.view) {
    item.bytes += *blob;
    return;
  }
  std::string body;
  if (auto ok = encode_task_answer(*item.view, *blob, body); !ok) {
    failure_ = ok.error();
    return;
  }
  item.view.reset();
  wire::encode(wire::ClientReply(wire::Answer{item.request, body}), item.bytes);
}

void Outbox::finish_events(Item& item, const Fetched& fetched) {
  if (fetched.code == Errc::events_trimmed) {
    refusals_.told(fetched.code);
    wire::encode(
        wire::ClientReply(wire::Refused{item.request, fetched.code, fetched.message, "since"}),
        item.bytes);
    return;
  }
  if (fetched.code != Errc::ok) {
    failure_ = Error{fetched.code, fetched.message};
    return;
  }
  std::string list;
  std::size_t count = 0;
  std::uint64_t reached = 0;
  Instant reached_at = kNever;
  for (const auto& event : fetched.events) {
    const auto stored = decode_record(event.bytes);
    if (!stored) {
      failure_ = Error{Errc::store_damaged, "event " + std::to_string(event.seq) +
                                                " cannot be decoded: " + stored.error().message};
      return;
    }
    reached = event.seq;
    reached_at = stored->record.at;
    if (!reaches(item.question->who, stored->record.tenant, stored->record.queue)) continue;
    if (!topic_of(stored->record).starts_with(item.question->prefix)) continue;
    encode_event(stored->record, event.seq, core_->store(), list);
    ++count;
  }
  const std::string body = events_page(list, count, reached, reached_at);
  wire::encode(wire::ClientReply(wire::Answer{item.request, body}), item.bytes);
}

void Outbox::no_events(Peer peer, const wire::Events& question) {
  const std::uint64_t durable = store_.durable_seq();
  answer(peer, question.request,
         events_page("", 0, durable > question.since ? durable : 0, kNever));
}

std::string Outbox::events_page(std::string_view list, std::size_t count, std::uint64_t reached,
                                Instant reached_at) const {
  std::string body, events;
  wire::Writer(events).array(count).raw(list);
  wire::MapWriter m(body);
  m.raw("events", events);
  if (reached > 0) {
    m.uint("reached", reached);
  } else {
    m.nil("reached");
  }
  m.instant("reached_at", reached_at).str("store", to_string(core_->store()));
  m.uint("newest", store_.durable_seq()).finish();
  return body;
}

// --- sending

void Outbox::release() {
  take_fetched();
  const bool early = planted(Planted::ack_before_write);
  const std::uint64_t durable = early ? store_.appended() : store_.durable();
  while (!items_.empty() && !failure_) {
    Item& item = items_.front();
    if (item.position > durable || item.waits_for_read) break;
    send(item);
    bytes_ -= item.counted;
    items_.pop_front();
    ++first_ticket_;
  }
  flush_all();
}

std::uint64_t Outbox::told_seq() const {
  const std::uint64_t durable = store_.durable_seq();
  if (items_.empty()) return durable;
  const std::uint64_t next = items_.front().seq;
  return std::min(durable, next == 0 ? 0 : next - 1);
}

void Outbox::send(Item& item) {
  switch (item.kind) {
    case Kind::event:
      outlet_.publish(std::string_view(item.bytes).substr(0, item.topic_size),
                      std::string_view(item.bytes).substr(item.topic_size));
      ++published_;
      return;
    default: return gather(item);
  }
}

// Adds the item to its peer's frame; one of another kind is sent first, so that order is kept.
void Outbox::gather(Item& item) {
  const bool to_client = item.kind == Kind::client_frame || item.kind == Kind::accepted;
  const std::uint64_t key = static_cast<std::uint64_t>(item.peer) * 2 + (to_client ? 1 : 0);
  const auto [at, is_new] = gathering_.try_emplace(key, gathered_.size());
  if (is_new) gathered_.push_back({item.peer, {item.kind, item.session, 0, {}}});
  Gathered& gathered = gathered_[at->second].second;
  const bool is_frame = item.kind == Kind::client_frame || item.kind == Kind::worker_frame;
  const bool joins = gathered.kind == item.kind && gathered.session == item.session && !is_frame &&
                     gathered.items.size() + item.bytes.size() + 64 <= frame_max_;
  if (!joins) {
    flush(item.peer, gathered);
    gathered.kind = item.kind;
    gathered.session = item.session;
  }
  gathered.items += item.bytes;
  ++gathered.count;
}

void Outbox::flush(Peer peer, Gathered& g) {
  if (g.count == 0) return;
  frame_.clear();
  switch (g.kind) {
    case Kind::accepted: wire::begin_accepted(g.count, frame_); break;
    case Kind::assign: wire::begin_assign(g.session, g.count, frame_); break;
    case Kind::confirm: wire::begin_confirm(g.session, g.count, frame_); break;
    case Kind::cancel: wire::begin_cancel(g.session, g.count, frame_); break;
    case Kind::client_frame:
    case Kind::worker_frame:
    case Kind::event: break;
  }
  frame_ += g.items;
  if (g.kind == Kind::client_frame || g.kind == Kind::accepted) {
    outlet_.send_to_client(peer, frame_);
  } else {
    to_worker(peer, frame_);
  }
  g.items.clear();
  g.count = 0;
}

void Outbox::flush_all() {
  for (auto& [peer, gathered] : gathered_) flush(peer, gathered);
  gathered_.clear();
  gathering_.clear();
}

void Outbox::to_worker(Peer peer, std::string_view frame) {
  const bool reached = outlet_.send_to_worker(peer, frame);
  if (!reached && (unreachable_.empty() || unreachable_.back() != peer)) {
    unreachable_.push_back(peer);
  }
}

}  // namespace drover::broker
