#include "broker/core/settings.hpp"

#include <algorithm>

#include "common/wire/reader.hpp"
#include "common/wire/writer.hpp"

namespace drover::broker {
namespace {

constexpr std::uint64_t kMany = 1'000'000'000;
constexpr std::uint64_t kRunningMax = 1'000'000;
constexpr std::uint64_t kPayloadMax = 1ULL << 30;

std::string holder_names(const SettingRule& rule) {
  std::string names;
  for (std::size_t i = 0; i < kSettingOfs; ++i) {
    if (!rule.applies_to[i]) continue;
    names += (names.empty() ? "" : " or a ") + std::string(name_of(static_cast<SettingOf>(i)));
  }
  return names;
}

}  // namespace

const std::array<SettingRule, kSettings> kSettingRules = {{
    {Setting::limit, "limit", SettingForm::count, 1, kMany, {true, true, false}},
    {Setting::payload_max, "payload_max", SettingForm::bytes, 1, kPayloadMax, {true, true, false}},
    {Setting::submit_rate, "submit_rate", SettingForm::rate, 1, kMany, {true, true, false}},
    {Setting::concurrency, "concurrency", SettingForm::count, 1, kRunningMax, {true, true, true}},
    {Setting::key_concurrency,
     "key_concurrency",
     SettingForm::count,
     1,
     kRunningMax,
     {false, true, false}},
    {Setting::rate, "rate", SettingForm::rate, 1, kMany, {true, true, true}},
    {Setting::weight, "weight", SettingForm::count, 1, 100, {false, true, false}},
    {Setting::closed, "closed", SettingForm::flag, 0, 1, {true, false, true}},
}};

std::string_view name_of(SettingOf of) {
  constexpr std::array<std::string_view, kSettingOfs> kNames = {"queue", "tenant", "key"};
  return kNames[static_cast<std::size_t>(of)];
}

bool Settings::empty() const {
  return std::none_of(values_.begin(), values_.end(), [](const auto& v) { return v.has_value(); });
}

Settings Settings::over(const Settings& base) const {
  Settings both = base;
  for (std::size_t i = 0; i < kSettings; ++i) {
    if (values_[i]) both.values_[i] = values_[i];
  }
  return both;
}

Result<void> check(SettingOf of, const SettingChange& change) {
  const SettingRule& rule = rule_of(change.first);
  const std::string name(rule.name);
  if (!rule.applies_to[static_cast<std::size_t>(of)]) {
    return Error{Errc::invalid_argument, name + " is a setting of a " + holder_names(rule), name};
  }
  if (!change.second) return {};
  const SettingValue& value = *change.second;
  if (value.amount < rule.least || value.amount > rule.most) {
    return Error{
        Errc::invalid_argument,
        name + " must be " + std::to_string(rule.least) + " to " + std::to_string(rule.most), name};
  }
  const bool is_rate = rule.form == SettingForm::rate;
  if (is_rate && (value.per < kRatePerMin || value.per > kRatePerMax)) {
    return Error{
        Errc::invalid_argument,
        name + " must be so much per " + to_string(kRatePerMin) + " to " + to_string(kRatePerMax),
        name};
  }
  return {};
}

std::string encode_settings(const Settings& settings) {
  std::string bytes;
  wire::Writer w(bytes);
  const auto is_set = [&](const SettingRule& rule) { return settings[rule.setting].has_value(); };
  w.array(
      static_cast<std::size_t>(std::count_if(kSettingRules.begin(), kSettingRules.end(), is_set)));
  for (const SettingRule& rule : kSettingRules) {
    const auto& value = settings[rule.setting];
    if (!value) continue;
    w.array(3).uint(static_cast<std::uint64_t>(rule.setting)).uint(value->amount);
    w.span(value->per);
  }
  return bytes;
}

Result<Settings> decode_settings(std::string_view bytes) {
  wire::Reader r(bytes);
  Settings settings;
  const auto count = r.array();
  for (std::uint32_t i = 0; i < count && !r.failed(); ++i) {
    const auto fields = r.array();
    const auto setting = r.uint();
    const SettingValue value{r.uint(), r.span()};
    wire::skip_rest(r, fields, 3);
    if (setting < kSettings) settings[static_cast<Setting>(setting)] = value;
  }
  if (r.failed()) return r.error();
  return settings;
}

}  // namespace drover::broker
