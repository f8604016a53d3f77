// Key pairs and the files that keep them: what is made, what is read back, what is refused.

#include "common/transport/key_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace drover::transport {
namespace {

namespace fs = std::filesystem;

class KeyFileTest : public testing::Test {
 protected:
  KeyFileTest() {
    std::string name = fs::temp_directory_path() / "drover-keys-XXXXXX";
    folder = mkdtemp(name.data());
  }
  ~KeyFileTest() override { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return folder / name; }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path(name)) << text;
    chmod(path(name).c_str(), mode);
    return path(name);
  }

  std::string made(const std::string& name) {
    EXPECT_TRUE(write_key_file(path(name), *KeyPair::generate()));
    return path(name);
  }

  static std::string text_of(const std::string& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  // What the refusal says, after it was found to name the file.
  static std::string refusal(const std::string& file) {
    const auto read = read_key_file(file);
    if (read) return "it was taken";
    EXPECT_EQ(read.error().code, Errc::bad_configuration);
    EXPECT_EQ(read.error().message.find(file + ": "), 0u) << read.error().message;
    return read.error().message;
  }

  static bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  fs::path folder;
};

TEST_F(KeyFileTest, EveryPairIsAnotherAndItsHalvesBelongTogether) {
  const auto a = KeyPair::generate(), b = KeyPair::generate();
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->public_key, b->public_key);
  const auto again = KeyPair::from_secret(a->secret_key.reveal());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->public_key, a->public_key);
}

TEST_F(KeyFileTest, TheSecretKeysOfZeroMQsManualAreRefused) {
  for (const auto secret :
       {"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"}) {
    const auto pair = KeyPair::from_secret(secret);
    ASSERT_FALSE(pair);
    EXPECT_TRUE(says(pair.error().message, "manual"));
    const auto file =
        write("published.key", std::string("public_key: \"x\"\nsecret_key: \"") + secret + "\"\n");
    EXPECT_TRUE(says(refusal(file), "manual"));
    EXPECT_FALSE(says(refusal(file), secret)) << "a message holds no secret";
  }
}

TEST_F(KeyFileTest, WhatIsWrittenIsReadBackAndIsNobodyElses) {
  const auto keys = KeyPair::generate();
  ASSERT_TRUE(write_key_file(path("a.key"), *keys));
  const auto read = read_key_file(path("a.key"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->public_key, keys->public_key);
  EXPECT_STREQ(read->secret_key.reveal(), keys->secret_key.reveal());
  struct stat file {};
  ASSERT_EQ(stat(path("a.key").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600u);
}

TEST_F(KeyFileTest, AFileThatExistsIsNeverOverwritten) {
  const auto file = made("a.key");
  const auto before = text_of(file);
  const auto again = write_key_file(file, *KeyPair::generate());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::conflict);
  EXPECT_EQ(text_of(file), before);
}

TEST_F(KeyFileTest, AFileThatOthersMayOpenIsRefusedWithItsMode) {
  const auto file = made("a.key");
  for (const mode_t mode : {0640u, 0604u, 0660u, 0644u}) {
    chmod(file.c_str(), mode);
    std::ostringstream octal;
    octal << std::oct << mode;
    EXPECT_TRUE(says(refusal(file), "mode 0" + octal.str())) << refusal(file);
  }
  chmod(file.c_str(), 0400);
  EXPECT_TRUE(read_key_file(file));
}

TEST_F(KeyFileTest, OnlyARegularFileOfOnesOwnIsRead) {
  EXPECT_TRUE(says(refusal(path("nowhere.key")), "cannot open"));
  EXPECT_TRUE(says(refusal(folder), "no regular file"));
  fs::create_symlink(made("a.key"), path("link.key"));
  EXPECT_TRUE(read_key_file(path("link.key")));
  if (geteuid() != 0) GTEST_SKIP() << "giving a file away is for root";
  ASSERT_EQ(chown(path("a.key").c_str(), 12345, 12345), 0);
  EXPECT_TRUE(says(refusal(path("a.key")), "belongs to user 12345"));
}

TEST_F(KeyFileTest, AFileThatSaysSomethingElseIsRefused) {
  const auto text = text_of(made("a.key"));
  EXPECT_TRUE(says(refusal(write("empty.key", "")), "expected public_key and secret_key"));
  EXPECT_TRUE(says(refusal(write("more.key", text + "role: worker\n")), "expected public_key"));
  EXPECT_TRUE(says(refusal(write("long.key", text + std::string(5000, '#'))), "cannot read"));
  auto other = text;
  other.replace(other.find("public_key: \"") + 13, kCurveKeySize, KeyPair::generate()->public_key);
  EXPECT_TRUE(says(refusal(write("mixed.key", other)), "not the public half"));
  auto cut = text;
  cut.erase(cut.rfind('"') - 1, 1);
  EXPECT_TRUE(says(refusal(write("cut.key", cut)), "secret key of 40 characters"));
}

TEST_F(KeyFileTest, WithoutKeysAClientConnectsInTheOpen) {
  const auto curve = read_client_keys({});
  ASSERT_TRUE(curve);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*curve));
}

TEST_F(KeyFileTest, AClientNeedsItsOwnPairAndTheBrokersPublicKey) {
  const auto own = made("own.key");
  const auto server = KeyPair::generate()->public_key;
  const auto by_text = read_client_keys({own, server, ""});
  const auto by_file = read_client_keys({own, "", write("broker.pub", server + "\n", 0644)});
  ASSERT_TRUE(by_text && by_file) << by_file.error().message;
  EXPECT_EQ(std::get<CurveClient>(*by_text).server_key, server);
  EXPECT_EQ(std::get<CurveClient>(*by_file).server_key, server);

  EXPECT_EQ(read_client_keys({"", server, ""}).error().field, "security.key_file");
  EXPECT_EQ(read_client_keys({own, "", ""}).error().field, "security.server_key");
  EXPECT_EQ(read_client_keys({own, server, "x"}).error().field, "security.server_key_file");
  EXPECT_EQ(read_client_keys({path("none.key"), server, ""}).error().field, "security.key_file");
  EXPECT_EQ(read_client_keys({own, "", path("none.pub")}).error().field,
            "security.server_key_file");
  EXPECT_EQ(read_client_keys({own, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", ""}).error().field,
            "security.server_key");
}

}  // namespace
}  // namespace drover::transport
