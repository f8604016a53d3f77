// A worker's process: the real worker core over handlers that do what their task's payload says.
//
// A handler takes its time, tells progress, completes, fails, ignores its cancel or kills the
// process. The process can be killed, stopped and continued, or asked to drain.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/simulation/checker.hpp"
#include "tests/simulation/workload.hpp"
#include "tests/simulation/world.hpp"
#include "workers/core/worker_core.hpp"

namespace drover::sim {

class WorkerProcess final : public Caller, public workers::WorkerSink {
 public:
  // Lives as long as the run, also when its process has ended.
  WorkerProcess(World& world, const workers::WorkerProfile& profile, KeyNumber key,
                std::uint64_t seed);

  void kill(bool noticed);
  void stand_still(Micros duration);
  void drain();
  void wake_up();  // from a standstill, before its time

  bool is_alive() const { return alive_; }
  bool is_standing_still() const { return world_.schedule.now() < stopped_until_; }
  LinkId link() const { return link_; }
  KeyNumber key() const { return key_; }
  const workers::WorkerProfile& profile() const { return core_.profile(); }

  // --- Caller
  void receive(std::string frame) override;

  // --- WorkerSink
  void send(const wire::WorkerMessage& message) override;
  void start(workers::AttemptOrder order) override;
  void cancel(const wire::Hold& hold, Duration grace, workers::StopReason reason) override;
  void stopped(const Error& why) override;

 private:
  struct Handler {
    Behaviour behaviour;
    bool stopping = false;
  };

  void run();
  void hear(const std::string& frame);
  void end_later(const wire::Hold& hold, Micros delay);
  void end(const wire::Hold& hold);
  workers::AttemptEnd end_of(const wire::Hold& hold, const Behaviour& behaviour);
  Instant clock() const { return clock_at(kEpoch, world_.schedule.now()) + skew_; }
  void run_soon() { alarm_.set(world_.schedule.now() + 20); }

  World& world_;
  Random random_;
  Duration skew_;  // of its clock, which nobody else's decisions may depend on
  workers::WorkerCore core_;
  KeyNumber key_;
  LinkId link_;
  Alarm alarm_;
  bool alive_ = true;
  Micros stopped_until_ = 0;
  std::vector<std::string> frames_;       // arrived, not read
  std::vector<wire::Hold> ended_, told_;  // by handlers: ends and progress
  std::map<wire::Hold, Handler, workers::HoldLess> handlers_;
};

}  // namespace drover::sim
