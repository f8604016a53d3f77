#include "cli/batch_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "cli/timeline.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kResultColumns = 60;

std::string spelled(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string spelled(const std::optional<Duration>& duration) {
  return duration ? human(*duration) : "-";
}

Colour colour_of(const std::string& column, const std::string& text) {
  if (column == "state") return colour_of_state(text);
  if (column != "severity") return Colour::plain;
  if (text == "error") return Colour::red;
  return text == "warning" ? Colour::yellow : Colour::dim;
}

// What stands in a column of an entry's row.
std::string cell(const json& task, const json& entry, const std::string& column) {
  if (column == "waited") return spelled(times_of(task).waited);
  if (column == "ran") return spelled(times_of(task).ran);
  if (entry.is_object() && entry.contains(column)) return spelled(entry[column]);
  const auto& result = object_of(task, "result");
  if (result.contains(column)) return spelled(result[column]);
  return column == "state" || column == "id" || column == "type" ? text_of(task, column.c_str())
                                                                 : "";
}

json spread(const std::vector<Duration>& values) {
  return {{"p50", percentile(values, 50).count()},
          {"p95", percentile(values, 95).count()},
          {"max", percentile(values, 100).count()}};
}

}  // namespace

Duration percentile(std::vector<Duration> values, int percent) {
  if (values.empty()) return Duration(0);
  const auto rank = (values.size() * static_cast<std::size_t>(percent) + 99) / 100;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void BatchReport::add(std::uint64_t line, json task) {
  const auto times = times_of(task);
  if (times.waited) waited_.push_back(*times.waited);
  if (times.ran) ran_.push_back(*times.ran);
  ++states_[text_of(task, "state")];
  ++count_;
  entries_ += list_of(object_of(task, "result"), options_.rows.c_str()).size();
  if (keeps_tasks_) tasks_.insert_or_assign(line, std::move(task));
}

std::size_t BatchReport::count(const std::string& state) const {
  const auto at = states_.find(state);
  return at == states_.end() ? 0 : at->second;
}

// Those asked for, or the members of the first entry that there is.
std::vector<std::string> BatchReport::columns() const {
  if (!options_.columns.empty()) return options_.columns;
  std::vector<std::string> names;
  for (const auto& [line, task] : tasks_) {
    const auto& list = list_of(object_of(task, "result"), options_.rows.c_str());
    if (list.empty() || !list.front().is_object()) continue;
    for (const auto& [name, value] : list.front().items()) names.push_back(name);
    break;
  }
  names.insert(names.end(), {"waited", "ran"});
  return names;
}

Table BatchReport::table() const {
  if (options_.rows.empty()) return task_table();
  Table table;
  const auto names = columns();
  for (const auto& name : names) {
    const bool number = name == "line" || name == "waited" || name == "ran";
    table.column(name, number ? Table::Align::right : Table::Align::left);
  }
  for (const auto& [line, task] : tasks_) {
    for (const auto& entry : list_of(object_of(task, "result"), options_.rows.c_str())) {
      std::vector<Table::Cell> cells;
      for (const auto& name : names) {
        auto text = cell(task, entry, name);
        const auto colour = colour_of(name, text);
        cells.push_back({std::move(text), colour});
      }
      table.row(std::move(cells));
    }
  }
  return table;
}

Table BatchReport::task_table() const {
  Table table;
  table.column("TASK");
  table.column("STATE");
  table.column("WAITED", Table::Align::right);
  table.column("RAN", Table::Align::right);
  table.column("RESULT", Table::Align::left, kResultColumns);
  for (const auto& [line, task] : tasks_) {
    const auto state = text_of(task, "state");
    const auto times = times_of(task);
    const auto& error = object_of(task, "error");
    auto result = task.contains("result")
                      ? spelled(task["result"])
                      : text_of(error, "code") + " " + text_of(error, "message");
    table.row({{text_of(task, "id")},
               {state, colour_of_state(state)},
               {spelled(times.waited)},
               {spelled(times.ran)},
               {std::move(result)}});
  }
  return table;
}

std::vector<std::string> BatchReport::summary() const {
  auto ends = counted(count_, "task") + ":";
  for (const auto* state : {"completed", "dead", "cancelled", "expired"}) {
    const auto number = count(state);
    const bool always = state == std::string("completed") || state == std::string("dead");
    if (always || number > 0) ends += fmt::format(" {} {},", grouped(number), state);
  }
  ends.back() = '.';
  std::vector<std::string> lines = {ends};
  if (!options_.rows.empty()) lines[0] += fmt::format(" {} {}.", grouped(entries()), options_.rows);
  const auto times = [](const char* name, const std::vector<Duration>& values) {
    return fmt::format("{} p50 {}, p95 {}, at most {}", name, human(percentile(values, 50)),
                       human(percentile(values, 95)), human(percentile(values, 100)));
  };
  if (!ran_.empty()) lines.push_back(times("Waited", waited_) + ". " + times("Ran", ran_) + ".");
  return lines;
}

json BatchReport::figures() const {
  json figures = {{"waited_ms", spread(waited_)}, {"ran_ms", spread(ran_)}};
  for (const auto* state : {"completed", "dead", "cancelled", "expired"}) {
    figures[state] = count(state);
  }
  if (!options_.rows.empty()) figures[options_.rows] = entries();
  return figures;
}

}  // namespace drover::cli
