// Answer bodies as JSON: names, instants, blobs, and bounds on what a peer may send.

#include "drover/body.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/base/ids.hpp"
#include "common/wire/map_writer.hpp"

namespace drover {
namespace {

using nlohmann::json;
using wire::MapWriter;
using wire::Writer;

json converted(const std::string& body) {
  auto value = body_to_json(body);
  EXPECT_TRUE(value) << value.error().message;
  return value ? *value : json();
}

Errc refusal(const std::string& body) {
  const auto value = body_to_json(body);
  return value ? Errc::ok : value.error().code;
}

TEST(Body, EveryKindOfValueHasItsPlaceInJson) {
  std::string body;
  Writer(body).array(9).nil().boolean(true).uint(UINT64_MAX).sint(-5).real(0.5).str("x").bin("ab");
  Writer(body).array(0).map(0);
  EXPECT_EQ(converted(body),
            json::parse(R"([null, true, 18446744073709551615, -5, 0.5, "x", "YWI=", [], {}])"));
}

TEST(Body, InstantsAreRfc3339) {
  std::string body;
  MapWriter(body)
      .uint("created_at", 1000)
      .uint("ts", 0)
      .uint("not_before", 1)
      .uint("delay_ms", 7)
      .finish();
  EXPECT_EQ(converted(body), (json{{"created_at", "1970-01-01T00:00:01.000Z"},
                                   {"ts", "1970-01-01T00:00:00.000Z"},
                                   {"not_before", "1970-01-01T00:00:00.001Z"},
                                   {"delay_ms", 7}}));
}

TEST(Body, AnInstantThatCannotBeWrittenStaysANumber) {
  std::string body;
  MapWriter(body).uint("created_at", UINT64_MAX).uint("ended_at", 253'402'300'800'000).finish();
  EXPECT_EQ(converted(body), (json{{"created_at", UINT64_MAX}, {"ended_at", 253'402'300'800'000}}));
}

TEST(Body, PayloadsAreValuesWhereTheirTypeSaysJson) {
  std::string body;
  MapWriter(body).bin("payload", R"({"a":[1,2]})").str("content_type", "application/json").finish();
  EXPECT_EQ(converted(body)["payload"], (json{{"a", {1, 2}}}));

  body.clear();
  MapWriter(body).str("content_type", "text/plain").bin("result", "hi").finish();
  EXPECT_EQ(converted(body)["result_base64"], "aGk=");
  EXPECT_FALSE(converted(body).contains("result"));
}

TEST(Body, JsonThatIsNoneIsGivenAsItsBytes) {
  std::string body;
  MapWriter(body).bin("result", "{oops").str("content_type", "application/json").finish();
  EXPECT_EQ(converted(body)["result_base64"], "e29vcHM=");
}

TEST(Body, StoresAreUuids) {
  const auto id = StoreId::from_bytes("0123456789abcdef");
  std::string body;
  MapWriter(body).bin("store", id.view()).finish();
  EXPECT_EQ(converted(body)["store"], to_string(id));
}

TEST(Body, WhatIsNoMsgpackIsRefused) {
  EXPECT_EQ(refusal(""), Errc::malformed);
  EXPECT_EQ(refusal("\xc1"), Errc::malformed);
  EXPECT_EQ(refusal("\x81"), Errc::malformed);
  EXPECT_EQ(refusal("\x81\x01\x01"), Errc::malformed);  // a key that is no text
  EXPECT_EQ(refusal("\xdd\xff\xff\xff\xff"), Errc::malformed);
  EXPECT_EQ(refusal("\xd4\x01\x00"), Errc::malformed);  // an extension
  EXPECT_EQ(refusal("\x01\x01"), Errc::malformed);
}

TEST(Body, DepthIsBounded) {
  EXPECT_EQ(refusal(std::string(31, '\x91') + "\x01"), Errc::ok);
  EXPECT_EQ(refusal(std::string(100'000, '\x91') + "\x01"), Errc::too_deep);
}

TEST(Body, TheNumberOfValuesIsBounded) {
  std::string body;
  Writer(body).array(kBodyValuesMax + 1);
  body.append(kBodyValuesMax + 1, '\x01');
  EXPECT_EQ(refusal(body), Errc::too_many_elements);
}

TEST(ParseJson, DeepAndBrokenJsonIsRefused) {
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_EQ(parse_json(std::string(65, '[') + std::string(65, ']')).error().code, Errc::too_deep);
  EXPECT_EQ(parse_json(std::string(100'000, '[')).error().code, Errc::too_deep);
  const auto broken = parse_json("{\"a\":}");
  EXPECT_EQ(broken.error().code, Errc::invalid_argument);
  EXPECT_EQ(broken.error().message.find("no JSON: parse error at line 1, column 6"), 0u)
      << broken.error().message;
  EXPECT_FALSE(parse_json("1e999"));
  EXPECT_FALSE(parse_json("\"\xff\""));
  EXPECT_FALSE(parse_json(""));
}

TEST(JsonType, ParametersAndSuffixesCount) {
  for (const auto* type : {"", "application/json", "application/json; charset=utf-8",
                           "Application/JSON", "application/problem+json"}) {
    EXPECT_TRUE(is_json_type(type)) << type;
  }
  for (const auto* type : {"text/plain", "application/jsonl", "json"}) {
    EXPECT_FALSE(is_json_type(type)) << type;
  }
}

TEST(Base64, ItReadsBackWhatItWrote) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (std::size_t size = 0; size <= all.size(); ++size) {
    EXPECT_EQ(*from_base64(to_base64(all.substr(0, size))), all.substr(0, size));
  }
}

TEST(Base64, WhatIsNoneIsRefused) {
  for (const auto* text :
       {"Z", "Zg", "Zg=", "Zg===", "Z===", "Zh==", "Zm9=", "====", "Zg==Zg==", "Zm 9", "Zm9_"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

}  // namespace
}  // namespace drover
