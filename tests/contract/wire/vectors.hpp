// The golden vectors of schemas/wire/vectors: their README.md says how to read them.
// A vector's message is JSON for people; its hex is the frame, for ever.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/contract/wire/specification.hpp"

namespace drover::wire::contract {

struct Vector {
  std::string family;
  std::string name;
  std::string says;
  Json message;
  std::string code;   // of refused.json: why
  std::string frame;  // the bytes; empty for a vector that was just added
};

// The families that have a file of their own.
inline constexpr std::string_view kFamilies[] = {"task", "client_to_broker", "broker_to_client",
                                                 "worker_to_broker", "broker_to_worker"};

std::string path_of(std::string_view file);  // "task" -> .../schemas/wire/vectors/task.json
Json load(std::string_view file);
std::vector<Vector> load_vectors(std::string_view file);
// Those of all families, in the order above.
std::vector<Vector> golden();

// Writes the hex of vectors that have none into the file's text; never touches one that is there.
void add_hex(std::string_view file, const std::vector<Vector>& vectors);

std::string to_hex(std::string_view bytes);
std::string from_hex(std::string_view hex);  // throws std::invalid_argument

// A blob in JSON: {"utf8": "..."} if it is text that can be printed, {"hex": "..."} otherwise.
bool is_blob(const Json& json);
std::string bytes_of(const Json& blob);
Json blob_json(std::string_view bytes);

}  // namespace drover::wire::contract
