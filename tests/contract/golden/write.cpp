// golden_write FOLDER: writes the golden stores of this release's format below FOLDER.

#include <cstdio>

#include "broker/store/journal/layout.hpp"
#include "tests/contract/golden/golden_store.hpp"
#include "tests/contract/golden/stories.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "golden_write FOLDER\n"), 2;
  const auto format = std::to_string(drover::broker::journal::kFormatVersion);
  for (const auto& [name, disk] : drover::golden::tell_stories()) {
    const auto folder = std::filesystem::path(argv[1]) / format / name;
    drover::golden::write_golden(folder, disk);
    std::printf("%s\n", folder.c_str());
  }
}
