#include "cli/settings_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <drover/client.hpp>
#include <nlohmann/json.hpp>

#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "common/config/value.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;
using Changes = std::vector<std::pair<std::string, std::string>>;

Client::Holder holder_of(const SettingsOf& s) { return {s.of, s.tenant, s.name}; }

int change(Context& context, const SettingsOf& holder, const Changes& changes,
           const std::string& done) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto setup = client->set(holder_of(holder), changes);
  if (!setup) return context.fail(setup.error());
  if (done.empty() || context.json) return print_settings(context, *setup);
  context.print(done);
  return kOk;
}

}  // namespace

int print_settings(Context& context, const json& setup) {
  if (context.json) {
    context.print_json(setup);
    return kOk;
  }
  const auto made = list_of(setup, "made");
  Table table;
  table.column("SETTING");
  table.column("VALUE");
  table.column("SET");
  for (const auto& [name, value] : setup["settings"].items()) {
    const bool is_made = std::find(made.begin(), made.end(), name) != made.end();
    const auto text = value.is_string()       ? value.get<std::string>()
                      : name == "payload_max" ? config::size_text(value.get<std::uint64_t>())
                      : value.is_boolean()    ? std::string(value.get<bool>() ? "yes" : "no")
                                              : value.dump();
    table.row({{name}, {text}, {is_made ? "at run time" : "in the configuration"}});
  }
  context.print_list(setup["settings"], table, "Nothing is set: the defaults hold.");
  return kOk;
}

int show_settings(Context& context, const SettingsOf& holder) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto setup = client->settings(holder_of(holder));
  if (!setup) return context.fail(setup.error());
  return print_settings(context, *setup);
}

int change_settings(Context& context, const SettingsOf& holder,
                    const std::vector<std::string>& words) {
  Changes changes;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return context.fail(
          {Errc::invalid_argument,
           fmt::format("'{}' is no setting: write NAME=VALUE, or NAME= to unset it", word)});
    }
    changes.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return change(context, holder, changes, "");
}

int set_closed(Context& context, const SettingsOf& holder, bool closed, const std::string& done) {
  return change(context, holder, {{"closed", closed ? "yes" : "no"}}, done);
}

}  // namespace drover::cli
