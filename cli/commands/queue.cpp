#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr const char* kCounts[] = {"submitted", "ready", "running",   "scheduled", "retrying",
                                   "blocked",   "dead",  "completed", "cancelled", "expired"};

Table::Cell count_cell(const json& queue, const char* name) {
  const auto count = number_of(queue, name);
  const auto colour = count == 0 ? Colour::dim : colour_of_state(name);
  return {grouped(count), colour};
}

Table as_table(const json& queues) {
  Table table;
  bool tenants = false;
  for (const auto& queue : queues) {
    const auto tenant = text_of(queue, "tenant");
    tenants = tenants || (!tenant.empty() && tenant != "default");
  }
  if (tenants) table.column("TENANT");
  table.column("QUEUE");
  for (const auto* count : kCounts) table.column(count, Table::Align::right);
  table.column("OLDEST READY", Table::Align::right);
  for (const auto& queue : queues) {
    std::vector<Table::Cell> cells;
    if (tenants) cells.push_back({text_of(queue, "tenant")});
    cells.push_back({text_of(queue, "queue")});
    for (const auto* count : kCounts) cells.push_back(count_cell(queue, count));
    const bool waits = queue.contains("oldest_ready_ms") && queue["oldest_ready_ms"].is_number();
    cells.push_back({waits ? human(Duration(number_of(queue, "oldest_ready_ms"))) : "-"});
    table.row(std::move(cells));
  }
  return table;
}

int list(Context& context) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto queues = client->queues();
  if (!queues) return context.fail(queues.error());
  context.print_list(*queues, as_table(*queues),
                     "No task was submitted yet, so there are no queues.");
  return kOk;
}

}  // namespace

void add_queue(Verb& root, Context& context) {
  auto queue = root.verb("queue", "look at queues", {"queues"});
  queue.verb("list", "all queues, with how many tasks are in which state", {"ls"}).does([&] {
    return list(context);
  });
}

}  // namespace drover::cli
