// A broker of a few lines for the client's tests: it answers over real sockets, forgets on demand,
// and can be stopped and started again at the same addresses.
//
// Its events are numbers; whoever follows is told those from 1 to newest().
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "common/transport/poller.hpp"
#include "common/transport/router_socket.hpp"
#include "common/transport/xpub_socket.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/map_writer.hpp"

namespace drover {

class FakeBroker {
 public:
  using PeerId = transport::PeerId;

  FakeBroker() { start(); }
  ~FakeBroker() { stop(); }

  std::string url() const { return clients_; }
  void stop() {
    running_ = false;
    if (thread_.joinable()) thread_.join();
  }
  void start() {
    running_ = true;
    std::atomic<bool> ready = false;
    thread_ = std::thread([&, this] { run(ready); });
    while (!ready) std::this_thread::yield();
  }

  // The next `count` messages (connect excepted) are read and not answered.
  void ignore(int count) { ignored_ = count; }
  // Tasks end, so that waits are answered.
  void end_tasks() { ended_ = true; }
  // So many tasks are dead.
  void set_dead(std::size_t count) {
    const std::lock_guard lock(mutex_);
    dead_.clear();
    for (std::size_t i = 0; i < count; ++i) dead_.emplace_hint(dead_.end(), i, dead_id(i));
  }
  std::size_t dead() const {
    const std::lock_guard lock(mutex_);
    return dead_.size();
  }
  // The next cursor into the list of dead tasks is refused.
  void change_dead_list_once() { dead_list_changed_ = true; }
  void set_limits(std::uint64_t payload_max, std::uint64_t batch_max) {
    payload_max_ = payload_max;
    batch_max_ = batch_max;
  }
  std::size_t tasks() const {
    const std::lock_guard lock(mutex_);
    return known_.size();
  }
  std::uint64_t messages() const { return messages_; }

  // The next event happens; `told` false: the bus loses it.
  void happen(bool told = true) {
    const auto seq = ++newest_;
    if (told) to_publish_ = seq;
    while (to_publish_ == seq) std::this_thread::yield();
  }
  void tick() {
    to_tick_ = true;
    while (to_tick_) std::this_thread::yield();
  }
  // Events up to `seq` are gone from the log.
  void trim(std::uint64_t seq) { trimmed_ = seq; }
  std::size_t subscribers() const { return subscribers_; }
  static StoreId store() { return StoreId::from_bytes("a store's number"); }

 private:
  void run(std::atomic<bool>& ready) {
    transport::Context context;
    auto router = bind<transport::RouterSocket>(context, clients_);
    auto xpub = bind<transport::XpubSocket>(context, bus_);
    transport::Poller poller;
    poller.add(router);
    poller.add(xpub);
    ready = true;
    while (running_) {
      poller.wait(Duration(1));
      while (const auto in = router.receive()) answer(router, in->peer, in->frame.view());
      xpub.take_subscriptions([](std::string_view, std::string_view) { return true; });
      subscribers_ = xpub.subscriptions();
      publish(xpub);
    }
  }

  // At a free port first, later at the same one again.
  template <class Socket>
  Socket bind(transport::Context& context, std::string& address) {
    while (true) {
      auto bound = Socket::bind(context, address.empty() ? "tcp://127.0.0.1:*" : address, {});
      if (bound) {
        address = bound->address();
        return std::move(*bound);
      }
      std::this_thread::yield();
    }
  }

  void publish(transport::XpubSocket& xpub) {
    if (const auto seq = to_publish_.load(); seq != 0) {
      xpub.publish("default/task.created/q/x", event(seq));
      to_publish_ = 0;
    }
    if (to_tick_) {
      std::string data, tick;
      wire::MapWriter(data).uint("seq", newest_).finish();
      wire::MapWriter m(tick);
      m.bin("store", store().view()).str("type", "bus.tick").raw("data", data).finish();
      xpub.publish("_system/bus/tick", tick);
      to_tick_ = false;
    }
  }

  static std::string event(std::uint64_t seq) {
    std::string out;
    wire::MapWriter m(out);
    m.bin("store", store().view()).uint("seq", seq);
    m.instant("ts", instant_from_ms(static_cast<std::int64_t>(seq) * 1000));
    m.str("type", "task.created").str("tenant", "default").str("subject", "x").finish();
    return out;
  }

  void answer(transport::RouterSocket& router, PeerId peer, std::string_view frame) {
    const auto message = wire::decode_client_message(frame, {});
    if (!message) return;
    ++messages_;
    const bool greeting = std::holds_alternative<wire::Connect>(*message);
    if (!greeting && ignored_ > 0) {
      --ignored_;
      return;
    }
    const auto reply = std::visit([this](const auto& m) { return on(m); }, *message);
    if (!reply.empty()) router.send(peer, reply);
  }

  static std::string encoded(const wire::ClientReply& reply) {
    std::string frame;
    wire::encode(reply, frame);
    return frame;
  }
  static std::string answered(std::uint64_t request, const std::string& body) {
    return encoded(wire::Answer{request, body});
  }

  std::string on(const wire::Connect& m) {
    wire::Connected connected;
    connected.request = m.request;
    connected.store = store();
    connected.software = "fake";
    connected.message_max = 1024 * 1024;
    connected.payload_max = payload_max_;
    connected.batch_max = batch_max_;
    connected.status = bus_;
    return encoded(connected);
  }

  std::string on(const wire::Submit& m) {
    const std::lock_guard lock(mutex_);
    wire::SubmitReply reply{m.request, {}};
    for (const auto& task : m.tasks) {
      wire::SubmitOutcome outcome;
      outcome.id = task.spec.id;
      outcome.duplicate = !known_.insert(task.spec.id).second;
      if (task.spec.queue == "full") outcome.code = Errc::queue_full;
      reply.outcomes.push_back(outcome);
    }
    return encoded(wire::Accepted{{reply}});
  }

  std::string on(const wire::Wait& m) {
    if (ended_) return task(m.request, m.task);
    if (m.timeout > 0ms) return "";  // the client knows by itself when its time is over
    return encoded(wire::Refused{m.request, Errc::wait_timed_out, "it goes on", "", {}});
  }
  std::string on(const wire::Show& m) { return task(m.request, m.task); }

  std::string task(std::uint64_t request, const TaskId& id) {
    const std::lock_guard lock(mutex_);
    if (!known_.contains(id)) {
      return encoded(wire::Refused{request, Errc::not_found, "there is no such task", "", {}});
    }
    std::string body;
    wire::MapWriter m(body);
    m.str("id", to_string(id)).str("state", ended_ ? "completed" : "ready");
    m.str("content_type", "application/json").bin("result", "{\"x\":1}").finish();
    return answered(request, body);
  }

  // Refuses what is no longer so, as the real one does.
  std::string on(const wire::Cancel& m) {
    std::string list, body;
    wire::Writer(list).array(m.tasks.size());
    for (const auto& id : m.tasks) {
      std::string error;
      wire::MapWriter(error).str("code", "WRONG_STATE").str("message", "it has ended").finish();
      wire::MapWriter e(list);
      e.str("id", to_string(id));
      if (cancelled_.insert(id).second) {
        e.str("state", "cancelled");
      } else {
        e.raw("error", error);
      }
      e.finish();
    }
    wire::MapWriter(body).raw("tasks", list).finish();
    return answered(m.request, body);
  }

  static TaskId dead_id(std::uint64_t place) {
    TaskId id;
    for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(place >> 8 * i);
    return id;
  }

  static std::uint64_t place_of(const TaskId& dead) {
    std::uint64_t place = 0;
    for (std::size_t i = 8; i-- > 0;) place = place << 8 | dead.bytes[i];
    return place;
  }

  // One page of a list: {"name":[{"id"}...],"next_cursor"}.
  template <class At>
  static std::string page(std::uint64_t request, const char* name, std::uint32_t limit, At at,
                          At end, const std::function<TaskId(At)>& id,
                          const std::function<std::uint64_t(At)>& cursor) {
    std::string list, entries, body;
    std::uint32_t count = 0;
    for (; at != end && count < limit; ++at, ++count) {
      wire::MapWriter(entries).str("id", to_string(id(at))).finish();
    }
    wire::Writer(list).array(count).raw(entries);
    wire::MapWriter m(body);
    m.raw(name, list);
    if (at == end) {
      m.nil("next_cursor");
    } else {
      m.uint("next_cursor", cursor(at));
    }
    m.finish();
    return answered(request, body);
  }

  std::string on(const wire::List& m) {
    using At = std::set<TaskId>::const_iterator;
    const std::lock_guard lock(mutex_);
    const auto begin = known_.cbegin();
    return page<At>(
        m.request, "tasks", m.limit,
        std::next(begin, static_cast<std::ptrdiff_t>(m.cursor.value_or(0))), known_.cend(),
        [](At at) { return *at; },
        [&](At at) { return static_cast<std::uint64_t>(std::distance(begin, at)); });
  }

  // A cursor is the place of a task that is still dead, as with the real one.
  std::string on(const wire::DeadLetters& m) {
    using At = std::map<std::uint64_t, TaskId>::const_iterator;
    const std::lock_guard lock(mutex_);
    const bool good =
        !m.cursor || (dead_.contains(*m.cursor) && !dead_list_changed_.exchange(false));
    if (!good) {
      return encoded(wire::Refused{m.request, Errc::bad_cursor, "the list has changed", "", {}});
    }
    return page<At>(
        m.request, "dead", m.limit, m.cursor ? dead_.find(*m.cursor) : dead_.cbegin(), dead_.cend(),
        [](At at) { return at->second; }, [](At at) { return at->first; });
  }

  std::string on(const wire::Retry& m) {
    const std::lock_guard lock(mutex_);
    std::string list, body;
    wire::Writer(list).array(m.tasks.size());
    for (const auto& id : m.tasks) {
      dead_.erase(place_of(id));
      wire::MapWriter(list).str("id", to_string(id)).str("state", "ready").finish();
    }
    wire::MapWriter(body).raw("tasks", list).finish();
    return answered(m.request, body);
  }

  std::string on(const wire::Stats& m) {
    std::string body;
    wire::MapWriter w(body);
    w.str("store", to_string(store())).uint("seq", newest_).uint("oldest_seq", trimmed_ + 1);
    w.finish();
    return answered(m.request, body);
  }

  std::string on(const wire::Books& m) {
    std::string body;
    wire::MapWriter(body).str("store", to_string(store())).uint("seq", newest_).finish();
    return answered(m.request, body);
  }

  std::string on(const wire::Events& m) {
    if (m.since < trimmed_) {
      return encoded(wire::Refused{m.request, Errc::events_trimmed, "gone", "since", {}});
    }
    const auto last = std::min<std::uint64_t>(newest_, m.since + m.limit);
    std::string list, events, body;
    for (auto seq = m.since + 1; seq <= last; ++seq) list += event(seq);
    wire::Writer(events).array(last > m.since ? last - m.since : 0).raw(list);
    wire::MapWriter w(body);
    w.raw("events", events);
    if (last > m.since) {
      w.uint("reached", last);
    } else {
      w.nil("reached");
    }
    w.finish();
    return answered(m.request, body);
  }

  template <class Message>
  std::string on(const Message& m) {
    return answered(m.request, "\x80");
  }

  std::string clients_, bus_;
  std::thread thread_;
  std::atomic<bool> running_{false};
  std::atomic<int> ignored_{0};
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> payload_max_{1024}, batch_max_{100}, messages_{0};
  std::atomic<std::uint64_t> newest_{0}, to_publish_{0}, trimmed_{0};
  std::atomic<bool> to_tick_{false};
  std::atomic<std::size_t> subscribers_{0};
  mutable std::mutex mutex_;
  std::set<TaskId> known_;
  std::set<TaskId> cancelled_;
  std::map<std::uint64_t, TaskId> dead_;  // by their place in the list
  std::atomic<bool> dead_list_changed_{false};
};

}  // namespace drover
