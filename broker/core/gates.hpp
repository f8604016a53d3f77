// The gates: what a ready task may have to wait for beside its turn and a worker.
//
//   pause        of a queue, or of the name that a task gives as its `gate`: shut by hand
//   limit        so many at once of a queue, of a tenant
//   concurrency  so many at once of a concurrency_key
//   rate         so much in a time of a queue, of a tenant, of a rate_key
//
// A task is asked about its gates when its turn has come: all are looked at, then all are taken. At
// the first closed one it leaves its line and stands in that gate's list, where it holds nothing of
// the others. When a gate opens it lets out as many of each demand and level as it would admit, the
// most urgent first, into their lines. There they are asked again, and whoever finds a gate closed
// once more stands first in its list: it has been in line before.
//
// Rates are kept by meter.hpp. At start all are spent, so that a broker that restarts often is no
// faster than its rates.
//
// Cost: O(1) to ask, to take and to let go; O(log of demands at the gate) to wait. Pure; one
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "broker/core/demands.hpp"
#include "broker/core/meter.hpp"
#include "broker/core/settings.hpp"
#include "broker/core/task_table.hpp"

namespace drover::broker {

enum class GateKind : std::uint8_t { pause, limit, concurrency, rate };
inline constexpr std::size_t kGateKinds = 4;
std::string_view name_of(GateKind kind);

// The gates of one task, and what it takes of them.
struct Passage {
  static constexpr std::size_t kMost = 8;
  std::array<GateIndex, kMost> gates{};
  std::size_t count = 0;
  std::uint64_t rate_cost = 1;  // of the rate of a key; of other rates a task is 1

  void add(GateIndex gate) {
    if (gate != kNone) gates[count++] = gate;
  }
};

// What can be told of a gate.
struct GateView {
  GateKind kind{};
  SettingOf of{};
  std::string tenant, name;  // "" of a tenant's own gate
  bool is_open = true;
  std::uint64_t most = 0;     // running at once; 0 = any number
  std::uint64_t running = 0;  // of limits and concurrency
  SettingValue rate;
  std::uint64_t waiting = 0;
  Instant opens_at = kNever;  // of a rate that is used up
};

class Gates {
 public:
  // `tasks` must outlive the gates.
  explicit Gates(TaskTable& tasks) : tasks_(tasks) {}

  // The gate of this kind, made open if it is new, with one use more. One without a use goes.
  GateIndex acquire(GateKind kind, SettingOf of, std::string_view tenant, std::string_view name);
  void use(GateIndex gate) { ++gates_[gate].uses; }
  void release(GateIndex gate);
  // kNone if there is no such gate.
  GateIndex find(GateKind kind, SettingOf of, std::string_view tenant, std::string_view name) const;

  void set_closed(GateIndex gate, bool closed);
  void set_most(GateIndex gate, std::uint64_t most);                     // 0 = any number
  void set_rate(GateIndex gate, const SettingValue& rate, Instant now);  // 0 = any

  // All rates are spent: the broker has just started.
  void spend_all(Instant now);

  // The first that is closed to the task; kNone if it may pass them all. A rate is closed, too, to
  // those who come while others like them wait for it.
  GateIndex closed(const TaskSlot& slot, const Passage& passage, Instant now) const;
  void take(const Passage& passage, Instant now);
  // One that runs already counts at a limit or a concurrency.
  void count(GateIndex gate);
  // One of those is over.
  void let_go(GateIndex gate);
  // It was told more, or less, than it came to: the difference is made up for.
  void correct(GateIndex rate, std::uint64_t told, std::uint64_t real, Instant now);

  // The task, which is nowhere, waits at the gate.
  void wait(TaskIndex task, GateIndex gate);
  // It waits no more: it was cancelled, or has expired.
  void leave(TaskIndex task);
  // A task that a gate has let out is not in its line any more.
  void left_line(TaskIndex task);

  // Lets out whoever may go, at most `most` in all: `join(task)` puts it in its line. False if
  // there are more.
  template <class Join>
  bool let_out(Instant now, std::size_t most, const Join& join) {
    while (!stirred_.empty()) {
      const GateIndex gate = *stirred_.begin();
      for (TaskIndex task = next_out(gate, now); task != kNone; task = next_out(gate, now)) {
        if (most-- == 0) return false;
        pass_out(task);
        join(task);
      }
      stirred_.erase(gate);
      opens_later(gate);
    }
    return true;
  }

  // Rates that are due to open by now will let out.
  void advance(Instant now);
  // When the next rate opens for somebody.
  Instant next_opening() const;

  GateView view(GateIndex gate, Instant now) const;

  // Calls `visit(task)` for the first `most` of those that wait in each line of each gate, `in_all`
  // at the most.
  template <class Visit>
  void visit_heads(std::uint32_t most, std::uint32_t in_all, const Visit& visit) const {
    for (const Gate& gate : gates_) {
      for (const auto& [key, line] : gate.lines) {
        for (const TaskList* list : {&line.back, &line.tasks}) {
          TaskIndex task = list->head;
          for (std::uint32_t i = 0; i < most && task != kNone; ++i, task = tasks_[task].next) {
            if (in_all-- == 0) return;
            visit(task);
          }
        }
      }
    }
  }

  // Somebody may be let out now.
  bool is_stirred() const { return !stirred_.empty(); }
  bool is_new(GateIndex gate) const { return gates_[gate].uses == 1; }
  bool in_use(GateIndex gate) const { return gates_[gate].uses > 0; }
  GateIndex end() const { return static_cast<GateIndex>(gates_.size()); }
  std::string_view name(GateIndex gate) const { return gates_[gate].name; }
  std::string_view tenant(GateIndex gate) const { return gates_[gate].tenant; }
  GateKind kind(GateIndex gate) const { return gates_[gate].kind; }

 private:
  // Those at a gate that ask the same of a worker and are as urgent.
  struct Line {
    TaskList back;          // who was let out and found a gate closed again, by age: these go first
    TaskList tasks;         // the others, as they came
    std::uint32_t out = 0;  // let out, and not yet gone from their line
    std::uint64_t out_cost = 0;  // what they will take of a rate

    bool empty() const { return back.empty() && tasks.empty(); }
    TaskIndex head() const { return back.empty() ? tasks.head : back.head; }
    TaskList& of(const TaskSlot& slot) { return slot.was_let_out ? back : tasks; }
  };
  using LineKey = std::pair<std::uint8_t, DemandIndex>;  // the most urgent first

  struct Gate {
    GateKind kind{};
    SettingOf of{};
    std::string tenant, name;
    std::uint32_t uses = 0;
    bool closed = false;
    std::uint64_t most = 0, running = 0;
    Meter meter;
    Instant noted = kNever;  // in openings_
    std::uint64_t waiting = 0;
    std::map<LineKey, Line> lines;
  };

  static bool counts(GateKind kind);
  static std::string key_of(GateKind kind, SettingOf of, std::string_view tenant,
                            std::string_view name);
  static LineKey key_of(const TaskSlot& slot);
  static std::uint64_t cost_of(const Gate& gate, std::uint64_t rate_cost);
  static bool admits(const Gate& gate, const Line& ahead, std::uint64_t rate_cost, Instant now);
  std::uint64_t rate_cost_of(TaskIndex task) const;
  TaskIndex next_out(GateIndex gate, Instant now) const;
  void pass_out(TaskIndex task);
  void opens_later(GateIndex gate);
  void stir(GateIndex gate);
  void tidy(Gate& gate, LineKey key);

  TaskTable& tasks_;
  std::vector<Gate> gates_;
  std::vector<GateIndex> free_;
  absl::flat_hash_map<std::string, GateIndex> by_key_;
  std::set<GateIndex> stirred_;                       // may have somebody to let out
  std::set<std::pair<Instant, GateIndex>> openings_;  // of rates
};

}  // namespace drover::broker
