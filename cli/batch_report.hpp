// What a batch came to: its tasks as they ended, as rows of a table, and the figures below it.
//
// Without `rows` a task is a row. With `rows` = "findings" each entry of the list that a result has
// under that name is one, and `columns` names what stands in it: a member of the entry, or of the
// result around it, or `waited`, `ran`, `state`, `id`. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/table.hpp"
#include "common/base/time.hpp"

namespace drover::cli {

struct RowOptions {
  std::string rows;                  // "" = a row a task
  std::vector<std::string> columns;  // [] = what the first entry has
};

class BatchReport {
 public:
  // Without `keeps_tasks` it has figures only, however many tasks there are.
  explicit BatchReport(RowOptions options, bool keeps_tasks = true)
      : options_(std::move(options)), keeps_tasks_(keeps_tasks) {}

  // Takes a task that has ended; `line` puts it in its place.
  void add(std::uint64_t line, nlohmann::json task);

  Table table() const;
  std::size_t tasks() const { return count_; }
  std::size_t entries() const { return entries_; }  // of all lists that `rows` names
  std::size_t count(const std::string& state) const;

  // The lines below the table: how many ended how, and how long they waited and ran.
  std::vector<std::string> summary() const;

  // The same as JSON: {"completed":n,...,"waited_ms":{"p50","p95","max"},"ran_ms":{...}}
  nlohmann::json figures() const;

 private:
  std::vector<std::string> columns() const;
  Table task_table() const;

  RowOptions options_;
  bool keeps_tasks_;
  std::size_t count_ = 0;
  std::size_t entries_ = 0;
  std::map<std::uint64_t, nlohmann::json> tasks_;  // by line
  std::map<std::string, std::size_t> states_;
  std::vector<Duration> waited_, ran_;
};

// The smallest value that `percent` of all do not exceed; 0 of none.
Duration percentile(std::vector<Duration> values, int percent);

}  // namespace drover::cli
