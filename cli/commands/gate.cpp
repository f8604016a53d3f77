#include <fmt/format.h>

#include <drover/client.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "cli/settings_view.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

std::string bound_of(const json& gate) {
  if (gate.contains("rate")) return text_of(gate, "rate");
  if (!gate.contains("running")) return "";
  const auto running = grouped(number_of(gate, "running"));
  if (!gate.contains("most")) return running;
  return fmt::format("{} of {}", running, grouped(number_of(gate, "most")));
}

Table as_table(const json& gates) {
  Table table;
  for (const auto* name : {"KIND", "OF", "NAME", "TENANT", "STATE"}) table.column(name);
  table.column("BOUND", Table::Align::right);
  table.column("WAITING", Table::Align::right);
  for (const auto& gate : gates) {
    const bool open = gate.value("open", true);
    table.row({{text_of(gate, "kind")},
               {text_of(gate, "of")},
               {text_of(gate, "name")},
               {text_of(gate, "tenant")},
               {open ? "open" : "closed", open ? Colour::dim : Colour::yellow},
               {bound_of(gate)},
               {grouped(number_of(gate, "waiting"))}});
  }
  return table;
}

int list(Context& context) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto gates = client->gates();
  if (!gates) return context.fail(gates.error());
  context.print_list(*gates, as_table(*gates), "No gate is closed, limited or waited at.");
  return kOk;
}

}  // namespace

void add_gate(Verb& root, Context& context) {
  auto gate = root.verb("gate", "what tasks wait for beside their turn", {"gates"});
  gate.verb("list", "the gates that are closed, limited or waited at", {"ls"}).does([&context] {
    return list(context);
  });
  const auto named = [&](const char* verb, const char* says) {
    const auto holder = std::make_shared<SettingsOf>(SettingsOf{"key", "", ""});
    auto made = gate.verb(verb, says);
    made.word(holder->name, "NAME", "what tasks name as gate, concurrency_key or rate_key")
        .option(holder->tenant, "--tenant", "TENANT", "whose tasks (default)");
    return std::pair(made, holder);
  };
  auto [open, opened] = named("open", "let the tasks start that name this gate");
  open.does([&context, holder = opened] {
    return set_closed(context, *holder, false, fmt::format("gate {} is open", holder->name));
  });
  auto [close, closed] = named("close", "start no task that names this gate; what runs goes on");
  close.does([&context, holder = closed] {
    return set_closed(context, *holder, true, fmt::format("gate {} is closed", holder->name));
  });
  auto [show, shown] = named("show", "what is set of a key");
  show.does([&context, holder = shown] { return show_settings(context, *holder); });
  auto [set, target] = named("set", "limit a key: concurrency=5, rate=100000/1m");
  const auto changes = std::make_shared<std::vector<std::string>>();
  set.words(*changes, "NAME=VALUE", "concurrency, rate, closed; NAME= unsets")
      .does([&context, holder = target, changes] {
        return change_settings(context, *holder, *changes);
      });
}

void add_tenant(Verb& root, Context& context) {
  auto tenant = root.verb("tenant", "shares and limits of tenants", {"tenants"});
  const auto shown = std::make_shared<SettingsOf>(SettingsOf{"tenant", "", ""});
  tenant.verb("show", "what is set of a tenant")
      .word(shown->tenant, "TENANT", "its name")
      .does([&context, shown] { return show_settings(context, *shown); });
  const auto target = std::make_shared<SettingsOf>(SettingsOf{"tenant", "", ""});
  const auto changes = std::make_shared<std::vector<std::string>>();
  tenant.verb("set", "change it: weight=3, concurrency=20, rate=100/1s")
      .word(target->tenant, "TENANT", "its name")
      .words(*changes, "NAME=VALUE",
             "weight, limit, payload_max, submit_rate, concurrency, key_concurrency, rate; NAME= "
             "unsets")
      .does([&context, target, changes] { return change_settings(context, *target, *changes); });
}

}  // namespace drover::cli
