// Ids: whoever submits makes them, in any language, so their layout is a promise. The tenants'
// hashes here are also in schemas/wire/vectors/ids.json, for the other languages.

#include "common/base/ids.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace drover {
namespace {

constexpr Instant kNow = instant_from_ms(0x0190f3a28c4e);

TEST(TaskIdTest, IsAUuidOfVersion7WithTheMillisecondInFront) {
  Random random(1);
  const TaskId id = make_task_id(kNow, "default", random);
  const auto text = to_string(id);
  EXPECT_EQ(text.substr(0, 15), "0190f3a2-8c4e-7") << text;
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
  EXPECT_TRUE(is_uuid_v7(id.bytes));
  EXPECT_EQ(time_of(id), kNow);
}

TEST(TaskIdTest, CarriesItsTenantInTheLastTenBits) {
  Random random(2);
  for (int i = 0; i < 1000; ++i) {
    const std::string tenant = "tenant-" + std::to_string(i);
    const TaskId id = make_task_id(kNow, tenant, random);
    ASSERT_EQ(tenant_hash_of(id), tenant_hash(tenant));
    ASSERT_TRUE(is_uuid_v7(id.bytes));
  }
}

TEST(TaskIdTest, TheHashOfATenantIsTheSameEverywhere) {
  const std::vector<std::pair<std::string, int>> published = {
      {"default", 229},   {"acme", 82},     {"a", 288}, {"b", 745},
      {"tenant-42", 528}, {"A.b_c-9", 413}, {"", 217},  {std::string(64, 'a'), 746},
  };
  for (const auto& [tenant, hash] : published) EXPECT_EQ(tenant_hash(tenant), hash) << tenant;
}

TEST(TaskIdTest, IdsOfLaterMillisecondsSortLater) {
  Random random(3);
  TaskId last = make_task_id(instant_from_ms(0), "default", random);
  for (std::int64_t ms = 1; ms < (1LL << 47); ms = ms * 2 + 1) {
    const TaskId id = make_task_id(instant_from_ms(ms), "default", random);
    ASSERT_EQ(time_of(id), instant_from_ms(ms));
    ASSERT_GT(id, last);
    ASSERT_GT(to_string(id), to_string(last)) << "as text too";
    last = id;
  }
}

TEST(TaskIdTest, AHundredThousandInOneMillisecondAreAllDifferent) {
  Random random(4);
  std::unordered_set<TaskId> ids;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(ids.insert(make_task_id(kNow, "default", random)).second);
  }
}

TEST(TaskIdTest, EveryRandomBitVaries) {
  Random random(5);
  std::array<std::uint8_t, 16> ever{}, always{};
  always.fill(0xff);
  for (int i = 0; i < 1000; ++i) {
    const TaskId id = make_task_id(kNow, "", random);
    for (std::size_t byte = 0; byte < 16; ++byte) {
      ever[byte] = static_cast<std::uint8_t>(ever[byte] | id.bytes[byte]);
      always[byte] = static_cast<std::uint8_t>(always[byte] & id.bytes[byte]);
    }
  }
  // Bits that are sometimes 1 and sometimes 0: 12 and 2 + 50, as the layout has it.
  const std::array<std::uint8_t, 16> varies = {0,    0,    0,    0,    0,    0,    0x0f, 0xff,
                                               0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0};
  for (std::size_t byte = 0; byte < 16; ++byte) {
    EXPECT_EQ(ever[byte] & ~always[byte], varies[byte]) << "byte " << byte;
  }
}

TEST(UuidTest, OtherVersionsAndVariantsAreNotTakenForVersion7) {
  const auto v7 = *parse_uuid("0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c04");
  EXPECT_TRUE(is_uuid_v7(v7));
  EXPECT_FALSE(is_uuid_v7(*parse_uuid("0190f3a2-8c4e-4b61-9d3a-5e2f8a1b7c04"))) << "version 4";
  EXPECT_FALSE(is_uuid_v7(*parse_uuid("0190f3a2-8c4e-7b61-cd3a-5e2f8a1b7c04"))) << "variant 3";
  EXPECT_FALSE(is_uuid_v7(*parse_uuid("0190f3a2-8c4e-7b61-1d3a-5e2f8a1b7c04"))) << "variant 0";
  EXPECT_FALSE(is_uuid_v7({})) << "nil";
}

TEST(UuidTest, WorkersAndStoresGetVersion4) {
  Random random(6);
  std::unordered_set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const auto text = to_string(make_uuid_v4(random));
    ASSERT_EQ(text[14], '4');
    ASSERT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
    ASSERT_TRUE(ids.insert(text).second);
  }
}

TEST(UuidTest, WhatIsWrittenReadsBackInEitherLetterCase) {
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    const auto bytes = make_uuid_v4(random);
    std::string text = to_string(bytes);
    ASSERT_EQ(text.size(), 36u);
    ASSERT_EQ(parse_uuid(text), bytes);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
    ASSERT_EQ(parse_uuid(text), bytes);
  }
}

TEST(UuidTest, WhatIsNoUuidIsRefused) {
  for (const auto* text :
       {"", "0190f3a2", "0190f3a28c4e7b619d3a5e2f8a1b7c04", "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c0",
        "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c044", "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c0g",
        "0190f3a2_8c4e-7b61-9d3a-5e2f8a1b7c04", "0190f3a28-c4e-7b61-9d3a-5e2f8a1b7c04",
        "{0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c}", " 190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c04",
        "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c0\n"}) {
    EXPECT_FALSE(parse_uuid(text)) << text;
  }
}

TEST(UuidTest, AnEmptyIdIsNil) {
  EXPECT_TRUE(TaskId{}.is_nil());
  Random random(8);
  EXPECT_FALSE(make_task_id(kNow, "default", random).is_nil());
}

}  // namespace
}  // namespace drover
