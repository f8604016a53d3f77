// The checks of `drover doctor`, each a judgement on values that it is handed. Pure: what has to be
// asked of the machine or of the broker is asked in checks_gather.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/store/upkeep/disk_trial.hpp"
#include "broker/store/upkeep/verify.hpp"
#include "cli/finding.hpp"
#include "common/base/time.hpp"
#include "common/config/load.hpp"

namespace drover::cli {

// What a power cut would lose now. `unsynced`: bytes on their way to the disk.
Finding check_durability(bool on_disk, std::optional<std::uint64_t> unsynced);

Finding check_disk_sync(const Result<broker::upkeep::DiskTrial>& trial);

// `magic`: statfs's f_type.
Finding check_filesystem(std::uint64_t magic);

struct Space {
  std::uint64_t free_bytes = 0;
  std::uint64_t store_bytes = 0;    // what the store takes now
  std::uint64_t live_bytes = 0;     // what the tasks take; 0 where it is not known
  std::uint64_t retain_bytes = 0;   // journal.retain
  std::uint64_t segment_bytes = 0;  // journal.segment
};
Finding check_space(const Space& space);

// How many spare segments the running broker has ready, and whether it refuses submissions.
Finding check_spares(std::uint64_t spares, bool takes_submissions);

// The system's clock less the broker's.
Finding check_clock(Duration ahead);

struct OpenFiles {
  std::uint64_t open = 0;
  std::uint64_t limit = 0;  // 0 = none
};
Finding check_files(const OpenFiles& files);

struct Memory {
  std::uint64_t available_bytes = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t broker_bytes = 0;  // 0 = it does not run
};
Finding check_memory(const Memory& memory);

// "4.3.4"; below 4.3.3 anybody who reaches a port can stop the process.
Finding check_zeromq(std::string_view version);

// `broker`: what it calls itself, "drover-broker 0.1.0"; empty if it does not run.
Finding check_versions(std::string_view mine, std::string_view broker, std::string_view kernel);

Finding check_exposure(const config::Settings& settings);

// A file or folder that others than its owner can read. `mode` as of stat.
Finding check_private(const std::string& check, const std::string& path, std::uint32_t mode);

// The store at rest.
Finding check_integrity(const Result<broker::upkeep::Verified>& verified);

Finding check_fleet(std::uint64_t workers, std::uint64_t waiting);

}  // namespace drover::cli
