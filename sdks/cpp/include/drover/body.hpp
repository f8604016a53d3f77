// Answer bodies of the broker as JSON: msgpack maps with the names of the JSON interface.
//
// Instants (`ts`, `not_before`, names that end in _at) become RFC 3339 texts. Payloads and results
// become JSON values where the content_type beside them is JSON and they are indeed, otherwise
// base64 under `payload_base64`, `result_base64`. Store ids become UUID texts.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "common/base/result.hpp"

namespace drover {

// The most values that one body may hold.
inline constexpr std::size_t kBodyValuesMax = 2'000'000;

// How deep JSON may be nested that comes from payloads and results.
inline constexpr int kJsonDepthMax = 64;

// Errors: MALFORMED, TOO_DEEP, TOO_MANY_ELEMENTS.
Result<nlohmann::json> body_to_json(std::string_view body);

// Reads JSON from outside. Errors: INVALID_ARGUMENT with the place, TOO_DEEP.
Result<nlohmann::json> parse_json(std::string_view text);

// True for application/json, with or without parameters, and types that end in +json.
bool is_json_type(std::string_view content_type);

std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);  // with padding; INVALID_ARGUMENT

}  // namespace drover
