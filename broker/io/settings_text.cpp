#include "broker/io/settings_text.hpp"

#include <algorithm>

#include "common/config/value.hpp"
#include "common/wire/map_writer.hpp"

namespace drover::broker {
namespace {

using wire::MapWriter;

Error expected(const SettingRule& rule, std::string what) {
  return {Errc::invalid_argument, std::string(rule.name) + " must be " + std::move(what),
          std::string(rule.name)};
}

// 100/1m, or 100/m for the unit itself.
Result<SettingValue> parse_rate(const SettingRule& rule, std::string_view text) {
  const auto slash = text.find('/');
  const auto amount = config::parse_count(text.substr(0, slash));
  std::string per(slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1));
  if (!per.empty() && (per.front() < '0' || per.front() > '9')) per.insert(0, 1, '1');
  const auto span = parse_duration(per);
  if (amount && span) return SettingValue{*amount, *span};
  return expected(rule, "so many in a time, such as 100/1m");
}

Result<SettingValue> parse_value(const SettingRule& rule, std::string_view text) {
  switch (rule.form) {
    case SettingForm::rate: return parse_rate(rule, text);
    case SettingForm::bytes:
      if (const auto size = config::parse_size(text)) return SettingValue{*size, 0ms};
      return expected(rule, "a size, such as 64KiB");
    case SettingForm::flag:
      if (text == "yes" || text == "no") return SettingValue{text == "yes" ? 1ULL : 0ULL, 0ms};
      return expected(rule, "yes or no");
    case SettingForm::count: break;
  }
  if (const auto count = config::parse_count(text)) return SettingValue{*count, 0ms};
  return expected(rule, "a whole number");
}

std::string all_names() {
  std::string names;
  for (const auto& rule : kSettingRules) {
    names += (names.empty() ? "" : ", ") + std::string(rule.name);
  }
  return names;
}

}  // namespace

Result<SettingChange> parse_change(std::string_view name, std::string_view value) {
  const auto at = std::find_if(kSettingRules.begin(), kSettingRules.end(),
                               [&](const SettingRule& rule) { return rule.name == name; });
  if (at == kSettingRules.end()) {
    return Error{Errc::invalid_argument,
                 "there is no setting '" + std::string(name.substr(0, kNameMax)) + "'; there are " +
                     all_names(),
                 "changes"};
  }
  if (value.empty()) return SettingChange{at->setting, std::nullopt};
  const auto parsed = parse_value(*at, value);
  if (!parsed) return parsed.error();
  return SettingChange{at->setting, *parsed};
}

Result<std::vector<SettingChange>> parse_changes(
    const std::vector<std::pair<std::string_view, std::string_view>>& changes) {
  std::vector<SettingChange> parsed;
  for (const auto& [name, value] : changes) {
    auto change = parse_change(name, value);
    if (!change) return change.error();
    parsed.push_back(std::move(*change));
  }
  return parsed;
}

Result<SettingOf> parse_setting_of(std::string_view text) {
  for (const auto of : {SettingOf::queue, SettingOf::tenant, SettingOf::key}) {
    if (text == name_of(of)) return of;
  }
  return Error{Errc::invalid_argument, "of must be queue, tenant or key", "of"};
}

std::string setting_text(Setting setting, const SettingValue& value) {
  switch (rule_of(setting).form) {
    case SettingForm::rate: return std::to_string(value.amount) + "/" + to_string(value.per);
    case SettingForm::bytes: return config::size_text(value.amount);
    case SettingForm::flag: return value.amount != 0 ? "yes" : "no";
    case SettingForm::count: break;
  }
  return std::to_string(value.amount);
}

std::string settings_map(const Settings& settings) {
  std::string out;
  if (settings.empty()) return out;
  MapWriter m(out);
  for (const SettingRule& rule : kSettingRules) {
    const auto& value = settings[rule.setting];
    if (!value) continue;
    if (rule.form == SettingForm::rate) {
      m.str(rule.name, setting_text(rule.setting, *value));
    } else if (rule.form == SettingForm::flag) {
      m.boolean(rule.name, value->amount != 0);
    } else {
      m.uint(rule.name, value->amount);
    }
  }
  m.finish();
  return out;
}

void encode_setup(const SettingHolder& holder, const Core::Setup& setup, std::string& out) {
  MapWriter m(out);
  m.str("of", name_of(holder.of)).str("tenant", holder.tenant).str("name", holder.name);
  std::string all = settings_map(setup.all);
  m.raw("settings", all.empty() ? "\x80" : all);
  wire::Writer made = m.entry("made");  // at run time; the others are of the configuration
  std::size_t count = 0;
  for (const auto& rule : kSettingRules) count += setup.made[rule.setting].has_value();
  made.array(count);
  for (const auto& rule : kSettingRules) {
    if (setup.made[rule.setting]) made.str(rule.name);
  }
  m.finish();
}

void encode_gates(const std::vector<GateView>& gates, std::string& out) {
  wire::Writer(out).array(gates.size());
  for (const GateView& gate : gates) {
    MapWriter m(out);
    m.str("kind", name_of(gate.kind)).str("of", name_of(gate.of)).str("tenant", gate.tenant);
    m.str("name", gate.name).boolean("open", gate.is_open).uint("waiting", gate.waiting);
    if (gate.kind == GateKind::limit || gate.kind == GateKind::concurrency) {
      m.uint("running", gate.running);
      if (gate.most > 0) m.uint("most", gate.most);
    }
    if (gate.rate.amount > 0) m.str("rate", setting_text(Setting::rate, gate.rate));
    if (!gate.is_open) m.instant("opens_at", gate.opens_at);
    m.finish();
  }
}

}  // namespace drover::broker
