// How much memory the system grants: the smallest of the machine's and of all groups around us.

#include "broker/app/memory.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

namespace drover::broker {
namespace {

namespace fs = std::filesystem;

class MemoryTest : public testing::Test {
 protected:
  MemoryTest() {
    std::string name = (fs::temp_directory_path() / "drover-memory-XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~MemoryTest() override { fs::remove_all(root); }

  void write(const std::string& path, const std::string& text) const {
    const fs::path file = root + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }

  std::string root;
};

TEST_F(MemoryTest, WithoutGroupsItIsTheMachines) {
  EXPECT_GT(memory_granted(root), 1u << 20);
  EXPECT_LT(memory_granted(root), UINT64_MAX);
}

TEST_F(MemoryTest, TheSmallestGroupAroundTheProcessCounts) {
  write("/proc/self/cgroup", "0::/a.slice/b.service");
  write("/sys/fs/cgroup/a.slice/b.service/memory.max", "max");
  write("/sys/fs/cgroup/a.slice/memory.max", "1048576");
  EXPECT_EQ(memory_granted(root), 1048576u);
}

TEST_F(MemoryTest, InAContainerTheTopOfTheTreeIsOurs) {
  write("/proc/self/cgroup", "0::/host/path/unseen");
  write("/sys/fs/cgroup/memory.max", "2097152");
  EXPECT_EQ(memory_granted(root), 2097152u);
}

TEST_F(MemoryTest, VersionOneIsReadToo) {
  write("/proc/self/cgroup", "3:cpu,cpuacct:/x\n2:hugetlb,memory:/docker/42\n1:name=systemd:/x");
  write("/sys/fs/cgroup/memory/docker/42/memory.limit_in_bytes", "4194304");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(memory_granted(root), 4194304u);
}

TEST(MemoryInUse, GrowsWithWhatIsTouched) {
  constexpr std::size_t kSize = 64 << 20;
  const auto before = memory_in_use();
  EXPECT_GT(before, 0u);
  const auto block = std::make_unique<char[]>(kSize);  // zeroed, so touched
  EXPECT_GE(memory_in_use(), before + kSize / 2);
  EXPECT_EQ(block[kSize - 1], 0);
}

}  // namespace
}  // namespace drover::broker
