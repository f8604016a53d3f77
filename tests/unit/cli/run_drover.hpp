// Runs a command line of `drover` in this process and keeps what it said.
// For tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/app.hpp"

namespace drover::cli {

struct Ran {
  int code;
  std::string out, err;
};

inline Ran drover(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run(words);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

}  // namespace drover::cli
