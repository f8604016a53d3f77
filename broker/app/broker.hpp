// The broker as a process: sockets, clock, signals and store around the turn.
//
// Threads: the one that calls run() owns every socket and all state; the journal has two of its own
// (writing, and reading beside it), ZeroMQ one.
#pragma once

#include "common/config/settings.hpp"

namespace drover::broker {

// Runs a broker until SIGTERM or SIGINT, or until it must stop. Returns the process's exit code: 0
// stopped as asked, 65 the store is damaged, 70 a mistake of ours, 73 the store is in use, 74 an
// operation on its files failed, 78 the configuration cannot work.
int run_broker(const config::Settings& settings);

}  // namespace drover::broker
