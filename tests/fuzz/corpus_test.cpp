// Every input that is kept in corpus/ goes through its target: what once broke a promise, and what
// reaches the corners of the code.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/targets.hpp"

namespace drover::fuzz {
namespace {

struct Target {
  const char* name;
  void (*run)(std::string_view input);
};

constexpr Target kTargets[] = {{"wire", wire},
                               {"record", record},
                               {"journal", journal},
                               {"config", config},
                               {"exec_output", exec_output}};

std::vector<std::filesystem::path> corpus_of(const std::string& target) {
  const std::filesystem::path folder(DROVER_SOURCE_DIR "/tests/fuzz/corpus/" + target);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  return files;
}

// Where one byte beyond the end would be seen by the sanitizers.
std::vector<char> bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  bytes.shrink_to_fit();
  return bytes;
}

class Corpus : public testing::TestWithParam<Target> {};

TEST_P(Corpus, KeepsEveryPromise) {
  const auto files = corpus_of(GetParam().name);
  EXPECT_GE(files.size(), 12U) << "the corpus of " << GetParam().name << " is not here";
  for (const auto& file : files) {
    const auto bytes = bytes_of(file);
    EXPECT_NO_THROW(GetParam().run({bytes.data(), bytes.size()})) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace drover::fuzz
