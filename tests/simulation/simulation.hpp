// The whole fleet in one process, on virtual time, from a seed.
//
//   producers ─┐              ┌─ workers
//              ├── network ───┤               chaos, then healing
//   subscribers┘   broker     └─ bus
//                  journal on a simulated disk
//
// A run has two phases. In the first, tasks come in and faults happen. Then everything is healed,
// and every task that was accepted must end and the books must balance. The checker watches each
// step; the run ends with the first promise that is broken.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/broker_process.hpp"
#include "tests/simulation/checker.hpp"
#include "tests/simulation/producer.hpp"
#include "tests/simulation/subscriber.hpp"
#include "tests/simulation/worker_process.hpp"

namespace drover::sim {

struct Report {
  std::optional<std::string> violation;
  std::uint64_t trace_hash = 0;
  Micros simulated = 0;
  std::uint64_t tasks = 0;  // submitted
  FaultCounts faults;
  CheckerFigures figures;
};

class Simulation final : public Bus {
 public:
  // `tell` gets a line for each thing that happens, if it is given.
  explicit Simulation(const SimOptions& options, Trace::Sink tell = nullptr);

  Report run();

  // --- Bus
  void publish(std::string_view topic, std::string_view event) override;
  bool has_subscribers() const override;

 private:
  using Workers = std::vector<std::unique_ptr<WorkerProcess>>;

  // --- the fleet
  WorkerProcess& start_worker(std::size_t place);
  workers::WorkerProfile draw_profile(std::size_t place);
  // A key of that role; everybody's where there is none.
  KeyNumber draw_key(broker::Role role);
  void replace_workers();
  WorkerProcess* any_worker();

  // --- faults (chaos.cpp)
  void plan_chaos();
  void inject(FaultKind kind);
  bool inject_into_broker(FaultKind kind);
  bool inject_into_disk(FaultKind kind);
  bool inject_into_worker(FaultKind kind);
  bool inject_into_network(FaultKind kind);
  void start_twin();
  void heal();

  void look_around();
  bool is_done();

  const SimOptions options_;
  Random random_;
  Schedule schedule_;
  Trace trace_{schedule_};
  FaultCounts faults_;
  Network network_;
  Checker checker_;
  World world_;
  BrokerProcess broker_;
  Workers workers_;                     // all that ever were
  std::vector<WorkerProcess*> places_;  // those that should be there
  std::vector<WorkerProcess*> twins_;
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  Weather weather_;
  bool healed_ = false, done_ = false;
};

// One run of this seed.
Report simulate(std::uint64_t seed, Trace::Sink tell = nullptr);

}  // namespace drover::sim
