// A record of the journal as a line: for a person, or as JSON.
//
//   42  task.started  2026-01-31T08:05:09.007Z  0190f3a2-...  default/emails/code.review  running
//
// What a task carries (its payload, its result) is left out unless it is asked for.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "broker/core/record.hpp"

namespace drover::cli {

// Where and how the record was kept. `seq` is 0 for those that are no events.
struct RecordPlace {
  std::uint64_t seq = 0;
  broker::Locator where;
};

// "task.created"; "carried.task", "carried.key" and "carried.books" for what is no event: a newer
// copy of something old, or the counters at the beginning of a segment.
std::string_view type_of(broker::RecordKind kind);

std::string record_line(const broker::Record& record, const RecordPlace& place, bool payloads);
nlohmann::json record_json(const broker::Record& record, const RecordPlace& place, bool payloads);

}  // namespace drover::cli
