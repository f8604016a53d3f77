#include "broker/io/settings_text.hpp"

#include <gtest/gtest.h>

namespace drover::broker {
namespace {

std::string read_back(std::string_view name, std::string_view value) {
  const auto change = parse_change(name, value);
  if (!change) return change.error().field + ": " + change.error().message;
  return change->second ? setting_text(change->first, *change->second) : "unset";
}

TEST(SettingsTextTest, EveryFormIsReadAsItIsWritten) {
  EXPECT_EQ(read_back("limit", "10000"), "10000");
  EXPECT_EQ(read_back("payload_max", "64KiB"), "64KiB");
  EXPECT_EQ(read_back("rate", "100/1m"), "100/1m");
  EXPECT_EQ(read_back("submit_rate", "5/s"), "5/1s");
  EXPECT_EQ(read_back("closed", "yes"), "yes");
  EXPECT_EQ(read_back("weight", ""), "unset");
}

TEST(SettingsTextTest, WhatCannotBeReadIsRefusedWithItsName) {
  EXPECT_EQ(read_back("rate", "100"), "rate: rate must be so many in a time, such as 100/1m");
  EXPECT_EQ(read_back("rate", "-1/s"), "rate: rate must be so many in a time, such as 100/1m");
  EXPECT_EQ(read_back("rate", "/s"), "rate: rate must be so many in a time, such as 100/1m");
  EXPECT_EQ(read_back("rate", "1/0x"), "rate: rate must be so many in a time, such as 100/1m");
  EXPECT_EQ(read_back("concurrency", "5k"), "concurrency: concurrency must be a whole number");
  EXPECT_EQ(read_back("payload_max", "64"),
            "payload_max: payload_max must be a size, such as 64KiB");
  EXPECT_EQ(read_back("closed", "true"), "closed: closed must be yes or no");
  EXPECT_EQ(read_back("wieght", "3").substr(0, 38), "changes: there is no setting 'wieght';");
}

TEST(SettingsTextTest, EverySettingHasItsPlaceInTheTable) {
  for (std::size_t i = 0; i < kSettings; ++i) {
    EXPECT_EQ(static_cast<std::size_t>(kSettingRules[i].setting), i) << kSettingRules[i].name;
  }
}

TEST(SettingsTextTest, SettingsComeBackFromTheirBytes) {
  Settings settings;
  settings[Setting::rate] = SettingValue{100, 1min};
  settings[Setting::closed] = SettingValue{1, 0ms};
  EXPECT_EQ(*decode_settings(encode_settings(settings)), settings);
  EXPECT_TRUE(decode_settings(encode_settings({}))->empty());
  EXPECT_FALSE(decode_settings("\x91"));
}

}  // namespace
}  // namespace drover::broker
