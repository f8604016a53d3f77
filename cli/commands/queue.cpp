#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "cli/settings_view.hpp"

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

int show_queue(Context& context, const SettingsOf& holder) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto queues = client->queues();
  if (!queues) return context.fail(queues.error());
  const std::string tenant = holder.tenant.empty() ? "default" : holder.tenant;
  const auto is_it = [&](const json& queue) {
    const auto of = text_of(queue, "tenant");
    return text_of(queue, "queue") == holder.name && (of.empty() ? "default" : of) == tenant;
  };
  const auto at = std::find_if(queues->begin(), queues->end(), is_it);
  if (at == queues->end()) {
    return context.fail({Errc::not_found, "there is no queue " + holder.name, "queue"});
  }
  auto setup = client->settings({"queue", tenant, holder.name});
  if (!setup) return context.fail(setup.error());
  if (context.json) {
    json all = *at;
    all["settings"] = (*setup)["settings"];
    all["made"] = (*setup)["made"];
    context.print_json(all);
    return kOk;
  }
  context.print_list(*at, as_table(json::array({*at})), "");
  return print_settings(context, *setup);
}

}  // namespace

void add_queue(Verb& root, Context& context) {
  auto queue = root.verb("queue", "look at queues, limit and pause them", {"queues"});
  queue.verb("list", "all queues, with how many tasks are in which state", {"ls"}).does([&] {
    return list(context);
  });
  const auto named = [&](const char* verb, const char* says) {
    const auto holder = std::make_shared<SettingsOf>(SettingsOf{"queue", "", ""});
    auto made = queue.verb(verb, says);
    made.word(holder->name, "QUEUE", "its name")
        .option(holder->tenant, "--tenant", "TENANT", "whose queue (default)");
    return std::pair(made, holder);
  };
  auto [show, shown] = named("show", "a queue's counts and what is set of it");
  show.does([&context, holder = shown] { return show_queue(context, *holder); });
  auto [set, target] = named("set", "change it: concurrency=5, rate=100/1m, limit=10000");
  const auto changes = std::make_shared<std::vector<std::string>>();
  set.words(*changes, "NAME=VALUE",
            "limit, payload_max, submit_rate, concurrency, rate, closed; NAME= unsets")
      .does([&context, holder = target, changes] {
        return change_settings(context, *holder, *changes);
      });
  auto [pause, paused] = named("pause", "start none of its tasks; what runs goes on");
  pause.does([&context, holder = paused] {
    return set_closed(context, *holder, true, "queue " + holder->name + " is paused");
  });
  auto [resume, resumed] = named("resume", "start its tasks again");
  resume.does([&context, holder = resumed] {
    return set_closed(context, *holder, false, "queue " + holder->name + " is not paused");
  });
}

}  // namespace drover::cli
