#include "tests/contract/wire/vectors.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "common/base/utf8.hpp"

namespace drover::wire::contract {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  throw std::invalid_argument("hex is 0-9 and a-f");
}

}  // namespace

std::string path_of(std::string_view file) {
  return DROVER_SOURCE_DIR "/schemas/wire/vectors/" + std::string(file) + ".json";
}

Json load(std::string_view file) { return Json::parse(read_file(path_of(file))); }

std::vector<Vector> load_vectors(std::string_view file) {
  std::vector<Vector> vectors;
  for (const auto& json : load(file)) {
    Vector v;
    v.family = json.value("family", std::string(file));
    v.name = json.at("name").get<std::string>();
    v.says = json.at("says").get<std::string>();
    v.message = json.value("message", Json());
    v.code = json.value("code", "");
    v.frame = from_hex(json.at("hex").get<std::string>());
    vectors.push_back(std::move(v));
  }
  return vectors;
}

std::vector<Vector> golden() {
  std::vector<Vector> all;
  for (const auto family : kFamilies) {
    for (auto& vector : load_vectors(family)) all.push_back(std::move(vector));
  }
  return all;
}

void add_hex(std::string_view file, const std::vector<Vector>& vectors) {
  std::string text = read_file(path_of(file));
  for (const auto& vector : vectors) {
    const auto begin = text.find("{\"name\": \"" + vector.name + "\"");
    if (begin == std::string::npos) throw std::runtime_error(vector.name + " is spelled otherwise");
    const auto end = std::min(text.find("{\"name\": ", begin + 1), text.size());
    constexpr std::string_view kEmpty = "\"hex\": \"\"";
    const auto at = text.find(kEmpty, begin);
    if (at < end) text.insert(at + kEmpty.size() - 1, to_hex(vector.frame));
  }
  std::ofstream(path_of(file), std::ios::binary) << text;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 0x0f];
  }
  return hex;
}

std::string from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) throw std::invalid_argument("hex has two digits a byte");
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return bytes;
}

bool is_blob(const Json& json) {
  return json.is_object() && json.size() == 1 && (json.contains("utf8") || json.contains("hex"));
}

std::string bytes_of(const Json& blob) {
  if (!is_blob(blob)) throw std::invalid_argument("not a blob: " + blob.dump());
  if (blob.contains("utf8")) return blob.at("utf8").get<std::string>();
  return from_hex(blob.at("hex").get<std::string>());
}

Json blob_json(std::string_view bytes) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  const bool is_text = is_utf8(bytes) && std::none_of(bytes.begin(), bytes.end(), is_control);
  return is_text ? Json{{"utf8", bytes}} : Json{{"hex", to_hex(bytes)}};
}

}  // namespace drover::wire::contract
