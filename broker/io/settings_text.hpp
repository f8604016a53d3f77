// Settings as people write them: "limit" "10000", "rate" "100/1m", "payload_max" "64KiB", "closed"
// "yes"; and as answers and events tell them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/core.hpp"
#include "broker/core/settings.hpp"

namespace drover::broker {

// INVALID_ARGUMENT with the name as the field, and for a misspelled one all the names there are.
Result<SettingChange> parse_change(std::string_view name, std::string_view value);
Result<std::vector<SettingChange>> parse_changes(
    const std::vector<std::pair<std::string_view, std::string_view>>& changes);

// "queue", "tenant" or "key"; the field is `of`.
Result<SettingOf> parse_setting_of(std::string_view text);

std::string setting_text(Setting setting, const SettingValue& value);

// A msgpack map of what is set: counts and bytes as numbers, rates as texts, flags as booleans; ""
// if nothing is.
std::string settings_map(const Settings& settings);

// The answer to set and settings.
void encode_setup(const SettingHolder& holder, const Core::Setup& setup, std::string& out);
void encode_gates(const std::vector<GateView>& gates, std::string& out);

}  // namespace drover::broker
