#include "tests/contract/golden/golden_store.hpp"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "broker/store/journal/layout.hpp"
#include "common/base/assert.hpp"
#include "tests/contract/golden/manifest.hpp"

namespace drover::golden {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  DROVER_ASSERT(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

void write_golden(const fs::path& folder, const test::SimDisk& disk) {
  fs::create_directories(folder);
  json files = json::object();
  for (const auto& name : disk.names()) {
    if (broker::journal::parse_spare_name(name)) continue;
    auto bytes = disk.contents(name);
    files[name] = bytes.size();
    bytes.resize(bytes.find_last_not_of('\0') + 1);
    write_file(folder / name, bytes);
  }
  test::SimDisk copy = disk;
  copy.power_cut();  // the process is gone, its lock with it
  const auto comes_to = manifest_of(copy);
  DROVER_ASSERT(comes_to.has_value());
  write_file(folder / "manifest.json",
             json{{"files", files}, {"comes_to", *comes_to}}.dump(1) + "\n");
}

json read_manifest(const fs::path& folder) {
  return json::parse(read_file(folder / "manifest.json"));
}

test::SimDisk read_golden(const fs::path& folder) {
  test::SimDisk disk;
  const auto manifest = read_manifest(folder);
  for (const auto& [name, size] : manifest["files"].items()) {
    auto bytes = read_file(folder / name);
    bytes.resize(size.get<std::size_t>());
    DROVER_ASSERT(disk.open(name, broker::journal::OpenMode::create).has_value());
    disk.set_contents(name, bytes);
  }
  return disk;
}

}  // namespace drover::golden
