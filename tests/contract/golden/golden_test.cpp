// Every store that a release has ever written opens in this one, and comes to the same.

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "broker/core/record.hpp"
#include "broker/store/journal/layout.hpp"
#include "broker/store/journal/recovery.hpp"
#include "common/base/crc32c.hpp"
#include "tests/contract/golden/golden_store.hpp"
#include "tests/contract/golden/manifest.hpp"
#include "tests/contract/golden/stories.hpp"

namespace drover::golden {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(DROVER_SOURCE_DIR) / "tests" / "golden";

std::vector<fs::path> golden_stores() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::recursive_directory_iterator(kGolden)) {
    if (entry.path().filename() == "manifest.json") folders.push_back(entry.path().parent_path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

class Golden : public testing::TestWithParam<fs::path> {};

TEST_P(Golden, ComesToWhatItsManifestSays) {
  auto disk = read_golden(GetParam());
  const auto comes_to = manifest_of(disk);
  ASSERT_TRUE(comes_to) << comes_to.error().message;
  EXPECT_EQ(comes_to->dump(1), read_manifest(GetParam())["comes_to"].dump(1));
}

INSTANTIATE_TEST_SUITE_P(Stores, Golden, testing::ValuesIn(golden_stores()), [](const auto& store) {
  std::string name = "Format";
  name += store.param.parent_path().filename().string() + "_";
  name += store.param.filename().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(GoldenStores, ThereIsOneOfEachStoryForTheFormatOfThisRelease) {
  const auto format = std::to_string(broker::journal::kFormatVersion);
  for (const auto& [name, disk] : tell_stories()) {
    EXPECT_TRUE(fs::exists(kGolden / format / name / "manifest.json")) << name;
  }
}

TEST(GoldenStores, HaveEveryKindOfRecord) {
  const auto format = std::to_string(broker::journal::kFormatVersion);
  std::set<std::string> kinds;
  for (const auto* story : {"every-record", "settings"}) {
    const auto manifest = read_manifest(kGolden / format / story);
    for (const auto& [kind, count] : manifest["comes_to"]["records_by_kind"].items()) {
      kinds.insert(kind);
    }
  }
  for (int kind = 1; kind <= static_cast<int>(broker::RecordKind::gate_opened); ++kind) {
    EXPECT_TRUE(kinds.contains(std::to_string(kind))) << kind;
  }
  for (int kind = static_cast<int>(broker::RecordKind::whole);
       kind <= static_cast<int>(broker::RecordKind::key_settings); ++kind) {
    EXPECT_TRUE(kinds.contains(std::to_string(kind))) << kind;
  }
}

TEST(GoldenStores, OneEndsInATornTail) {
  const auto format = std::to_string(broker::journal::kFormatVersion);
  EXPECT_GT(read_manifest(kGolden / format / "torn")["comes_to"]["torn_tail_bytes"], 0);
}

// A header that is whole, of the format after this one: only its version and checksum differ.
void make_newer(test::SimDisk& disk, const std::string& name) {
  auto bytes = disk.contents(name);
  bytes[8] = static_cast<char>(broker::journal::kFormatVersion + 1);
  const auto end = broker::journal::kSegmentHeaderBytes - 4;
  const auto crc = crc32c(std::string_view(bytes).substr(0, end));
  std::memcpy(bytes.data() + end, &crc, sizeof crc);
  disk.set_contents(name, bytes);
}

TEST(GoldenStores, OneOfALaterFormatIsRefusedAndLeftAsItIs) {
  const auto format = std::to_string(broker::journal::kFormatVersion);
  auto disk = read_golden(kGolden / format / "clean");
  make_newer(disk, "segment-0000000001");
  const auto names = disk.names();
  const auto writes = disk.calls(test::DiskCall::write);
  const auto refused = manifest_of(disk);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_too_new);
  EXPECT_EQ(disk.names(), names);
  EXPECT_EQ(disk.calls(test::DiskCall::write), writes);
}

}  // namespace
}  // namespace drover::golden
