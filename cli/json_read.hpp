// Reading the broker's answers without believing them: a member that is missing or of another type
// is its default, so that an older or newer broker never breaks a command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "common/base/time.hpp"

namespace drover::cli {

inline std::string text_of(const nlohmann::json& object, const char* name) {
  const auto at = object.is_object() ? object.find(name) : object.end();
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

inline std::uint64_t number_of(const nlohmann::json& object, const char* name) {
  const auto at = object.is_object() ? object.find(name) : object.end();
  return at != object.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

inline std::optional<Instant> instant_of(const nlohmann::json& object, const char* name) {
  const auto text = text_of(object, name);
  if (text.empty()) return std::nullopt;
  const auto at = parse_rfc3339(text);
  return at ? std::optional(*at) : std::nullopt;
}

// The list under a name, empty if there is none.
inline const nlohmann::json& list_of(const nlohmann::json& object, const char* name) {
  static const nlohmann::json none = nlohmann::json::array();
  const auto at = object.is_object() ? object.find(name) : object.end();
  return at != object.end() && at->is_array() ? *at : none;
}

// The object under a name, empty if there is none.
inline const nlohmann::json& object_of(const nlohmann::json& object, const char* name) {
  static const nlohmann::json none = nlohmann::json::object();
  const auto at = object.is_object() ? object.find(name) : object.end();
  return at != object.end() && at->is_object() ? *at : none;
}

// The texts of a list, joined.
inline std::string joined(const nlohmann::json& list, const char* between = " ") {
  std::string text;
  if (!list.is_array()) return text;
  for (const auto& entry : list) {
    if (!entry.is_string()) continue;
    text += (text.empty() ? "" : between) + entry.get<std::string>();
  }
  return text;
}

}  // namespace drover::cli
