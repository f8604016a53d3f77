// Keys by command: what is made, what is printed, and what a refused command leaves behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/app.hpp"
#include "cli/context.hpp"
#include "common/transport/key_file.hpp"

namespace drover::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

struct Ran {
  int code;
  std::string out, err;
};

class KeyTest : public testing::Test {
 protected:
  KeyTest() {
    std::string name = fs::temp_directory_path() / "drover-key-XXXXXX";
    folder = mkdtemp(name.data());
    before = fs::current_path();
    fs::current_path(folder);
  }
  ~KeyTest() override {
    fs::current_path(before);
    fs::remove_all(folder);
  }

  static Ran drover(const std::vector<std::string>& words) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run(words);
    return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
  }

  static Ran key(std::vector<std::string> words) {
    words.insert(words.begin(), "key");
    words.insert(words.end(), {"--keys-file", "keys.yaml"});
    return drover(words);
  }

  static json listed() { return json::parse(key({"list", "--json"}).out); }

  fs::path folder, before;
};

TEST_F(KeyTest, KeygenPrintsThePublicHalfAndKeepsTheSecretOne) {
  const auto made = drover({"keygen", "broker.key"});
  EXPECT_EQ(made.code, kOk);
  const auto keys = transport::read_key_file("broker.key");
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(made.out, keys->public_key + "\n");
  EXPECT_THAT(made.err, Not(HasSubstr(keys->secret_key.reveal())));
}

TEST_F(KeyTest, KeygenOverwritesNothing) {
  ASSERT_EQ(drover({"keygen"}).code, kOk);
  const auto before_it = transport::read_key_file("drover.key")->public_key;
  const auto again = drover({"keygen"});
  EXPECT_EQ(again.code, kFailed);
  EXPECT_THAT(again.err, HasSubstr("drover.key exists"));
  EXPECT_EQ(transport::read_key_file("drover.key")->public_key, before_it);
}

TEST_F(KeyTest, ACreatedKeyIsOnTheListAndItsSecretInItsFileAlone) {
  const auto made = key(
      {"create", "worker-1", "--role", "worker", "--tenant", "acme", "--queues", "emails,reports"});
  ASSERT_EQ(made.code, kOk) << made.err;
  const auto keys = transport::read_key_file("worker-1.key");
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_THAT(made.out, HasSubstr("DROVER_SECURITY__KEY_FILE=worker-1.key"));
  EXPECT_THAT(made.out + made.err, Not(HasSubstr(keys->secret_key.reveal())));

  const auto entry = listed().at(0);
  EXPECT_EQ(entry["name"], "worker-1");
  EXPECT_EQ(entry["role"], "worker");
  EXPECT_EQ(entry["tenant"], "acme");
  EXPECT_EQ(entry["queues"], json({"emails", "reports"}));
  EXPECT_EQ(entry["public_key"], keys->public_key);
}

TEST_F(KeyTest, WithoutATenantAKeyIsOfTheDefaultOneAndAnOperatorOfAll) {
  ASSERT_EQ(key({"create", "web", "--role", "producer"}).code, kOk);
  ASSERT_EQ(key({"create", "ops", "--role", "operator", "--out", "mine.key"}).code, kOk);
  const auto all = listed();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["tenant"], "");
  EXPECT_EQ(all[1]["tenant"], "default");
  EXPECT_TRUE(transport::read_key_file("mine.key"));
}

TEST_F(KeyTest, ARevokedKeyIsOffTheList) {
  ASSERT_EQ(key({"create", "web", "--role", "producer"}).code, kOk);
  EXPECT_EQ(key({"revoke", "web"}).code, kOk);
  EXPECT_TRUE(listed().empty());
  EXPECT_EQ(key({"revoke", "web"}).code, kNotFound);
}

TEST_F(KeyTest, ARefusedCreateLeavesNeitherKeyNorFile) {
  ASSERT_EQ(key({"create", "web", "--role", "producer"}).code, kOk);
  EXPECT_EQ(key({"create", "web", "--role", "producer", "--out", "b.key"}).code, kFailed);
  EXPECT_FALSE(fs::exists("b.key"));
  std::ofstream("taken.key") << "mine";
  EXPECT_EQ(key({"create", "b", "--role", "producer", "--out", "taken.key"}).code, kFailed);
  EXPECT_EQ(fs::file_size("taken.key"), 4u);
  EXPECT_EQ(key({"create", "b", "--role", "producer", "--out", "no/folder.key"}).code, kFailed);
  EXPECT_EQ(listed().size(), 1u);
}

TEST_F(KeyTest, WhatIsNoRoleOrQueueIsAMatterOfUsage) {
  EXPECT_EQ(key({"create", "web"}).code, kUsage);
  const auto king = key({"create", "web", "--role", "king"});
  EXPECT_EQ(king.code, kUsage);
  EXPECT_THAT(king.err, HasSubstr("producer, worker, subscriber, service or operator"));
  EXPECT_EQ(key({"create", "web", "--role", "producer", "--queues", "a b"}).code, kUsage);
  EXPECT_EQ(drover({"key", "list"}).code, kUsage) << "there is no list by default";
  EXPECT_FALSE(fs::exists("keys.yaml"));
}

}  // namespace
}  // namespace drover::cli
