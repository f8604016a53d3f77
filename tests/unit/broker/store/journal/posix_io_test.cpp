#include "broker/store/journal/posix_io.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <string>

namespace drover::broker::journal {
namespace {

class PosixIoTest : public testing::Test {
 protected:
  PosixIoTest() {
    std::string path = std::filesystem::temp_directory_path() / "drover-io-XXXXXX";
    directory = ::mkdtemp(path.data());
    io = *PosixIo::open_directory(directory);
  }
  ~PosixIoTest() override { std::filesystem::remove_all(directory); }

  bool has(const std::string& name) {
    const auto names = *io->list();
    return std::ranges::find(names, name) != names.end();
  }

  std::string directory;
  std::unique_ptr<PosixIo> io;
};

TEST_F(PosixIoTest, ADirectoryIsMadeButNotThoseAboveIt) {
  EXPECT_TRUE(PosixIo::open_directory(directory + "/below"));
  EXPECT_TRUE(PosixIo::open_directory(directory + "/below/"));
  const auto refused = PosixIo::open_directory(directory + "/not/there");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::io_failed);
  EXPECT_NE(refused.error().message.find(directory + "/not/there"), std::string::npos);
}

TEST_F(PosixIoTest, WhatIsWrittenIsRead) {
  const auto file = *io->open("file", OpenMode::create);
  ASSERT_TRUE(write_all(*file, 5, "hello"));
  EXPECT_EQ(*file->size(), 10U);
  std::string bytes(10, 'x');
  ASSERT_TRUE(read_exactly(*file, 0, bytes));
  EXPECT_EQ(bytes, std::string(5, '\0') + "hello");
  EXPECT_TRUE(file->sync());
}

TEST_F(PosixIoTest, AReadBeyondTheEndBringsWhatThereIs) {
  const auto file = *io->open("file", OpenMode::create);
  ASSERT_TRUE(write_all(*file, 0, "hello"));
  std::string bytes(10, 'x');
  EXPECT_EQ(*file->read(3, bytes), 2U);
  EXPECT_EQ(*file->read(5, bytes), 0U);
  const auto whole = read_exactly(*file, 0, bytes);
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code, Errc::io_failed);
}

TEST_F(PosixIoTest, PreallocatedBytesAreZeroAndKeepWhatWasThere) {
  const auto file = *io->open("file", OpenMode::create);
  ASSERT_TRUE(write_all(*file, 0, "hello"));
  ASSERT_TRUE(file->preallocate(4096));
  ASSERT_TRUE(file->preallocate(1024));
  EXPECT_EQ(*file->size(), 4096U);
  std::string bytes(7, 'x');
  ASSERT_TRUE(read_exactly(*file, 0, bytes));
  EXPECT_EQ(bytes, std::string("hello\0\0", 7));
}

TEST_F(PosixIoTest, AFileIsCreatedOnceAndOpenedWhenItIsThere) {
  EXPECT_EQ(io->open("file", OpenMode::existing).error().code, Errc::not_found);
  EXPECT_TRUE(io->open("file", OpenMode::create));
  EXPECT_EQ(io->open("file", OpenMode::create).error().code, Errc::io_failed);
  EXPECT_TRUE(io->open("file", OpenMode::existing));
}

TEST_F(PosixIoTest, NamesComeChangeAndGo) {
  ASSERT_TRUE(io->open("one", OpenMode::create));
  ASSERT_TRUE(io->rename("one", "two"));
  EXPECT_FALSE(has("one"));
  EXPECT_TRUE(has("two"));
  EXPECT_TRUE(io->sync_directory());
  ASSERT_TRUE(io->remove("two"));
  EXPECT_FALSE(has("two"));
  EXPECT_EQ(io->remove("two").error().code, Errc::not_found);
  EXPECT_EQ(io->rename("two", "three").error().code, Errc::not_found);
}

TEST_F(PosixIoTest, AnOpenFileIsReadableAfterItsNameIsGone) {
  const auto file = *io->open("file", OpenMode::create);
  ASSERT_TRUE(write_all(*file, 0, "hello"));
  ASSERT_TRUE(io->remove("file"));
  std::string bytes(5, 'x');
  EXPECT_TRUE(read_exactly(*file, 0, bytes));
  EXPECT_EQ(bytes, "hello");
}

TEST_F(PosixIoTest, ADirectoryIsLockedByOneAtATime) {
  const auto other = *PosixIo::open_directory(directory);
  ASSERT_TRUE(io->lock());
  EXPECT_EQ(other->lock().error().code, Errc::store_in_use);
  io->unlock();
  EXPECT_TRUE(other->lock());
}

TEST_F(PosixIoTest, AFileIsHeldAsLongAsOneOfItsReadersHasItOpen) {
  const auto file = *io->open("file", OpenMode::create);
  const auto reader = *PosixIo::open_to_read(directory);
  auto one = *reader->open("file", OpenMode::existing);
  auto two = *reader->open("file", OpenMode::existing);
  EXPECT_FALSE(file->is_held());
  EXPECT_TRUE(one->hold());
  EXPECT_TRUE(two->hold());
  EXPECT_TRUE(file->is_held());
  one.reset();
  EXPECT_TRUE(file->is_held());
  two.reset();
  EXPECT_FALSE(file->is_held());
}

TEST_F(PosixIoTest, ALockGoesWithItsHolder) {
  ASSERT_TRUE(io->lock());
  io.reset();
  EXPECT_TRUE((*PosixIo::open_directory(directory))->lock());
}

TEST_F(PosixIoTest, AFullDeviceIsToldAsSuch) {
  const auto full = *PosixIo::open_directory("/dev");
  const auto file = full->open("full", OpenMode::existing);
  if (!file) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ((*file)->write(0, "hello").error().code, Errc::storage_full);
}

TEST_F(PosixIoTest, TheDiskTellsItsSpace) {
  const auto space = *io->space();
  EXPECT_GT(space.total_bytes, 0U);
  EXPECT_LE(space.free_bytes, space.total_bytes);
}

}  // namespace
}  // namespace drover::broker::journal
