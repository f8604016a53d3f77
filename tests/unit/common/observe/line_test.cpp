// How a log line is spelled: one line whatever the texts hold.

#include "common/observe/line.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace drover::log {
namespace {

const Source kSource{instant_from_ms(1'700'000'000'123), Level::info, "drover-broker", 7, false};

std::string text(std::string_view message, std::vector<Field> fields = {}) {
  return text_line(kSource, message, fields);
}
std::string json(std::string_view message, std::vector<Field> fields = {}) {
  return json_line(kSource, message, fields);
}

TEST(LogLine, TextIsForPeople) {
  EXPECT_EQ(text("the broker is ready", {{"clients", "tcp://127.0.0.1:7700"}, {"waiting", 12}}),
            "2023-11-14T22:13:20.123Z info  drover-broker  the broker is ready "
            "clients=tcp://127.0.0.1:7700 waiting=12");
}

TEST(LogLine, JsonIsForPrograms) {
  EXPECT_EQ(json("ready", {{"clients", "tcp://127.0.0.1:7700"}, {"waiting", 12}}),
            R"({"ts":"2023-11-14T22:13:20.123Z","level":"info","service":"drover-broker","pid":7,)"
            R"("message":"ready","clients":"tcp://127.0.0.1:7700","waiting":12})");
}

TEST(LogLine, EveryKindOfValueIsWritten) {
  const std::vector<Field> fields = {{"a", -1},   {"b", 18446744073709551615ull}, {"c", true},
                                     {"d", 0.25}, {"e_ms", Duration(1500)},       {"f", "x"}};
  EXPECT_TRUE(
      text("m", fields).ends_with("m a=-1 b=18446744073709551615 c=true d=0.25 e_ms=1500 f=x"));
  EXPECT_TRUE(
      json("m", fields)
          .ends_with(R"("a":-1,"b":18446744073709551615,"c":true,"d":0.25,"e_ms":1500,"f":"x"})"));
}

TEST(LogLine, WhatIsNoNumberIsNull) {
  EXPECT_TRUE(json("m", {{"a", 0.0 / 0.0 * -1}}).ends_with(R"("a":null})"));
  EXPECT_TRUE(json("m", {{"a", 1e308 * 10}}).ends_with(R"("a":null})"));
}

TEST(LogLine, ControlCharactersAreEscaped) {
  const std::string evil = "a\nb\r\t\x1b[31m\x7f";
  EXPECT_TRUE(text(evil).ends_with(R"(a\nb\r\t\u001b[31m\u007f)"));
  EXPECT_TRUE(json(evil).ends_with(R"("message":"a\nb\r\t\u001b[31m\u007f"})"));
}

TEST(LogLine, TextsThatWouldBeMisreadAreQuoted) {
  EXPECT_TRUE(text("m", {{"a", "two words"}}).ends_with("a=\"two words\""));
  EXPECT_TRUE(text("m", {{"a", ""}}).ends_with("a=\"\""));
  EXPECT_TRUE(text("m", {{"a", "b=c"}}).ends_with("a=\"b=c\""));
  EXPECT_TRUE(text("m", {{"a", "say \"hi\""}}).ends_with(R"(a="say \"hi\"")"));
}

TEST(LogLine, JsonQuotesAreEscaped) {
  EXPECT_TRUE(json("a \"b\" \\").ends_with(R"("message":"a \"b\" \\"})"));
}

TEST(LogLine, LongTextsAreCutAtACharactersEdge) {
  std::string most(1024, 'x');
  EXPECT_TRUE(text("m", {{"a", most}}).ends_with(most));
  const std::string beyond = most + "x";
  most += "...";
  EXPECT_TRUE(text("m", {{"a", beyond}}).ends_with(most));
  const std::string umlauts = [] {
    std::string all = "x";
    for (int i = 0; i < 600; ++i) all += "\xC3\xA4";
    return all;
  }();
  const auto line = text("m", {{"a", umlauts}});
  EXPECT_TRUE(line.ends_with("\xC3\xA4..."));
}

TEST(LogLine, BytesThatAreNoUtf8AreReplaced) {
  for (const std::string bad :
       {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    const auto line = json("a" + bad + "b");
    EXPECT_EQ(line.find(bad), std::string::npos);
    EXPECT_NE(line.find("\xEF\xBF\xBD"), std::string::npos);
  }
  EXPECT_TRUE(json("\xe2\x82\xac \xf0\x9f\x90\x84").ends_with("\xe2\x82\xac \xf0\x9f\x90\x84\"}"));
}

TEST(LogLine, OnATerminalTheLevelHasAColour) {
  auto source = kSource;
  source.colour = true;
  source.level = Level::error;
  EXPECT_NE(text_line(source, "m", {}).find("\x1b[31merror\x1b[0m"), std::string::npos);
}

}  // namespace
}  // namespace drover::log
