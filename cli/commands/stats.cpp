#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.hpp"
#include "cli/human.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

// A figure with its unit, which its name ends in.
std::string figure(const std::string& name, const json& value) {
  if (!value.is_number_unsigned() && !value.is_number_integer()) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  }
  const auto number = value.get<std::uint64_t>();
  if (name.ends_with("_bytes")) return human_size(number);
  if (name.ends_with("_ms")) return human(Duration(number));
  if (name.find("_us") != std::string::npos) {
    return fmt::format("{:.2f} ms", static_cast<double>(number) / 1000);
  }
  return grouped(number);
}

std::string label(std::string name) {
  for (const auto* unit : {"_bytes", "_ms"}) {
    if (name.ends_with(unit)) name.resize(name.size() - std::string_view(unit).size());
  }
  if (const auto us = name.find("_us_"); us != std::string::npos) name.erase(us, 3);
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// Name and figure of each line; a table within takes a line for each of its entries.
std::vector<std::pair<std::string, std::string>> lines_of(const json& figures) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& [name, value] : figures.items()) {
    if (!value.is_object()) {
      lines.emplace_back(label(name), figure(name, value));
      continue;
    }
    for (const auto& [key, count] : value.items())
      lines.emplace_back(label(name) + " " + key, figure(key, count));
  }
  return lines;
}

int stats(Context& context) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto figures = client->stats();
  if (!figures) return context.fail(figures.error());
  if (context.json) {
    context.print_json(*figures);
    return kOk;
  }
  const auto lines = lines_of(*figures);
  std::size_t width = 0;
  for (const auto& [name, value] : lines) width = std::max(width, name.size());
  for (const auto& [name, value] : lines) {
    context.print(fmt::format("{:<{}}  {}", name, width, value));
  }
  return kOk;
}

}  // namespace

void add_stats(Verb& root, Context& context) {
  root.verb("stats", "the broker's figures").does([&] { return stats(context); });
}

}  // namespace drover::cli
