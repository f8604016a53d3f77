// A task as JSON, with the names of the interface: what a line of `drover submit --batch` holds.
//
//   {"type":"code.review","payload":{"path":"main.cpp"},"priority":"high","delay_ms":500}
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "drover/task.hpp"

namespace drover {

// Errors with the field at fault: INVALID_ARGUMENT, also for a field that is not known; BAD_ID. The
// bounds of values are checked when the task is submitted.
Result<NewTask> task_from_json(const nlohmann::json& json);

}  // namespace drover
