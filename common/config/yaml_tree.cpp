#include "common/config/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace drover::config {
namespace {

// A refusal on its way out of yaml-cpp, which knows exceptions only.
struct Refused {
  int line;
  std::string message;
};

// Builds the tree from yaml-cpp's events: the one way to see aliases, duplicates and lines.
class Builder : public YAML::EventHandler {
 public:
  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(mark, {});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{line_of(mark), "aliases are not read; write the value again"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag, anchor);
    const bool quoted = tag == "!";
    const bool null = !quoted && (value == "~" || value == "null" || value == "Null");
    YamlNode node;
    node.kind = null ? YamlNode::Kind::null : YamlNode::Kind::scalar;
    node.quoted = quoted;
    node.text = value;
    add(mark, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  // A collection that is not closed yet, and in a map the key whose value comes next.
  struct Level {
    YamlNode node;
    std::string key;
    bool has_key = false;
  };

  static int line_of(const YAML::Mark& mark) { return mark.line + 1; }

  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) throw Refused{line_of(mark), "anchors are not read; write the value again"};
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refused{line_of(mark), "tags such as " + tag + " are not read"};
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    refuse_tag(mark, tag, anchor);
    if (levels_.size() >= static_cast<std::size_t>(kYamlDepthMax)) {
      throw Refused{line_of(mark), fmt::format("nested deeper than {}", kYamlDepthMax)};
    }
    if (!levels_.empty() && awaits_key()) {
      throw Refused{line_of(mark), "a key must be a plain text"};
    }
    Level level;
    level.node.kind = kind;
    level.node.line = line_of(mark);
    levels_.push_back(std::move(level));
  }

  void close() {
    YamlNode node = std::move(levels_.back().node);
    levels_.pop_back();
    place(std::move(node));
  }

  void add(const YAML::Mark& mark, YamlNode node) {
    node.line = line_of(mark);
    if (!levels_.empty() && awaits_key()) {
      take_key(std::move(node));
    } else {
      place(std::move(node));
    }
  }

  bool awaits_key() const {
    return levels_.back().node.kind == YamlNode::Kind::map && !levels_.back().has_key;
  }

  void take_key(YamlNode node) {
    auto& level = levels_.back();
    if (node.kind != YamlNode::Kind::scalar) throw Refused{node.line, "a key must be a plain text"};
    if (const auto* before = level.node.find(node.text)) {
      throw Refused{node.line, fmt::format("{} stands here a second time (first in line {})",
                                           node.text, before->line)};
    }
    level.key = std::move(node.text);
    level.has_key = true;
  }

  void place(YamlNode node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::list) {
      level.node.items.push_back(std::move(node));
    } else {
      level.node.entries.push_back({std::move(level.key), std::move(node)});
      level.has_key = false;
    }
  }

  YamlNode root_;
  std::vector<Level> levels_;
};

Error refusal(std::string_view name, int line, const std::string& message) {
  return {Errc::bad_configuration, fmt::format("{}:{}: {}", name, line, message)};
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto same = [&](const auto& entry) { return entry.key == key; };
  const auto found = std::find_if(entries.begin(), entries.end(), same);
  return found == entries.end() ? nullptr : &found->value;
}

Result<YamlNode> parse_yaml(const std::string& text, std::string_view name) {
  if (text.size() > kYamlBytesMax) return refusal(name, 1, "longer than 1 MiB");
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    Builder builder;
    if (!parser.HandleNextDocument(builder)) return YamlNode{};
    YamlNode root = builder.take();
    Builder second;
    if (parser.HandleNextDocument(second)) {
      return refusal(name, second.take().line, "a second document begins here; one is read");
    }
    return root;
  } catch (const Refused& refused) {
    return refusal(name, refused.line, refused.message);
  } catch (const YAML::Exception& error) {
    return refusal(name, error.mark.line + 1, "no YAML: " + error.msg);
  }
}

Result<YamlNode> read_yaml_file(const std::string& path) {
  const auto unreadable = [&] {
    return Error{Errc::bad_configuration, fmt::format("cannot read {}: {}", path, strerror(errno))};
  };
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return unreadable();
  std::string text;
  for (std::array<char, 4096> piece; text.size() <= kYamlBytesMax;) {
    in.read(piece.data(), piece.size());
    if (in.bad()) return unreadable();
    if (in.gcount() == 0) break;
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  return parse_yaml(text, path);
}

std::string_view name_of(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null: return "nothing";
    case YamlNode::Kind::scalar: return "a value";
    case YamlNode::Kind::list: return "a list";
    case YamlNode::Kind::map: return "a section";
  }
  return "";
}

}  // namespace drover::config
