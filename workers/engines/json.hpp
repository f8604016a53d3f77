// JSON from handlers and payloads that nobody vouches for: read without exceptions, and no deeper
// than kJsonDepthMax, because writing a value out again descends once a level.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace drover::workers {

inline constexpr int kJsonDepthMax = 128;

// The value, or nothing if the text is no JSON (RFC 8259, valid UTF-8) or nested too deep.
std::optional<nlohmann::json> parse_json(std::string_view text);

// The same without keeping the value.
bool is_json(std::string_view text);

}  // namespace drover::workers
