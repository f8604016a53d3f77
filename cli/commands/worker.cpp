#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

Table as_table(const json& workers) {
  Table table;
  table.column("WORKER");
  table.column("PID", Table::Align::right);
  table.column("HOST");
  table.column("STATE");
  table.column("RUNNING", Table::Align::right);
  table.column("HEARD");
  table.column("CAPABILITIES");
  table.column("TYPES");
  for (const auto& worker : workers) {
    const auto state = text_of(worker, "state");
    const auto heard = instant_of(worker, "heard_at");
    table.row({{text_of(worker, "id")},
               {std::to_string(number_of(worker, "pid"))},
               {text_of(worker, "host")},
               {state, colour_of_state(state)},
               {fmt::format("{}/{}", number_of(worker, "running"), number_of(worker, "slots"))},
               {heard ? ago(*heard, system_now()) : "-"},
               {joined(list_of(worker, "capabilities"))},
               {joined(list_of(worker, "types"))}});
  }
  return table;
}

int list(Context& context) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto workers = client->workers();
  if (!workers) return context.fail(workers.error());
  context.print_list(*workers, as_table(*workers),
                     "No worker is connected. `drover-worker` starts one.");
  return kOk;
}

}  // namespace

void add_worker(Verb& root, Context& context) {
  auto worker = root.verb("worker", "look at workers", {"workers"});
  worker.verb("list", "the workers that are connected, and what they run", {"ls"}).does([&] {
    return list(context);
  });
}

}  // namespace drover::cli
