#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

json as_json(const std::vector<config::Shown>& settings, bool origin) {
  auto all = json::object();
  for (const auto& setting : settings) {
    all[setting.path] =
        origin ? json{{"value", setting.value}, {"origin", setting.origin}} : json(setting.value);
  }
  return all;
}

Table as_table(const std::vector<config::Shown>& settings, bool origin) {
  Table table;
  table.column("SETTING");
  table.column("VALUE");
  if (origin) table.column("ORIGIN");
  for (const auto& setting : settings) {
    const auto colour = setting.is_default ? Colour::plain : Colour::cyan;
    std::vector<Table::Cell> cells = {{setting.path}, {setting.value, colour}};
    if (origin) cells.push_back({setting.origin, setting.is_default ? Colour::dim : Colour::plain});
    table.row(std::move(cells));
  }
  return table;
}

int show(Context& context, bool origin) {
  const auto loaded = context.settings();
  if (!loaded) return context.fail(loaded.error());
  if (context.json) {
    context.print_json(as_json(loaded->shown, origin));
  } else {
    context.print(as_table(loaded->shown, origin));
  }
  return kOk;
}

int print_default(Context& context) {
  auto text = config::default_file();
  text.pop_back();
  context.print(text);
  return kOk;
}

}  // namespace

void add_config(Verb& root, Context& context) {
  auto config = root.verb("config", "look at the settings");
  const auto origin = std::make_shared<bool>(false);
  config.verb("show", "the settings that hold")
      .flag(*origin, "--origin", "also who said so: default, file and line, variable or flag")
      .does([&context, origin] { return show(context, *origin); });
  config.verb("default", "a file with every setting at its default").does([&] {
    return print_default(context);
  });
}

}  // namespace drover::cli
