// The command `drover`: its global options and its verbs (commands/).
// main.cpp is one line around it, so that tests can run whole command lines.
#pragma once

#include <string>
#include <vector>

namespace drover::cli {

// Runs one command line, without the program's name. Returns the exit code.
int run(const std::vector<std::string>& words);

}  // namespace drover::cli
