// What operators set of a queue, of a tenant and of a key, and the rules that every setting keeps.
//
// A key is what tasks name as their `gate`, `concurrency_key` or `rate_key`. Settings come from the
// configuration or were made at run time; those made at run time are journaled and win until they
// are unset. Pure data.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace drover::broker {

// What a setting is of.
enum class SettingOf : std::uint8_t { queue, tenant, key };
inline constexpr std::size_t kSettingOfs = 3;
std::string_view name_of(SettingOf of);

// What some settings are of.
struct SettingHolder {
  SettingOf of{};
  std::string tenant;
  std::string name;  // of the queue or the key; "" of a tenant

  auto operator<=>(const SettingHolder&) const = default;
};

// The numbers are stable: they are journaled.
enum class Setting : std::uint8_t {
  limit,            // waiting and dead tasks; beyond, submissions are refused
  payload_max,      // bytes of one payload
  submit_rate,      // submissions taken; beyond, they are refused
  concurrency,      // tasks that run at once
  key_concurrency,  // of each of the tenant's concurrency_keys that has no concurrency of its own
  rate,             // tasks begun; of a key: their rate_cost
  weight,           // share among the tenants
  closed,           // nothing is begun: a queue is paused, a gate is closed
};
inline constexpr std::size_t kSettings = 8;

struct SettingValue {
  std::uint64_t amount = 0;
  Duration per{0};  // of rates

  bool operator==(const SettingValue&) const = default;
};

enum class SettingForm : std::uint8_t { count, bytes, rate, flag };

struct SettingRule {
  Setting setting;
  std::string_view name;
  SettingForm form;
  std::uint64_t least, most;                 // of the amount
  std::array<bool, kSettingOfs> applies_to;  // queue, tenant, key
};

// All of them, in their order.
extern const std::array<SettingRule, kSettings> kSettingRules;
inline const SettingRule& rule_of(Setting setting) {
  return kSettingRules[static_cast<std::size_t>(setting)];
}

// The bounds of a rate's `per`.
inline constexpr Duration kRatePerMin = 100ms;
inline constexpr Duration kRatePerMax = 24h;

class Settings {
 public:
  std::optional<SettingValue>& operator[](Setting s) {
    return values_[static_cast<std::size_t>(s)];
  }
  const std::optional<SettingValue>& operator[](Setting s) const {
    return values_[static_cast<std::size_t>(s)];
  }
  bool empty() const;
  bool operator==(const Settings&) const = default;

  // The amount, or what holds where nothing is set.
  std::uint64_t amount(Setting s, std::uint64_t otherwise) const {
    const auto& value = (*this)[s];
    return value ? value->amount : otherwise;
  }
  bool is_closed() const { return amount(Setting::closed, 0) != 0; }

  // These, and where they say nothing, those of `base`.
  Settings over(const Settings& base) const;

 private:
  std::array<std::optional<SettingValue>, kSettings> values_;
};

// One step: nullopt unsets.
using SettingChange = std::pair<Setting, std::optional<SettingValue>>;

// INVALID_ARGUMENT with the setting's name as the field.
Result<void> check(SettingOf of, const SettingChange& change);

// As the blob of a record, and back. Settings that a later release wrote are passed over.
std::string encode_settings(const Settings& settings);
Result<Settings> decode_settings(std::string_view bytes);

}  // namespace drover::broker
