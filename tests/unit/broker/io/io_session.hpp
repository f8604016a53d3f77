// The small vocabulary of the broker's mouth: a store whose disk the test moves by hand, an outlet
// that writes down what leaves, and names for tasks, peers and sessions.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/record.hpp"
#include "broker/io/outlet.hpp"
#include "broker/store/store.hpp"
#include "common/wire/codec.hpp"
#include "tests/support/msgpack_text.hpp"

namespace drover::broker::testing {

inline constexpr Instant kThen = instant_from_ms(1'769'846'709'007);

inline TaskId task_named(char name) {
  TaskId id;
  id.bytes.fill(static_cast<std::uint8_t>(name));
  return id;
}
inline WorkerId worker_named(char name) { return WorkerId{task_named(name).bytes}; }
inline StoreId store_named(char name) { return StoreId{task_named(name).bytes}; }
inline char name_of(const TaskId& id) { return static_cast<char>(id.bytes[0]); }

// A store that commits, forgets and reads only when the test says so.
class HeldStore : public Store {
 public:
  // --- what a test does
  void commit() { durable_ = records_.size(); }
  void commit(std::uint64_t position) { durable_ = position; }
  // From now on no record is in memory: all must be fetched.
  void cool() { warm_ = false; }
  // What was fetched under the ticket arrives; `damage` may change it first.
  void bring(std::uint64_t ticket, const std::function<void(Fetched&)>& damage = nullptr) {
    Fetched fetched = std::move(asked_.at(ticket));
    asked_.erase(ticket);
    if (damage) damage(fetched);
    brought_.push_back(std::move(fetched));
  }
  void bring_all() {
    while (!asked_.empty()) bring(asked_.begin()->first);
  }
  std::vector<std::uint64_t> asked() const {
    std::vector<std::uint64_t> tickets;
    for (const auto& [ticket, fetched] : asked_) tickets.push_back(ticket);
    return tickets;
  }
  std::uint64_t oldest = 1;
  std::vector<std::size_t> appends;  // how many records each append had
  std::vector<Locator> forgotten;
  std::size_t events_asked = 0;  // the count of the newest fetch_events

  // --- Store
  Result<void> open(const std::function<Result<void>(const Kept&)>&) override { return {}; }
  StoreId id() const override { return store_named('S'); }
  void set_books(std::function<std::string()>) override {}
  Appended append(std::span<const std::string_view> records) override {
    appends.push_back(records.size());
    places_.clear();
    const std::uint64_t first = newest_seq_ + 1;
    for (const auto record : records) places_.push_back(add(record, ++newest_seq_));
    return {first, places_};
  }
  Locator carry(std::string_view record) override { return add(record, 0); }
  void flush() override {}
  std::uint64_t appended() const override { return records_.size(); }
  std::uint64_t durable() override { return durable_; }
  std::uint64_t newest_seq() const override { return newest_seq_; }
  std::uint64_t durable_seq() override {
    std::uint64_t seq = 0;
    for (std::size_t i = 0; i < durable_; ++i) seq = std::max(seq, records_[i].seq);
    return seq;
  }
  std::uint64_t oldest_seq() const override { return oldest; }
  std::optional<Error> failure() override { return std::nullopt; }
  std::size_t backlog_bytes() const override { return 0; }
  bool takes_submissions() override { return true; }
  bool takes_leases() override { return true; }
  std::optional<std::string_view> cached(const Locator& where) override {
    if (!warm_) return std::nullopt;
    return records_.at(where.offset).bytes;
  }
  void forget(const Locator& where) override { forgotten.push_back(where); }
  void fetch(std::uint64_t ticket, const Locator& where) override {
    Fetched fetched;
    fetched.ticket = ticket;
    fetched.bytes = records_.at(where.offset).bytes;
    asked_[ticket] = std::move(fetched);
  }
  void fetch_events(std::uint64_t ticket, std::uint64_t since, std::size_t count,
                    std::size_t) override {
    Fetched fetched;
    fetched.ticket = ticket;
    events_asked = count;
    if (since + 1 < oldest) {
      fetched.code = Errc::events_trimmed;
      fetched.message = "trimmed";
    }
    for (const auto& record : records_) {
      const bool wanted = record.seq > since && fetched.code == Errc::ok;
      if (wanted && fetched.events.size() < count)
        fetched.events.push_back({record.seq, record.bytes});
    }
    asked_[ticket] = std::move(fetched);
  }
  std::optional<Fetched> next_fetched() override {
    if (brought_.empty()) return std::nullopt;
    auto fetched = std::move(brought_.front());
    brought_.pop_front();
    return fetched;
  }
  void set_live_bytes(std::uint64_t) override {}
  std::optional<Kept> next_to_clean() override { return std::nullopt; }
  int wake_fd() const override { return -1; }
  void acknowledge_wake() override {}
  StoreFigures figures() const override { return {}; }
  void close() override {}

 private:
  struct Entry {
    std::string bytes;
    std::uint64_t seq;
  };
  Locator add(std::string_view record, std::uint64_t seq) {
    records_.push_back({std::string(record), seq});
    return {1, static_cast<std::uint32_t>(records_.size() - 1),
            static_cast<std::uint32_t>(record.size())};
  }

  std::deque<Entry> records_;
  std::vector<Locator> places_;
  std::map<std::uint64_t, Fetched> asked_;
  std::deque<Fetched> brought_;
  std::uint64_t durable_ = 0;
  std::uint64_t newest_seq_ = 0;
  bool warm_ = true;
};

// Writes each frame and event that leaves as a line, in order:
//   "client 1: accepted 7 [a ready]"   "worker 5: assign a1 b1 in 9"   "event task.created a"
class NotebookOutlet : public Outlet {
 public:
  std::vector<std::string> lines;
  std::vector<std::pair<std::string, std::string>> events;  // topic, event
  std::size_t largest_frame = 0;
  bool listened_to = true;
  std::set<std::uint64_t> gone;  // peers that nobody answers for

  void send_to_client(Peer peer, std::string_view frame) override {
    largest_frame = std::max(largest_frame, frame.size());
    const auto reply = wire::decode_client_reply(frame);
    ASSERT_TRUE(reply) << reply.error().message;
    std::string line = "client " + number(peer) + ":";
    std::visit([&](const auto& m) { line += note(m); }, *reply);
    lines.push_back(line);
  }
  bool send_to_worker(Peer peer, std::string_view frame) override {
    if (gone.contains(static_cast<std::uint64_t>(peer))) return false;
    largest_frame = std::max(largest_frame, frame.size());
    const auto order = wire::decode_worker_order(frame);
    if (!order) {
      ADD_FAILURE() << order.error().message;
      return true;
    }
    std::string line = "worker " + number(peer) + ":";
    std::visit([&](const auto& m) { line += note(m) + session(m.session); }, *order);
    lines.push_back(line);
    return true;
  }
  void publish(std::string_view topic, std::string_view event) override {
    events.emplace_back(topic, event);
    const auto type = topic.substr(topic.find('/') + 1);
    lines.push_back("event " + std::string(type.substr(0, type.find('/'))));
  }
  bool has_subscribers() const override { return listened_to; }

 private:
  static std::string number(Peer peer) { return std::to_string(static_cast<std::uint64_t>(peer)); }
  static std::string session(SessionId id) {
    return " in " + std::to_string(static_cast<std::uint64_t>(id));
  }
  static std::string spell(const TaskId& id, std::uint32_t attempt) {
    return std::string(" ") + name_of(id) + std::to_string(attempt);
  }

  static std::string note(const wire::Connected& m) {
    return " connected " + std::to_string(m.request);
  }
  static std::string note(const wire::Accepted& m) {
    std::string text = " accepted";
    for (const auto& reply : m.replies) {
      text += " " + std::to_string(reply.request) + " [";
      for (const auto& o : reply.outcomes) {
        text += name_of(o.id);
        text += ' ';
        text += o.code == Errc::ok ? drover::name_of(o.state) : drover::name_of(o.code);
      }
      text += "]";
    }
    return text;
  }
  static std::string note(const wire::Answer& m) {
    return " answer " + std::to_string(m.request) + " " + drover::testing::spell_msgpack(m.body);
  }
  static std::string note(const wire::Refused& m) {
    return " refused " + std::to_string(m.request) + " " + std::string(drover::name_of(m.code)) +
           (m.field.empty() ? "" : " " + std::string(m.field));
  }
  static std::string note(const wire::Welcome&) { return " welcome"; }
  static std::string note(const wire::Assign& m) {
    std::string text = " assign";
    for (const auto& item : m.items) {
      const auto spec = wire::decode_task(item.task);
      if (!spec) return text + " unreadable: " + spec.error().message;
      text += spell(spec->id, item.attempt) + "(" + std::string(spec->payload) + ")";
    }
    return text;
  }
  static std::string note(const wire::Confirm& m) {
    std::string text = " confirm";
    for (const auto& v : m.items) text += spell(v.task, v.attempt);
    return text;
  }
  static std::string note(const wire::CancelAttempts& m) {
    std::string text = " cancel";
    for (const auto& item : m.items) text += spell(item.task, item.attempt);
    return text;
  }
  static std::string note(const wire::Drain&) { return " drain"; }
  static std::string note(const wire::Alive&) { return " alive"; }
  static std::string note(const wire::Who& m) {
    return " who " + std::string(drover::name_of(m.code));
  }
};

}  // namespace drover::broker::testing
