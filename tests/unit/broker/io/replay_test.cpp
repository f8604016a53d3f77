// A broker lives through everything that can happen to a task, with somebody listening; what they
// heard is what a later reader of the log is answered.

#include <gtest/gtest.h>

#include <set>

#include "broker/io/turn.hpp"
#include "broker/store/memory_store.hpp"
#include "common/wire/reader.hpp"
#include "tests/unit/broker/io/io_session.hpp"

namespace drover::broker::testing {
namespace {

constexpr Peer kClient{1}, kWorker{5}, kSecond{6};

// Frames in, frames out, as the sockets would.
class Listener : public Outlet {
 public:
  void send_to_client(Peer, std::string_view frame) override { replies.emplace_back(frame); }
  bool send_to_worker(Peer, std::string_view frame) override {
    const auto order = wire::decode_worker_order(frame);
    if (order && std::holds_alternative<wire::Welcome>(*order)) {
      welcomed = std::get<wire::Welcome>(*order).session;
    }
    if (order && std::holds_alternative<wire::Assign>(*order)) {
      for (const auto& item : std::get<wire::Assign>(*order).items) {
        assigned.push_back({wire::decode_task(item.task)->id, item.attempt});
      }
    }
    return true;
  }
  void publish(std::string_view topic, std::string_view event) override {
    if (topic != kTick && topic.find("/task.progress/") == std::string_view::npos) {
      heard.emplace_back(topic, event);
    }
  }
  bool has_subscribers() const override { return true; }

  static constexpr std::string_view kTick = "_system/bus/tick";
  std::vector<std::string> replies;
  std::vector<std::pair<std::string, std::string>> heard;
  std::vector<wire::Hold> assigned;
  SessionId welcomed{};
};

class ReplaySession : public ::testing::Test {
 protected:
  ReplaySession() {
    TurnOptions options;
    options.core.poison_after = 1;
    options.core.dlq_ttl = 10min;
    options.core.policy.backoff = {.base = 0ms, .max = 0ms};
    turn.emplace(options, store, listener, 1);
    EXPECT_TRUE(turn->start(now));
  }

  // One turn with one frame in it.
  void client(const wire::ClientMessage& message) {
    std::string frame;
    wire::encode(message, frame);
    turn->begin(now);
    turn->on_client_frame(kClient, everybody(), frame);
    turn->finish();
  }
  void worker(Peer peer, const wire::WorkerMessage& message) {
    std::string frame;
    wire::encode(message, frame);
    turn->begin(now);
    turn->on_worker_frame(peer, everybody(), frame);
    turn->finish();
  }
  // Time passes, turn by turn; a worker that is told to lives on.
  void pass(Duration duration) {
    for (const Instant until = now + duration; now < until;) {
      now = std::clamp(turn->wake_at(), now + 1ms, until);
      turn->begin(now);
      turn->finish();
    }
  }

  SessionId hello(Peer peer, char name) {
    wire::Hello m;
    m.worker = worker_named(name);
    m.host = "node-7";
    m.pid = 4711;
    m.types = {"work"};
    m.slots = m.window = 10;
    worker(peer, m);
    return listener.welcomed;
  }

  TaskId submit(const std::function<void(TaskSpec&)>& say = nullptr) {
    TaskSpec spec;
    spec.id = make_task_id(now, "default", ids);
    spec.type = "work";
    spec.payload = "{}";
    if (say) say(spec);
    std::string bytes;
    wire::encode_task(spec, bytes);
    client(wire::Submit{1, {{{}, bytes, {}}}});
    return spec.id;
  }
  // The attempt of the task that is assigned.
  wire::Hold lease(const TaskId& task) {
    for (auto at = listener.assigned.rbegin(); at != listener.assigned.rend(); ++at) {
      if (at->task == task) return *at;
    }
    ADD_FAILURE() << "never assigned";
    return {};
  }
  void fail(Peer peer, SessionId session, const wire::Hold& hold, bool retryable) {
    wire::Failed::Item item;
    item.task = hold.task;
    item.attempt = hold.attempt;
    item.code = "TASK_FAILED";
    item.message = "no";
    item.retryable = retryable;
    item.usage = {1, 2, 3};
    worker(peer, wire::Failed{session, {item}});
  }

  // All that the log answers, page by page.
  std::vector<std::string> read_log() {
    std::vector<std::string> events;
    for (std::uint64_t since = 0;;) {
      client(wire::Events{7, std::nullopt, since, "", 10});
      const auto reply = wire::decode_client_reply(listener.replies.back());
      EXPECT_TRUE(reply && std::holds_alternative<wire::Answer>(*reply));
      wire::Reader r(std::get<wire::Answer>(*reply).body);
      r.map();
      EXPECT_EQ(r.str(), "events");
      const auto count = r.array();
      for (std::uint32_t i = 0; i < count; ++i) events.emplace_back(r.raw());
      EXPECT_EQ(r.str(), "reached");
      if (r.take_nil()) return events;
      since = r.uint();
    }
  }

  MemoryStore store{{.seed = 1}};
  Listener listener;
  std::optional<Turn> turn;
  Instant now = kThen;
  Random ids{7};
};

TEST_F(ReplaySession, WhatWasHeardLiveIsWhatTheLogAnswersByteForByte) {
  const auto horse = hello(kWorker, 'h');

  const auto completes = submit([](TaskSpec& s) {
    s.user_id = "user-7";
    s.agent_id = "agent-1";
    s.traceparent = "00-af-b7-01";
    s.idempotency_key = "key";
    s.ttl = 1h;
  });
  worker(kWorker, wire::Done{horse, {{completes, 1, "{\"y\":1}", "text/plain", {10, 20, 30}}}});

  const auto dies = submit([](TaskSpec& s) { s.max_attempts = 2; });
  fail(kWorker, horse, lease(dies), true);
  pass(10ms);
  fail(kWorker, horse, lease(dies), true);
  const auto fatal = submit();
  fail(kWorker, horse, lease(fatal), false);
  client(wire::Retry{2, {fatal}});

  const auto waits = submit([](TaskSpec& s) { s.delay = 1h; });
  client(wire::Cancel{3, {waits}});
  const auto stops = submit();
  client(wire::Cancel{4, {stops}});
  wire::Failed::Item stopped;
  stopped.task = stops;
  stopped.attempt = 1;
  stopped.outcome = Outcome::stopped;
  worker(kWorker, wire::Failed{horse, {stopped}});

  const auto returns = submit();
  worker(kWorker, wire::Released{horse, {{returns, 1}}});
  submit([](TaskSpec& s) {
    s.type = "nobody.runs.it";
    s.ttl = 1s;
  });

  const auto mule = hello(kSecond, 'm');
  worker(kSecond, wire::Heartbeat{mule, true, {}});
  worker(kSecond, wire::Bye{mule});
  pass(1min);   // the first worker falls silent: what it holds is poison after one loss
  pass(10min);  // and the dead are purged

  std::vector<std::string> heard;
  std::set<std::string> types;
  for (const auto& [topic, event] : listener.heard) {
    heard.push_back(event);
    const auto type = topic.substr(topic.find('/') + 1);
    types.insert(type.substr(0, type.find('/')));
  }
  EXPECT_EQ(types,
            (std::set<std::string>{"task.cancelled", "task.completed", "task.created", "task.dead",
                                   "task.expired", "task.failed", "task.purged", "task.requeued",
                                   "task.retrying", "task.started", "task.stopped",
                                   "worker.draining", "worker.joined", "worker.left"}))
      << "every event that a broker tells was told";
  const auto logged = read_log();
  ASSERT_EQ(logged.size(), heard.size());
  for (std::size_t i = 0; i < logged.size(); ++i) {
    EXPECT_EQ(drover::testing::spell_msgpack(logged[i]), drover::testing::spell_msgpack(heard[i]));
    EXPECT_EQ(logged[i], heard[i]);
  }
}

}  // namespace
}  // namespace drover::broker::testing
