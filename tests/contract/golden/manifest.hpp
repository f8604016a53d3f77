// What a store comes to when it is opened, as JSON: its events, its books, and every task with all
// that a caller could ask about it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "broker/store/journal/io.hpp"
#include "common/base/result.hpp"

namespace drover::golden {

// Errors: those of recovery.
Result<nlohmann::json> manifest_of(broker::journal::Io& io);

}  // namespace drover::golden
