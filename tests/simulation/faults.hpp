// The kinds of faults that the simulation injects, and how often each happened.
//
// Every kind is a thing of its own with its own switch: a seed draws which of them it has.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace drover::sim {

enum class FaultKind : std::uint8_t {
  broker_kill,             // SIGKILL, between any two steps
  power_cut,               // the same, and unsynced sectors and names are lost by lot
  crash_in_recovery,       // killed again while it starts
  broker_stop,             // a clean stop: drains, closes the journal
  broker_standstill,       // SIGSTOP, shorter than worker_timeout
  broker_long_standstill,  // longer
  double_start,            // a second broker on the same store
  clock_forward,           // the system clock jumps while the broker is down: up to 24 h
  clock_back,              //
  slow_disk,               // a sync takes up to 5 s
  full_disk,               // no space for a new segment
  disk_error,              // EIO
  worker_crash,            // SIGKILL of a worker
  worker_standstill,       // SIGSTOP beyond worker_timeout; it comes back as a zombie
  worker_drain,            // SIGTERM
  worker_twin,             // a second process with the same worker id
  stuck_handler,           // runs on although it was told to stop
  poison_task,             // a task kills its worker
  connection_loss,         // and what lay in the pipes
  message_loss,            // single frames
  message_duplication,     //
  message_delay,           // up to 60 s
  one_way_silence,         // frames of one direction vanish
  bus_loss,                // a subscriber's frames vanish
};
inline constexpr std::size_t kFaultKinds = 24;

constexpr std::array<std::string_view, kFaultKinds> kFaultNames = {
    "broker_kill",     "power_cut",         "crash_in_recovery",
    "broker_stop",     "broker_standstill", "broker_long_standstill",
    "double_start",    "clock_forward",     "clock_back",
    "slow_disk",       "full_disk",         "disk_error",
    "worker_crash",    "worker_standstill", "worker_drain",
    "worker_twin",     "stuck_handler",     "poison_task",
    "connection_loss", "message_loss",      "message_duplication",
    "message_delay",   "one_way_silence",   "bus_loss"};

constexpr std::string_view name_of(FaultKind kind) {
  return kFaultNames[static_cast<std::size_t>(kind)];
}

struct FaultCounts {
  std::array<std::uint64_t, kFaultKinds> by_kind{};

  void add(FaultKind kind) { ++by_kind[static_cast<std::size_t>(kind)]; }
  std::uint64_t operator[](FaultKind kind) const { return by_kind[static_cast<std::size_t>(kind)]; }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto count : by_kind) sum += count;
    return sum;
  }
  std::size_t kinds() const {
    std::size_t count = 0;
    for (const auto times : by_kind) count += times > 0 ? 1 : 0;
    return count;
  }
  void add(const FaultCounts& other) {
    for (std::size_t i = 0; i < kFaultKinds; ++i) by_kind[i] += other.by_kind[i];
  }
};

}  // namespace drover::sim
