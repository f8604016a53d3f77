// What `drover doctor` finds: one line a check, with what to do where something should be done.
//
//   ok       durability   what was acknowledged is on disk
//   warning  disk.space   ...
//            -> free some space, or set journal.retain lower
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/terminal.hpp"

namespace drover::cli {

enum class Level : unsigned char { ok, warning, problem };

struct Finding {
  std::string check;  // a stable name, such as disk.sync
  Level level = Level::ok;
  std::string says;                                   // a sentence, without its full stop
  std::string advice;                                 // what to do; empty when ok
  nlohmann::json figures = nlohmann::json::object();  // what it was judged by
};

std::string_view name_of(Level level);

// True if nothing needs doing.
bool is_well(const std::vector<Finding>& findings);

std::string findings_text(const std::vector<Finding>& findings, const Stream& stream);
nlohmann::json findings_json(const std::vector<Finding>& findings);

}  // namespace drover::cli
