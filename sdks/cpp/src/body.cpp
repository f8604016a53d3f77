#include "drover/body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/base/ids.hpp"
#include "common/wire/reader.hpp"

namespace drover {
namespace {

using nlohmann::json;
using wire::Reader;
using Type = wire::Reader::Type;

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_instant(std::string_view key) {
  return key.ends_with("_at") || key == "ts" || key == "not_before";
}

// A number that names an instant, if it is one that can be written.
json instant_or_number(std::int64_t ms) {
  constexpr std::int64_t kMostMs = 253'402'300'799'999;  // the end of the year 9999
  if (ms < 0 || ms > kMostMs) return ms;
  return to_rfc3339(instant_from_ms(ms));
}

class Converter {
 public:
  explicit Converter(std::string_view body) : reader_(body) {}

  Result<json> convert() {
    json value = read("");
    if (reader_.failed()) return reader_.error();
    if (!reader_.at_end()) return Error{Errc::malformed, "bytes follow the value"};
    return value;
  }

 private:
  // One value; its key says how some are to be written. Depth is bounded by raw(), which refuses
  // what is nested too deep before anything is built.
  json read(std::string_view key) {
    if (++values_ > kBodyValuesMax) {
      reader_.fail(Errc::too_many_elements, "a body holds too many values");
    }
    if (++depth_ > wire::kDepthMax) reader_.fail(Errc::too_deep, "values are nested too deep");
    json value = reader_.failed() ? json() : read_typed(key);
    --depth_;
    return value;
  }

  json read_typed(std::string_view key) {
    switch (reader_.peek()) {
      case Type::nil: return reader_.take_nil(), json();
      case Type::boolean: return reader_.boolean();
      case Type::uint: return read_uint(key);
      case Type::sint: return reader_.sint();
      case Type::real: return read_real();
      case Type::str: return std::string(reader_.str());
      case Type::bin: return read_blob(key);
      case Type::array: return read_array(key);
      case Type::map: return read_map();
      case Type::ext:
      case Type::none: break;
    }
    reader_.fail(Errc::malformed, "a value of a kind that no answer holds");
    return {};
  }

  json read_uint(std::string_view key) {
    const auto number = reader_.uint();
    const bool instant = is_instant(key) && number <= static_cast<std::uint64_t>(INT64_MAX);
    return instant ? instant_or_number(static_cast<std::int64_t>(number)) : json(number);
  }

  json read_real() {
    const double number = reader_.real();
    return std::isfinite(number) ? json(number) : json();
  }

  json read_blob(std::string_view key) {
    const auto bytes = reader_.bin();
    if (key == "store" && bytes.size() == 16) return to_string(StoreId::from_bytes(bytes));
    return to_base64(bytes);
  }

  json read_array(std::string_view key) {
    json list = json::array();
    for (auto left = reader_.array(); left > 0 && !reader_.failed(); --left) {
      list.push_back(read(key));
    }
    return list;
  }

  json read_map() {
    json map = json::object();
    std::vector<std::pair<std::string, std::string_view>> blobs;
    for (auto left = reader_.map(); left > 0 && !reader_.failed(); --left) {
      std::string key(reader_.str());
      const bool opaque = (key == "payload" || key == "result") && reader_.peek() == Type::bin;
      if (opaque) {
        blobs.emplace_back(std::move(key), reader_.bin());
      } else {
        auto value = read(key);
        map[std::move(key)] = std::move(value);
      }
    }
    for (const auto& [key, bytes] : blobs) add_blob(map, key, bytes);
    return map;
  }

  // A payload or result, once the content_type beside it is known.
  static void add_blob(json& map, const std::string& key, std::string_view bytes) {
    const auto type = map.find("content_type");
    const bool json_type = type == map.end() ||
                           (type->is_string() && is_json_type(type->get_ref<const std::string&>()));
    if (json_type) {
      if (auto value = parse_json(bytes)) {
        map[key] = std::move(*value);
        return;
      }
    }
    map[key + "_base64"] = to_base64(bytes);
  }

  Reader reader_;
  std::size_t values_ = 0;
  int depth_ = 0;
};

struct TooDeep {};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

Result<json> body_to_json(std::string_view body) { return Converter(body).convert(); }

Result<json> parse_json(std::string_view text) {
  const auto bounded = [](int depth, json::parse_event_t event, json&) {
    using Event = json::parse_event_t;
    const bool opens = event == Event::array_start || event == Event::object_start;
    if (opens && depth >= kJsonDepthMax) throw TooDeep{};
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), bounded);
  } catch (const TooDeep&) {
    return Error{Errc::too_deep, fmt::format("JSON nested deeper than {}", kJsonDepthMax)};
  } catch (const json::exception& error) {
    const std::string_view what = error.what();
    const auto start = what.find("parse error");
    return Error{Errc::invalid_argument,
                 "no JSON: " + std::string(start == what.npos ? what : what.substr(start))};
  }
}

bool is_json_type(std::string_view content_type) {
  std::string bare(content_type.substr(0, content_type.find(';')));
  while (bare.ends_with(' ')) bare.pop_back();
  std::transform(bare.begin(), bare.end(), bare.begin(), lower);
  return bare.empty() || bare == "application/json" || bare.ends_with("+json");
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<std::uint8_t>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? kDigits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

Result<std::string> from_base64(std::string_view text) {
  const Error bad{Errc::invalid_argument, "no base64"};
  if (text.size() % 4 != 0) return bad;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::string bytes;
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool padded = i >= text.size() - padding;
    const auto digit = padded ? 0 : kDigits.find(text[i]);
    if (digit == std::string_view::npos) return bad;
    group = group << 6 | static_cast<std::uint32_t>(digit);
    if (i % 4 != 3) continue;
    for (int shift = 16; shift >= 0; shift -= 8) bytes += static_cast<char>(group >> shift & 255);
    group = 0;
  }
  const bool stray = std::any_of(bytes.end() - static_cast<std::ptrdiff_t>(padding), bytes.end(),
                                 [](char c) { return c != '\0'; });
  if (stray) return bad;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace drover
