// How much memory the process has, and how much it may have: what it says no to new tasks by, when
// strangers or a backlog would take all.
#pragma once

#include <cstdint>
#include <string>

namespace drover::broker {

// What no other process can have meanwhile: the resident pages that belong to no file, in bytes.
// 0 where the system does not tell. Costs some microseconds.
std::uint64_t memory_in_use();

// The most that the system grants: the smallest limit of the control groups around the process
// (version 1 or 2), at most the machine's memory. `root` is where the system's files are, "" but in
// tests.
std::uint64_t memory_granted(const std::string& root = "");

}  // namespace drover::broker
