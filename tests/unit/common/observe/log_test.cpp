// The log as a process uses it: a session opens it, levels hold, nothing is lost at the end.

#include "common/observe/log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace drover::log {
namespace {

std::string captured(const Options& options, void (*speak)()) {
  testing::internal::CaptureStderr();
  {
    const Session session(options);
    speak();
  }
  return testing::internal::GetCapturedStderr();
}

TEST(Log, LinesBelowTheLevelAreNotWritten) {
  const auto out = captured({"test", "warn", "json"}, [] {
    EXPECT_FALSE(wants(Level::info));
    EXPECT_TRUE(wants(Level::error));
    info("quiet");
    warn("loud", {{"n", 1}});
  });
  EXPECT_EQ(out.find("quiet"), std::string::npos);
  EXPECT_NE(out.find(R"("message":"loud","n":1})"), std::string::npos);
}

TEST(Log, OffIsOff) {
  EXPECT_EQ(captured({"test", "off", "json"}, [] { error("nobody hears"); }), "");
}

TEST(Log, WithoutASessionNothingIsWritten) {
  testing::internal::CaptureStderr();
  error("nobody hears");
  EXPECT_FALSE(wants(Level::error));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Log, AnywhereButOnATerminalLinesAreJsonUnlessTextIsAskedFor) {
  EXPECT_EQ(captured({"test", "info", "auto"}, [] { info("x"); }).front(), '{');
  EXPECT_NE(captured({"test", "info", "text"}, [] { info("x"); }).find("info  test  x\n"),
            std::string::npos);
}

TEST(Log, AFailureHasItsCodeReasonAndField) {
  const auto out = captured({"test", "info", "json"}, [] {
    failure("cannot start", {Errc::bad_configuration, "expected a number", "worker.slots"});
    failure("cannot write", {Errc::io_failed, "disk gone"});
  });
  EXPECT_NE(out.find(R"("message":"cannot start","code":"BAD_CONFIGURATION",)"
                     R"("reason":"expected a number","field":"worker.slots"})"),
            std::string::npos);
  EXPECT_NE(out.find(R"("code":"IO_FAILED","reason":"disk gone"})"), std::string::npos);
}

TEST(Log, ManyThreadsWriteWholeLines) {
  const auto out = captured({"test", "info", "json"}, [] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 500; ++i) info("line", {{"i", i}});
      });
    }
    for (auto& thread : threads) thread.join();
  });
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2000);
  EXPECT_EQ(std::count(out.begin(), out.end(), '{'), 2000);
}

}  // namespace
}  // namespace drover::log
