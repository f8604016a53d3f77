// The small vocabulary of the worker core's tests: a broker played by hand, a sink that writes
// down, and time that moves when the test says so.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/wire/codec.hpp"
#include "workers/core/worker_core.hpp"

namespace drover::workers::testing {

inline TaskId task_named(char name) {
  TaskId id;
  id.bytes.fill(static_cast<std::uint8_t>(name));
  return id;
}

inline Hold hold(char task, std::uint32_t attempt = 1) { return {task_named(task), attempt}; }

// "a1 b2": a hold is the letter of its task and the attempt.
inline std::string spell(const Hold& hold) {
  return std::string(1, static_cast<char>(hold.task.bytes[0])) + std::to_string(hold.attempt);
}

inline std::string spell(std::vector<Hold> holds) {
  std::sort(holds.begin(), holds.end(), HoldLess());
  std::string text;
  for (const auto& each : holds) text += (text.empty() ? "" : " ") + spell(each);
  return text;
}

// Writes each call as a line ("start a1", "done a1 session 7"), and keeps the frames' bytes.
class NotebookSink : public WorkerSink {
 public:
  void send(const wire::WorkerMessage& message) override {
    std::string frame;
    wire::encode(message, frame);
    largest_frame = std::max(largest_frame, frame.size());
    const auto decoded = wire::decode_worker_message(frame, {});
    ASSERT_TRUE(decoded) << decoded.error().message;
    std::visit([this](const auto& m) { note(m); }, *decoded);
  }
  void start(AttemptOrder order) override { lines.push_back("start " + spell(order.hold)); }
  void cancel(const Hold& which, Duration grace, StopReason reason) override {
    lines.push_back("cancel " + spell(which) + " " + std::string(name_of(reason)) + " " +
                    to_string(grace));
  }
  void stopped(const Error& why) override {
    lines.push_back("stopped " + std::string(drover::name_of(why.code)));
  }

  std::vector<std::string> lines;
  std::size_t largest_frame = 0;
  std::uint32_t window = 0;

 private:
  static std::string of(SessionId session) {
    return " session " + std::to_string(static_cast<std::uint64_t>(session));
  }
  void note(const wire::Hello& m) {
    window = m.window;
    lines.push_back("hello [" + spell(m.holds) + "]");
  }
  void note(const wire::Heartbeat& m) {
    lines.push_back((m.draining ? "draining [" : "heartbeat [") + spell(m.holds) + "]" +
                    of(m.session));
  }
  void note(const wire::Done& m) {
    for (const auto& item : m.items) {
      lines.push_back("done " + spell(Hold{item.task, item.attempt}) + of(m.session));
    }
  }
  void note(const wire::Failed& m) {
    for (const auto& item : m.items) {
      lines.push_back("failed " + spell(Hold{item.task, item.attempt}) + " " +
                      std::string(drover::name_of(item.outcome)) + " " + std::string(item.code) +
                      (item.retryable ? "" : " fatal") + of(m.session));
      messages[std::string(item.code)] = item.message;
    }
  }
  void note(const wire::Released& m) {
    lines.push_back("released [" + spell(m.items) + "]" + of(m.session));
  }
  void note(const wire::Progress& m) {
    for (const auto& item : m.items) {
      lines.push_back("progress " + spell(Hold{item.task, item.attempt}) + " " +
                      std::to_string(item.percent.value_or(0)) + " " + std::string(item.message));
    }
  }
  void note(const wire::Bye& m) { lines.push_back("bye" + of(m.session)); }

 public:
  std::map<std::string, std::string> messages;  // of failures, by code
};

class WorkerSession : public ::testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  // A worker with these slots, greeted and welcomed as session 7 unless the test says hello itself.
  void open(std::uint32_t slots, std::uint32_t prefetch = 0, bool welcomed = true) {
    WorkerProfile profile;
    profile.id.bytes.fill(0x77);
    profile.types = {"t"};
    profile.slots = slots;
    profile.prefetch = prefetch;
    core.emplace(profile, options, Random(1), sink);
    core->advance(now);
    if (welcomed) welcome(7);
    sink.lines.clear();
  }

  void order(const wire::WorkerOrder& message) {
    std::string frame;
    wire::encode(message, frame);
    const auto decoded = wire::decode_worker_order(frame);
    ASSERT_TRUE(decoded) << decoded.error().message;
    core->on_order(*decoded, now);
    core->advance(now);
  }

  void welcome(std::uint64_t session, std::vector<wire::Verdict> drop = {}) {
    current = SessionId{session};
    wire::Welcome message;
    message.session = current;
    message.message_max = 1024 * 1024;
    message.result_max = result_max;
    message.drop = std::move(drop);
    order(message);
  }

  struct Given {
    std::uint32_t attempt = 1;
    Duration timeout = 5min;
    Priority priority = Priority::normal;
  };
  void assign(std::string_view tasks) { assign(tasks, Given{}); }
  void assign(std::string_view tasks, Given given) {
    std::vector<std::string> arrays;
    wire::Assign message{current, {}};
    for (const char name : tasks) {
      TaskSpec spec;
      spec.id = task_named(name);
      spec.type = "t";
      wire::encode_task(spec, arrays.emplace_back());
    }
    for (const auto& array : arrays) {
      wire::Assign::Item item;
      item.attempt = given.attempt;
      item.timeout = given.timeout;
      item.priority = given.priority;
      item.tenant = item.queue = "default";
      item.task = array;
      message.items.push_back(item);
    }
    order(message);
  }

  void confirm(const Hold& which, Errc code = Errc::ok) {
    order(wire::Confirm{current, {{which.task, which.attempt, code}}});
  }
  void cancel(const Hold& which, Duration grace = 4s) {
    order(wire::CancelAttempts{current, {{which.task, which.attempt, grace}}});
  }
  void alive() { order(wire::Alive{current}); }

  void finish(const Hold& which, AttemptEnd end = {}) {
    core->finished(which, std::move(end), now);
    core->advance(now);
  }

  // Moves time on, stopping wherever the core has work, and keeps the broker audible unless told.
  void pass(Duration duration, bool broker_there = true) {
    const Instant until = now + duration;
    while (now < until) {
      now = std::clamp(core->next_deadline(), now + 1ms, std::min(until, now + 1s));
      if (broker_there && core->serving()) core->on_order(wire::Alive{current}, now);
      core->advance(now);
    }
  }

  // What was written down since the last time.
  Lines said() { return std::exchange(sink.lines, {}); }

  std::size_t count(std::string_view beginning) const {
    return static_cast<std::size_t>(
        std::count_if(sink.lines.begin(), sink.lines.end(),
                      [&](const auto& line) { return line.starts_with(beginning); }));
  }

  CoreOptions options;
  std::uint64_t result_max = 256 * 1024;
  NotebookSink sink;
  std::optional<WorkerCore> core;
  SessionId current{};
  Instant now = instant_from_ms(1'000'000'000'000);
};

}  // namespace drover::workers::testing
