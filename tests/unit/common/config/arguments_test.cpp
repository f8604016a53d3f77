// The services' command line.

#include "common/config/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drover::config {
namespace {

Arguments read(std::vector<const char*> words) {
  words.insert(words.begin(), "drover-broker");
  return read_arguments(static_cast<int>(words.size()), words.data(), "drover-broker: does things");
}

TEST(Arguments, TheFileAndAnySettingCanBeGiven) {
  const auto got = read({"--config", "a.yaml", "--log.level=debug", "--store.url", "file:x"});
  EXPECT_FALSE(got.exit_code);
  EXPECT_EQ(got.config, "a.yaml");
  ASSERT_EQ(got.overrides.size(), 2u);
  EXPECT_EQ(got.overrides[0].path, "log.level");
  EXPECT_EQ(got.overrides[0].value, "debug");
  EXPECT_EQ(got.overrides[1].flag, "--store.url");
  EXPECT_EQ(got.overrides[1].value, "file:x");
}

TEST(Arguments, HelpAndVersionEndWell) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(read({"--help"}).exit_code, 0);
  EXPECT_EQ(read({"--version"}).exit_code, 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), testing::HasSubstr("--config FILE"));
}

TEST(Arguments, AnUnknownOneIsAMistakeOfUsage) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(read({"--log.levle=debug"}).exit_code, 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "drover-broker: there is no option --log.levle. Did you mean log.level? See --help.\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(read({"start"}).exit_code, 2);
  EXPECT_EQ(read({"--config"}).exit_code, 2);
  EXPECT_EQ(read({"--"}).exit_code, 2);
  testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace drover::config
