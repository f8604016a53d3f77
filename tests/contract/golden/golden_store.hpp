// A golden store in the repository: tests/golden/<format>/<name>/ with its files, cut where only
// zeros follow, and manifest.json, which says how long the files are and what the store comes to.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "tests/support/sim_disk.hpp"

namespace drover::golden {

// Writes what is on the disk, spare segments left out.
void write_golden(const std::filesystem::path& folder, const test::SimDisk& disk);

nlohmann::json read_manifest(const std::filesystem::path& folder);

// The files as they were, byte for byte.
test::SimDisk read_golden(const std::filesystem::path& folder);

}  // namespace drover::golden
