// The options of a run, all drawn from its seed: how large the fleet is, which faults it meets, how
// small its limits are.
//
// Each seed has a random part of everything (swarm testing), so that rare combinations are met: a
// fault alone, two faults at once, a limit of one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/io/turn.hpp"
#include "broker/store/journal/options.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/schedule.hpp"
#include "workers/core/worker_core.hpp"

namespace drover::sim {

// Per mille of the tasks, operations or frames that something happens to.
using Share = std::uint32_t;

// Of a key, in SimOptions::keys.
using KeyNumber = std::size_t;

struct SimOptions {
  std::uint64_t seed = 0;

  // --- the run
  Micros chaos = 8 * kMinute;          // faults and new tasks
  Micros healing_max = 120 * kMinute;  // by then all must have ended
  std::vector<FaultKind> fault_kinds;
  std::uint32_t faults = 30;

  // --- the fleet
  std::uint32_t tasks = 500, tenants = 1, queues = 2, types = 3;
  std::uint32_t workers = 3, producers = 2, subscribers = 1;
  std::uint32_t slots_max = 4, prefetch_max = 0;
  std::uint32_t batch_max = 10;  // tasks of one submission
  // What links speak under: the first is everybody's. The others are bound to a tenant, some to a
  // queue; there are none unless the broker tells tasks apart by whose they are.
  std::vector<broker::Principal> keys = {broker::everybody()};
  bool narrow_workers = false;  // each runs a part of the types
  Share capable = 0;            // tasks that ask for a capability
  Share exclusive = 0;          // tasks with one of a few concurrency keys

  // --- the tasks
  Share delayed = 50, expiring = 30, keyed = 100, repeated_keys = 300, absolute_times = 300;
  Share failing = 100, fatal = 20, crashing = 5, hanging = 10, over_large = 5, timing_out = 20;
  std::uint32_t priorities = 5;
  Duration duration_max = 2s, delay_max = 60s, timeout_max = 10s;
  std::uint32_t attempts_max = 4;
  std::size_t payload_max = 200;

  // --- what producers do beside submitting, per submission
  Share cancels = 100, retries = 50, waits = 100, shows = 100, looks = 50;

  // --- the network
  Micros latency_min = 50, latency_spread = 500;
  Share copied = 0;  // frames of a session that somebody else sends, too, under a key of his own

  // --- the processes
  broker::TurnOptions turn;
  broker::journal::JournalOptions journal;
  std::uint32_t frames_a_turn = 64;
  Micros sync_max = 1000;
  workers::CoreOptions worker;
};

SimOptions draw_options(std::uint64_t seed);

// All of them, in lines, for whoever looks into a failure.
std::string describe(const SimOptions& options);

}  // namespace drover::sim
