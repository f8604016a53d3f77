// YAML read strictly: what may be misread is refused with its line.

#include "common/config/yaml_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drover::config {
namespace {

std::string refusal(const std::string& text) {
  const auto tree = parse_yaml(text, "f");
  return tree ? "not refused" : tree.error().message;
}

TEST(YamlTree, ItKeepsTextsAsTheyWereSpelledWithTheirLines) {
  const auto tree = parse_yaml("a: 010\nb:\n  - no\n  - \"5\"\nc: {d: ~}\n", "f");
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->find("a")->text, "010");
  EXPECT_EQ(tree->find("b")->items[0].text, "no");
  EXPECT_EQ(tree->find("b")->items[0].line, 3);
  EXPECT_TRUE(tree->find("b")->items[1].quoted);
  EXPECT_EQ(tree->find("c")->find("d")->kind, YamlNode::Kind::null);
  EXPECT_EQ(tree->find("nothing"), nullptr);
}

TEST(YamlTree, BlockTextsAreTexts) {
  const auto tree = parse_yaml("a: |\n  one\n  two\n", "f");
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->find("a")->text, "one\ntwo\n");
  EXPECT_TRUE(tree->find("a")->quoted);
}

TEST(YamlTree, NothingIsNull) {
  EXPECT_EQ(parse_yaml("", "f")->kind, YamlNode::Kind::null);
  EXPECT_EQ(parse_yaml("---\n", "f")->kind, YamlNode::Kind::null);
}

TEST(YamlTree, AliasesAnchorsAndTagsAreRefused) {
  EXPECT_EQ(refusal("a: &x 1\nb: *x\n"), "f:1: anchors are not read; write the value again");
  EXPECT_EQ(refusal("a: &x {b: 1}\n"), "f:1: anchors are not read; write the value again");
  EXPECT_EQ(refusal("a: !!int 5\n"), "f:1: tags such as tag:yaml.org,2002:int are not read");
  EXPECT_EQ(refusal("a: !mine [5]\n"), "f:1: tags such as !mine are not read");
}

TEST(YamlTree, DuplicateKeysAreRefusedAtEveryDepth) {
  EXPECT_EQ(refusal("a: 1\na: 2\n"), "f:2: a stands here a second time (first in line 1)");
  EXPECT_EQ(refusal("a:\n  b: {c: 1, c: 2}\n"),
            "f:2: c stands here a second time (first in line 2)");
}

TEST(YamlTree, KeysAreTexts) {
  EXPECT_EQ(refusal("? [a]\n: 1\n"), "f:1: a key must be a plain text");
  EXPECT_EQ(refusal("~: 1\n"), "f:1: a key must be a plain text");
}

TEST(YamlTree, ASecondDocumentIsRefused) {
  EXPECT_EQ(refusal("a: 1\n---\nb: 2\n"), "f:3: a second document begins here; one is read");
}

TEST(YamlTree, DepthAndLengthAreBounded) {
  EXPECT_TRUE(parse_yaml(std::string(32, '[') + std::string(32, ']'), "f"));
  EXPECT_EQ(refusal(std::string(33, '[') + std::string(33, ']')), "f:1: nested deeper than 32");
  EXPECT_EQ(refusal(std::string(100'000, '[')).substr(0, 4), "f:1:");
  EXPECT_EQ(refusal(std::string(kYamlBytesMax + 1, ' ')), "f:1: longer than 1 MiB");
}

TEST(YamlTree, WhatIsNoYamlIsRefusedWithItsLine) {
  EXPECT_THAT(refusal("a: 1\n  b: 2\n"), testing::StartsWith("f:2: no YAML"));
  EXPECT_THAT(refusal("a: [1\n"), testing::StartsWith("f:"));
  EXPECT_THAT(refusal("a: \"\\q\"\n"), testing::StartsWith("f:1: no YAML"));
  EXPECT_THAT(refusal("\x01\x02"), testing::AnyOf("not refused", testing::StartsWith("f:")));
}

}  // namespace
}  // namespace drover::config
