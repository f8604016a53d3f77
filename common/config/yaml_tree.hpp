// YAML as a tree of texts, read strictly: what a person may misread is refused.
//
// Refused with file and line: duplicate keys, anchors and aliases, tags, keys that are no plain
// texts, several documents, nesting beyond 32, files beyond 1 MiB, and whatever is no YAML. Scalars
// keep their spelling: what `010` or `no` means is for the reader of the value to say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace drover::config {

struct YamlEntry;

struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  int line = 0;         // counted from 1
  bool quoted = false;  // of a scalar: 5 and "5" differ
  std::string text;     // of a scalar
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;  // of a map, in the order of the file

  // The entry of a map, or nullptr.
  const YamlNode* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  YamlNode value;
};

inline constexpr std::size_t kYamlBytesMax = 1024 * 1024;
inline constexpr int kYamlDepthMax = 32;

// Reads one document; an empty one is null. `name` stands before the line in messages. Error:
// BAD_CONFIGURATION "name:12: ...".
Result<YamlNode> parse_yaml(const std::string& text, std::string_view name);

// The same for a file, whose path is the name.
Result<YamlNode> read_yaml_file(const std::string& path);

// "a scalar", "a list", ... for messages.
std::string_view name_of(YamlNode::Kind kind);

}  // namespace drover::config
