// A core with a small vocabulary around it, for tests that read as sessions.
//
// Records are kept as bytes, as a store would, so that `restart()` recovers a new core from them.
// What the core says is there at once; nothing waits for a disk.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/core.hpp"
#include "broker/store/record_codec.hpp"
#include "common/wire/codec.hpp"

namespace drover::broker {

// A task of type `work` for the default tenant; a test says what it wants otherwise.
struct Wish {
  std::string type = "work";
  std::string payload = "{}";
  Priority priority = Priority::normal;
  std::string tenant = {};
  std::string queue = {};
  std::optional<Duration> delay = {};
  std::optional<Duration> ttl = {};
  std::optional<std::uint32_t> max_attempts = {};
  std::string key = {};
  std::vector<std::string_view> capabilities = {};
  std::optional<Duration> timeout = {};
  std::string gate = {};
  std::string concurrency_key = {};
  std::string rate_key = {};
  std::optional<std::uint32_t> rate_cost = {};
};

class CoreTest : public ::testing::Test, protected Output {
 protected:
  struct Assigned {
    Peer peer;
    SessionId session;
    TaskId task;
    std::uint32_t attempt;
  };
  struct Told {
    Peer peer;
    wire::Verdict verdict;
  };
  struct WaitEnd {
    Peer peer;
    std::uint64_t request;
    bool ended;
  };
  struct Journaled {
    RecordKind kind;
    std::string bytes;
    std::uint64_t seq;
  };

  CoreTest() { make_core(); }

  static constexpr Instant at(double seconds) {
    return instant_from_ms(1'790'000'000'000 + static_cast<std::int64_t>(seconds * 1000));
  }

  // --- what tests do

  TaskId new_id(std::string_view tenant = "default") { return make_task_id(now_, tenant, ids_); }

  Result<Admitted> submit_as(const TaskId& id, const Wish& wish) {
    TaskSpec spec;
    spec.id = id;
    spec.type = wish.type;
    spec.payload = wish.payload;
    spec.priority = wish.priority;
    spec.tenant = wish.tenant;
    spec.queue = wish.queue;
    spec.delay = wish.delay;
    spec.ttl = wish.ttl;
    spec.max_attempts = wish.max_attempts;
    spec.idempotency_key = wish.key;
    spec.required_capabilities = wish.capabilities;
    spec.timeout = wish.timeout;
    spec.gate = wish.gate;
    spec.concurrency_key = wish.concurrency_key;
    spec.rate_key = wish.rate_key;
    spec.rate_cost = wish.rate_cost;
    std::string bytes;
    wire::encode_task(spec, bytes);
    return core_->submit({*wire::decode_task(bytes), bytes, {}}, now_, *this);
  }

  TaskId submit(const Wish& wish = {}) {
    const TaskId id = new_id(wish.tenant.empty() ? "default" : wish.tenant);
    const auto admitted = submit_as(id, wish);
    EXPECT_TRUE(admitted) << admitted.error().message;
    return id;
  }

  // A worker says hello and is told its session.
  SessionId hello(int worker, std::uint32_t window = 1,
                  const std::vector<std::string_view>& types = {"work"},
                  const std::vector<wire::Hold>& holds = {},
                  const std::vector<std::string_view>& capabilities = {}) {
    wire::Hello m;
    m.worker = worker_id(worker);
    m.host = "test";
    m.types = types;
    m.capabilities = capabilities;
    m.slots = m.window = window;
    m.holds = holds;
    core_->hello(peer(worker), m, now_, *this);
    core_->set_told_seq(seq_);
    return welcomes_.empty() ? SessionId{} : welcomes_.back().session;
  }

  static WorkerId worker_id(int worker) {
    WorkerId id;
    id.bytes[15] = static_cast<std::uint8_t>(worker);
    return id;
  }
  static Peer peer(int worker) { return Peer{static_cast<std::uint64_t>(worker)}; }

  // Leases what can be leased and gives what was assigned.
  std::vector<Assigned> dispatch() {
    assigned_.clear();
    core_->dispatch(now_, *this);
    return assigned_;
  }

  Errc done(int worker, SessionId session, const Assigned& a, std::string_view result = "{}") {
    wire::Done m{session, {{a.task, a.attempt, result, {}, {}}}};
    return verdict([&] { core_->done(peer(worker), m, now_, *this); });
  }

  Errc failed(int worker, SessionId session, const Assigned& a, bool retryable = true,
              Outcome outcome = Outcome::failed) {
    wire::Failed m{session, {{a.task, a.attempt, outcome, "X", "it broke", retryable, 0ms, {}}}};
    return verdict([&] { core_->failed(peer(worker), m, now_, *this); });
  }

  Errc released(int worker, SessionId session, const Assigned& a) {
    wire::Released m{session, {{a.task, a.attempt}}};
    return verdict([&] { core_->released(peer(worker), m, now_, *this); });
  }

  void heartbeat(int worker, SessionId session, const std::vector<wire::Hold>& holds,
                 bool draining = false) {
    core_->set_told_seq(seq_);
    core_->heartbeat(peer(worker), {session, draining, holds}, now_, *this);
  }

  // Time passes, in steps no longer than a second.
  void pass(Duration span) {
    const Instant end = now_ + span;
    while (now_ < end) {
      now_ = std::min(end, now_ + 1s);
      core_->advance(now_, *this);
    }
  }

  TaskState state(const TaskId& id) {
    const auto view = core_->show(id);
    EXPECT_TRUE(view.has_value());
    return view ? view->state : TaskState::blocked;
  }

  TaskView view(const TaskId& id) { return core_->show(id).value(); }

  // The broker is killed and started again on what it wrote.
  void restart() {
    make_core();
    for (std::size_t i = 0; i < journal_.size(); ++i) {
      if (journal_[i].bytes.empty()) continue;
      const auto stored = decode_record(journal_[i].bytes);
      ASSERT_TRUE(stored);
      const auto ok = core_->recover(stored->record, where(i));
      ASSERT_TRUE(ok) << ok.error().message;
    }
    const auto ok = core_->finish_recovery(now_);
    ASSERT_TRUE(ok) << ok.error().message;
  }

  std::vector<RecordKind> kinds() const {
    std::vector<RecordKind> list;
    for (const auto& j : journal_) list.push_back(j.kind);
    return list;
  }

  std::size_t count(RecordKind kind) const {
    std::size_t n = 0;
    for (const auto& j : journal_) n += j.kind == kind;
    return n;
  }

  void expect_books_balance() {
    for (const auto& queue : core_->queues(now_)) EXPECT_TRUE(queue.books.balance()) << queue.queue;
  }

  // --- what the core says

  Place append(std::span<const Record> records) override {
    Place place{seq_ + 1, where(journal_.size())};
    for (const auto& record : records) {
      std::string bytes;
      encode_record(record, bytes);
      journal_.push_back({record.kind, std::move(bytes), ++seq_});
    }
    place.where.length = static_cast<std::uint32_t>(journal_[place.where.offset].bytes.size());
    return place;
  }
  Locator carry(const Record& record) override {
    std::string bytes;
    encode_record(record, bytes);
    journal_.push_back({record.kind, std::move(bytes), 0});
    return where(journal_.size() - 1);
  }
  void forget(const Locator&) override {}
  void welcome(Peer, const wire::Welcome& w) override { welcomes_.push_back(w); }
  void assign(Peer peer, SessionId session, const wire::Assign::Item& item,
              const Locator& where) override {
    const auto stored = decode_record(journal_[where.offset].bytes);
    const auto spec = wire::decode_task(stored->record.blob);
    assigned_.push_back({peer, session, spec->id, item.attempt});
  }
  void confirm(Peer peer, SessionId, const wire::Verdict& v) override {
    told_.push_back({peer, v});
  }
  void cancel(Peer peer, SessionId, const wire::CancelAttempts::Item& item) override {
    cancelled_.push_back({peer, {item.task, item.attempt, Errc::ok}});
  }
  void drain(Peer, SessionId) override {}
  void alive(Peer, SessionId) override { ++alive_; }
  void who(Peer, SessionId, const Error& error) override { strangers_.push_back(error.code); }
  void wait_over(Peer peer, std::uint64_t request, const TaskId&, bool ended) override {
    wait_ends_.push_back({peer, request, ended});
  }
  void progress(const Record&, const wire::Progress::Item&) override {}

  Locator where(std::size_t i) const {
    const auto length = i < journal_.size() ? journal_[i].bytes.size() : 0;
    return {1, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(length)};
  }

  template <class Say>
  Errc verdict(const Say& say) {
    told_.clear();
    say();
    return told_.empty() ? Errc::internal : told_.back().verdict.code;
  }

  void make_core() {
    core_ = std::make_unique<Core>(options_, Random(7));
    core_->set_store(StoreId{});
  }

  CoreOptions options_;
  Instant now_ = at(0);
  Random ids_{42};
  std::unique_ptr<Core> core_;
  std::vector<Journaled> journal_;
  std::uint64_t seq_ = 0;
  std::vector<wire::Welcome> welcomes_;
  std::vector<Assigned> assigned_;
  std::vector<Told> told_, cancelled_;
  std::vector<Errc> strangers_;
  std::vector<WaitEnd> wait_ends_;
  int alive_ = 0;
};

}  // namespace drover::broker
