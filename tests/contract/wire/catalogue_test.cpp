// schemas/wire/errors.yaml and common/base/errc.hpp are one catalogue in two places.

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <string>

#include "common/base/errc.hpp"

namespace drover::wire::contract {
namespace {

struct Entry {
  std::string name;
  int http;
  std::string who, says;
};

std::map<std::uint64_t, Entry> published() {
  std::map<std::uint64_t, Entry> entries;
  const auto file = YAML::LoadFile(DROVER_SOURCE_DIR "/schemas/wire/errors.yaml");
  for (const auto& error : file["errors"]) {
    const auto number = error["number"].as<std::uint64_t>();
    const Entry entry{error["name"].as<std::string>(), error["http"].as<int>(),
                      error["who"].as<std::string>(), error["says"].as<std::string>()};
    EXPECT_TRUE(entries.emplace(number, entry).second) << number << " is given twice";
  }
  return entries;
}

TEST(CatalogueTest, EachPublishedErrorIsInTheCodeWithItsNameAndStatus) {
  const auto entries = published();
  ASSERT_GE(entries.size(), 47u);
  for (const auto& [number, entry] : entries) {
    const auto code = errc_from(number);
    ASSERT_TRUE(code) << number << " " << entry.name << " is not in errc.hpp";
    EXPECT_EQ(name_of(*code), entry.name) << number;
    EXPECT_EQ(http_status_of(*code), entry.http) << entry.name;
  }
}

TEST(CatalogueTest, TheCodeHasNoErrorThatIsNotPublished) {
  const auto entries = published();
  for (std::uint64_t number = 1; number <= UINT16_MAX; ++number) {
    const auto code = errc_from(number);
    EXPECT_EQ(code.has_value(), entries.contains(number)) << number;
  }
}

TEST(CatalogueTest, EachErrorSaysWhoseMoveItIs) {
  for (const auto& [number, entry] : published()) {
    const std::string who = entry.who;
    EXPECT_TRUE(who == "caller" || who == "later" || who == "operator" || who == "task" ||
                who == "drover")
        << number << " " << who;
    EXPECT_FALSE(entry.says.empty()) << number;
    EXPECT_TRUE(entry.http >= 400 && entry.http < 600) << number;
    for (const char c : entry.name) {
      EXPECT_TRUE((c >= 'A' && c <= 'Z') || c == '_') << entry.name;
    }
  }
}

}  // namespace
}  // namespace drover::wire::contract
