// What `drover doctor` asks of the machine, each answer as the checks take it.
//
// What cannot be found out is nullopt: the check is left out then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/checks.hpp"

namespace drover::cli {

// Of a running process; of another user's only with the right to look at it.
std::optional<OpenFiles> open_files_of(std::uint64_t pid);

// `pid` 0: of no broker.
std::optional<Memory> memory_with(std::uint64_t pid);

std::optional<std::uint64_t> filesystem_of(const std::string& directory);
std::optional<std::uint64_t> free_bytes_of(const std::string& directory);
// Of all files in it.
std::uint64_t bytes_of_files_in(const std::string& directory);

// The st_mode of stat.
std::optional<std::uint32_t> mode_of(const std::string& path);

std::string kernel_release();

}  // namespace drover::cli
