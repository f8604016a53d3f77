// A producer: submits tasks and looks after them, through the real client's request table.
//
// Whatever has no answer in time is asked again with the same ids, until the broker has said what
// became of every task.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "drover/client_core.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/workload.hpp"
#include "tests/simulation/world.hpp"

namespace drover::sim {

class Producer final : public Caller {
 public:
  // Submits `tasks` tasks, spread over the time of chaos.
  Producer(World& world, std::uint32_t tasks, std::uint64_t seed);

  // True when all its tasks were answered for, and nothing is asked any more.
  bool is_done() const { return left_ == 0 && client_.unfinished() == 0; }
  LinkId link() const { return link_; }
  std::size_t submitted() const { return known_.size(); }

  // --- Caller
  void receive(std::string frame) override;
  void reconnected() override;

 private:
  struct Mine {
    TaskId id;
    std::string bytes;
  };

  void act();
  void run();
  void submit_some();
  void submit(std::vector<Mine> tasks);
  void ask_something();
  void ask(wire::ClientMessage message);
  void completed(const Completion& completion);
  void answered(std::vector<Mine> tasks, const Completion& completion);
  Mine draw();
  TaskId one_of_mine() { return known_[random_.below(known_.size())]; }
  Instant clock() const { return clock_at(kEpoch, world_.schedule.now()); }

  World& world_;
  Random random_;
  ClientCore client_;
  LinkId link_;
  Alarm act_alarm_, run_alarm_;
  std::uint32_t left_;
  Micros pause_;
  std::vector<TaskId> known_;
  std::map<std::uint64_t, std::vector<Mine>> submissions_;
};

}  // namespace drover::sim
