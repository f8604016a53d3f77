// Events of the status bus as lines for people, and which of them somebody wants to see. Pure.
//
//   14:02:01.123  task.retrying  code.review  reviews  0190...  attempt 1 X: no such file, in 2.1 s
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/terminal.hpp"

namespace drover::cli {

struct EventFilter {
  std::string kind;   // "task.dead", "task", "task.*", "*.dead"; "" = all
  std::string queue;  // "" = all
  std::string type;   // of the task, with * as above
};

// True if the text is what the pattern says: * stands for any characters; a pattern without * also
// fits what goes on with a dot (`task` fits task.dead).
bool fits(const std::string& pattern, const std::string& text);

bool wants(const EventFilter& filter, const nlohmann::json& event);

std::string event_line(const nlohmann::json& event, const Stream& stream);

}  // namespace drover::cli
