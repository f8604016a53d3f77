// The file of an allow-list under its editors: each change whole, none lost, and noticed.

#include "broker/io/allow_list_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace drover::broker {
namespace {

namespace fs = std::filesystem;

// Texts that are keys, each another.
std::string public_key(int n) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string key = "0]{R=OUe31+r}MXaHEP-hvI/9Y:8Mll]!qE=0=!C";
  key[1] = kDigits[static_cast<std::size_t>(n) % kDigits.size()];
  key[2] = kDigits[static_cast<std::size_t>(n) / kDigits.size()];
  return key;
}

AllowedKey key_named(const std::string& name, int n) {
  return {{name, Role::producer, "default", {}}, public_key(n), "2026-01-31T08:05:09.007Z"};
}

class AllowListFileTest : public testing::Test {
 protected:
  AllowListFileTest() {
    std::string name = fs::temp_directory_path() / "drover-list-XXXXXX";
    folder = mkdtemp(name.data());
  }
  ~AllowListFileTest() override { fs::remove_all(folder); }

  std::string path() const { return folder / "keys.yaml"; }

  Result<void> add(const std::string& name, int n) const {
    return edit_allow_list(path(), [&](AllowList& list) { return list.add(key_named(name, n)); });
  }

  std::size_t size() const {
    const auto list = read_allow_list(path());
    EXPECT_TRUE(list) << list.error().message;
    return list ? list->size() : 0;
  }

  fs::path folder;
};

TEST_F(AllowListFileTest, TheFirstChangeMakesTheFile) {
  EXPECT_FALSE(read_allow_list(path()));
  ASSERT_TRUE(add("a", 1));
  EXPECT_EQ(size(), 1u);
  struct stat file {};
  ASSERT_EQ(stat(path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
}

TEST_F(AllowListFileTest, AChangeKeepsTheFilesModeAndLeavesNothingBeside) {
  ASSERT_TRUE(add("a", 1));
  chmod(path().c_str(), 0644);
  ASSERT_TRUE(add("b", 2));
  struct stat file {};
  ASSERT_EQ(stat(path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0644u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

TEST_F(AllowListFileTest, ARefusedChangeChangesNothing) {
  ASSERT_TRUE(add("a", 1));
  const auto before = stamp_of(path());
  EXPECT_EQ(add("a", 2).error().code, Errc::conflict);
  EXPECT_EQ(stamp_of(path()), before);
  EXPECT_EQ(size(), 1u);
}

TEST_F(AllowListFileTest, ARefusedFirstChangeLeavesNoFile) {
  const auto refuse = [](AllowList&) -> Result<void> { return Error{Errc::conflict, "no"}; };
  EXPECT_FALSE(edit_allow_list(path(), refuse));
  EXPECT_FALSE(fs::exists(path()));
  std::ofstream(path()).close();
  fs::permissions(path(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(edit_allow_list(path(), refuse));
  EXPECT_TRUE(fs::exists(path())) << "somebody else made it";
}

TEST_F(AllowListFileTest, EveryChangeIsAnotherStamp) {
  const auto none = stamp_of(path());
  EXPECT_EQ(none, FileStamp());
  ASSERT_TRUE(add("a", 1));
  const auto one = stamp_of(path());
  EXPECT_NE(one, none);
  ASSERT_TRUE(add("b", 2));
  EXPECT_NE(stamp_of(path()), one);
}

TEST_F(AllowListFileTest, AListThatOthersMayWriteIsRefused) {
  ASSERT_TRUE(add("a", 1));
  for (const mode_t mode : {0660u, 0606u}) {
    chmod(path().c_str(), mode);
    const auto list = read_allow_list(path());
    ASSERT_FALSE(list);
    EXPECT_NE(list.error().message.find("others may write"), std::string::npos);
    EXPECT_FALSE(add("b", 2));
  }
}

// Processes that add keys at the same time: none overwrites another's.
TEST_F(AllowListFileTest, NoChangeOfSeveralEditorsIsLost) {
  constexpr int kEditors = 4, kKeys = 8;
  std::vector<pid_t> children;
  for (int editor = 0; editor < kEditors; ++editor) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      bool good = true;
      for (int i = 0; i < kKeys; ++i) {
        const int n = editor * kKeys + i;
        good = good && add("key-" + std::to_string(n), n).has_value();
      }
      _exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(size(), static_cast<std::size_t>(kEditors * kKeys));
}

// An editor that was killed at the worst moment leaves its half file, and no more.
TEST_F(AllowListFileTest, WhatAKilledEditorLeftBehindIsInNobodysWay) {
  ASSERT_TRUE(add("a", 1));
  std::ofstream(path() + ".new") << "- name: half";
  EXPECT_EQ(size(), 1u);
  ASSERT_TRUE(add("b", 2));
  EXPECT_EQ(size(), 2u);
}

}  // namespace
}  // namespace drover::broker
