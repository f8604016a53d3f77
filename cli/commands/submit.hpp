// What `drover submit` was told, shared by its two ways: one task, and a file of them.
// The options of one task are the defaults of a batch's lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "drover/task.hpp"

namespace drover::cli {

struct SubmitOptions {
  NewTask task;         // what the options say of it
  std::string payload;  // JSON, @FILE, - or nothing
  bool wait = false;
  std::optional<Duration> wait_timeout;

  // Of a batch.
  std::string batch;    // the file; "" = one task
  std::string rows;     // the list of each result to print
  std::string columns;  // a,b,c
};

int submit_one(Context& context, SubmitOptions options);
int submit_batch(Context& context, const SubmitOptions& options);

}  // namespace drover::cli
