// The golden vectors: three readings of each frame must agree: the specification with the JSON, the
// codec's decoder with the JSON, and the codec's encoder with the bytes.
//
//   DROVER_VECTORS=add build/dev/tests/contract_wire
//
// fills in the hex of vectors that have none. A hex that is there is never changed: those bytes are
// in stores and in other people's programs.

#include "tests/contract/wire/vectors.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "common/base/ids.hpp"
#include "tests/contract/wire/message_json.hpp"

namespace drover::wire::contract {
namespace {

// Objects are equal whatever the order of their members.
nlohmann::json unordered(const Json& json) { return nlohmann::json::parse(json.dump()); }

class GoldenVectors : public ::testing::TestWithParam<std::string_view> {
 protected:
  static const Specification& specification() {
    static const Specification spec = Specification::load();
    return spec;
  }
};

INSTANTIATE_TEST_SUITE_P(Wire, GoldenVectors, ::testing::ValuesIn(kFamilies),
                         [](const auto& family) { return std::string(family.param); });

TEST_P(GoldenVectors, TheSpecificationGivesTheBytes) {
  auto vectors = load_vectors(GetParam());
  ASSERT_FALSE(vectors.empty());
  bool adds = false;
  for (auto& v : vectors) {
    const std::string packed = specification().pack(v.family, v.message);
    if (v.frame.empty()) {
      v.frame = packed;
      adds = true;
    }
    EXPECT_EQ(to_hex(packed), to_hex(v.frame)) << v.name << ": " << v.says;
  }
  if (!adds) return;
  const char* switched = std::getenv("DROVER_VECTORS");
  ASSERT_TRUE(switched != nullptr && std::string_view(switched) == "add")
      << "vectors without hex: DROVER_VECTORS=add fills them in";
  add_hex(GetParam(), vectors);
  FAIL() << "hex was added to " << path_of(GetParam()) << "; read it, and run again";
}

TEST_P(GoldenVectors, TheCodecReadsEachFieldWhereItBelongs) {
  for (const auto& v : load_vectors(GetParam())) {
    const auto decoded = read(v.family, v.frame);
    ASSERT_TRUE(decoded) << v.name << ": " << decoded.error().message;
    EXPECT_EQ(unordered(decoded->message), unordered(v.message)) << v.name << ": " << v.says;
  }
}

TEST_P(GoldenVectors, TheCodecWritesTheSameBytes) {
  for (const auto& v : load_vectors(GetParam())) {
    const auto decoded = read(v.family, v.frame);
    ASSERT_TRUE(decoded) << v.name << ": " << decoded.error().message;
    EXPECT_EQ(to_hex(decoded->written_again), to_hex(v.frame)) << v.name << ": " << v.says;
  }
}

TEST_P(GoldenVectors, HaveNamesOfTheirOwnAndSayWhatTheyAreFor) {
  std::set<std::string> names, frames;
  for (const auto& v : load_vectors(GetParam())) {
    EXPECT_TRUE(names.insert(v.name).second) << v.name;
    EXPECT_FALSE(v.says.empty()) << v.name;
  }
}

TEST(GoldenVectorsTest, EveryMessageHasOneWithEveryFieldSaid) {
  const auto spec = Specification::load();
  const auto vectors = golden();
  const auto covers = [&](std::string_view family, std::string_view kind, const Field& field) {
    return std::any_of(vectors.begin(), vectors.end(), [&](const Vector& v) {
      return v.family == family && (kind.empty() || v.message.at("kind") == kind) &&
             v.message.contains(field.name);
    });
  };
  for (const auto& message : spec.messages()) {
    for (const auto& field : message.fields) {
      EXPECT_TRUE(covers(message.family, message.name, field)) << message.name << " " << field.name;
    }
  }
  for (const auto& field : spec.task()) EXPECT_TRUE(covers("task", "", field)) << field.name;
}

TEST(ToleratedVectorsTest, WhatOthersMayWriteIsReadAsWhatTheyMean) {
  const auto vectors = load_vectors("tolerated");
  ASSERT_FALSE(vectors.empty());
  for (const auto& v : vectors) {
    const auto decoded = read(v.family, v.frame);
    ASSERT_TRUE(decoded) << v.name << ": " << decoded.error().message;
    EXPECT_EQ(unordered(decoded->message), unordered(v.message)) << v.name << ": " << v.says;
    EXPECT_NE(to_hex(decoded->written_again), to_hex(v.frame))
        << v.name << " is what we write; it belongs to the golden ones";
  }
}

TEST(RefusedVectorsTest, WhatNobodyMayWriteIsRefusedWithItsCode) {
  const auto vectors = load_vectors("refused");
  ASSERT_FALSE(vectors.empty());
  for (const auto& v : vectors) {
    const auto decoded = read(v.family, v.frame);
    ASSERT_FALSE(decoded) << v.name << " was read: " << v.says;
    EXPECT_EQ(name_of(decoded.error().code), v.code) << v.name << ": " << v.says;
  }
}

TEST(IdVectorsTest, TheHashesOfTenantsAndThePartsOfIdsArePublished) {
  const Json file = load("ids");
  ASSERT_GE(file.at("tenants").size(), 5u);
  for (const auto& known : file.at("tenants")) {
    EXPECT_EQ(tenant_hash(known.at("tenant").get<std::string>()), known.at("hash")) << known;
  }
  ASSERT_GE(file.at("ids").size(), 2u);
  for (const auto& known : file.at("ids")) {
    const auto id = TaskId::from_bytes(from_hex(known.at("hex").get<std::string>()));
    EXPECT_EQ(to_string(id), known.at("id"));
    EXPECT_TRUE(is_uuid_v7(id.bytes)) << known;
    EXPECT_EQ(to_ms(time_of(id)), known.at("ms")) << known;
    EXPECT_EQ(tenant_hash_of(id), known.at("hash")) << known;
    EXPECT_EQ(tenant_hash(known.at("tenant").get<std::string>()), known.at("hash")) << known;
  }
}

}  // namespace
}  // namespace drover::wire::contract
