// The golden stores, each with the life that led to it. What is told here never changes: it is what
// releases wrote.
#pragma once

#include <map>
#include <string>

#include "tests/support/sim_disk.hpp"

namespace drover::golden {

// By name: clean, torn, every-record, dead-letters. The same bytes every time.
std::map<std::string, test::SimDisk> tell_stories();

}  // namespace drover::golden
