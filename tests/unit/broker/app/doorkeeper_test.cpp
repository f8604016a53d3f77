// The door of a broker: which starts are refused, who is who, and what a changed list changes.

#include "broker/app/doorkeeper.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "common/transport/key_file.hpp"

namespace drover::broker {
namespace {

namespace fs = std::filesystem;

class DoorkeeperTest : public testing::Test {
 protected:
  DoorkeeperTest() {
    std::string name = fs::temp_directory_path() / "drover-door-XXXXXX";
    folder = mkdtemp(name.data());
    EXPECT_TRUE(transport::write_key_file(folder / "broker.key", *transport::KeyPair::generate()));
    settings.security.key_file = folder / "broker.key";
    settings.security.keys_file = list_path();
  }
  ~DoorkeeperTest() override { fs::remove_all(folder); }

  std::string list_path() const { return folder / "keys.yaml"; }

  // Puts a new key on the list; its public half.
  std::string allow(const std::string& name, Role role = Role::worker) {
    const auto keys = *transport::KeyPair::generate();
    change([&](AllowList& list) {
      return list.add({{name, role, "default", {}}, keys.public_key, "2026-01-31T08:05:09.007Z"});
    });
    return keys.public_key;
  }

  void revoke(const std::string& name) {
    change([&](AllowList& list) {
      EXPECT_TRUE(list.remove(name));
      return Result<void>();
    });
  }

  void change(const std::function<Result<void>(AllowList&)>& how) {
    const auto changed = edit_allow_list(list_path(), how);
    EXPECT_TRUE(changed) << changed.error().message;
  }

  Doorkeeper door() {
    auto opened = Doorkeeper::open(settings, context);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }

  std::string refusal() {
    const auto opened = Doorkeeper::open(settings, context);
    if (opened) return "it opened";
    EXPECT_EQ(opened.error().code, Errc::bad_configuration);
    return opened.error().message;
  }

  fs::path folder;
  config::Settings settings;
  transport::Context context;
};

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(DoorkeeperTest, WithoutKeysEverybodyOnThisMachineIsTheOperator) {
  settings.security = {};
  auto open = door();
  ASSERT_NE(open.find(""), nullptr);
  EXPECT_EQ(open.find("")->role, Role::operator_);
  EXPECT_FALSE(open.figures().secured);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(open.curve()));
}

TEST_F(DoorkeeperTest, WithoutKeysNoAddressThatOthersReachIsBound) {
  settings.security = {};
  settings.broker.workers.bind = "tcp://*:7701";
  EXPECT_TRUE(says(refusal(), "tcp://*:7701 can be reached from other machines"));
  settings.security.insecure = true;
  EXPECT_TRUE(Doorkeeper::open(settings, context));
}

TEST_F(DoorkeeperTest, WithKeysAnyAddressMayBeBound) {
  allow("worker-1");
  settings.broker.workers.bind = "tcp://*:7701";
  const auto secured = door();
  EXPECT_TRUE(secured.figures().secured);
  EXPECT_TRUE(std::holds_alternative<transport::CurveServer>(secured.curve()));
}

TEST_F(DoorkeeperTest, KeysThatCannotBeUsedStopTheStart) {
  EXPECT_TRUE(says(refusal(), "security.keys_file: ")) << "there is no list yet";
  allow("worker-1");
  settings.security.key_file = "";
  EXPECT_TRUE(says(refusal(), "security.key_file: "));
  settings.security.key_file = folder / "broker.key";
  chmod(settings.security.key_file.c_str(), 0644);
  EXPECT_TRUE(says(refusal(), "mode 0644"));
  chmod(settings.security.key_file.c_str(), 0600);
  chmod(list_path().c_str(), 0666);
  EXPECT_TRUE(says(refusal(), "others may write"));
}

TEST_F(DoorkeeperTest, AKeyIsWhoTheListSays) {
  const auto worker = allow("worker-1"), ops = allow("ops", Role::operator_);
  auto secured = door();
  ASSERT_TRUE(secured.find(worker) && secured.find(ops));
  EXPECT_EQ(secured.find(worker)->name, "worker-1");
  EXPECT_EQ(secured.find(ops)->role, Role::operator_);
  EXPECT_EQ(secured.figures().keys, 2u);
}

TEST_F(DoorkeeperTest, AFrameWithoutAKeyIsNobodysAndCounted) {
  allow("worker-1");
  auto secured = door();
  EXPECT_EQ(secured.find(""), nullptr);
  EXPECT_EQ(secured.figures().unnamed, 1u);
  EXPECT_EQ(secured.find("worker-1"), nullptr) << "a name is no key";
  EXPECT_EQ(secured.figures().revoked, 1u);
}

TEST_F(DoorkeeperTest, ARevokedKeyIsNobodyFromTheNextRefreshOn) {
  const auto worker = allow("worker-1"), other = allow("worker-2");
  auto secured = door();
  EXPECT_FALSE(secured.refresh(Instant{})) << "nothing has changed";
  revoke("worker-1");
  EXPECT_TRUE(secured.refresh(Instant{}));
  EXPECT_EQ(secured.find(worker), nullptr);
  EXPECT_TRUE(secured.stale()(worker));
  EXPECT_FALSE(secured.stale()(other));
  EXPECT_NE(secured.find(other), nullptr);
}

// The new owner of a name is not taken for the old one, nor the old one for it.
TEST_F(DoorkeeperTest, ANameThatPassesToAnotherKeyLeavesTheOldKeyBehind) {
  const auto before = allow("worker-1");
  auto secured = door();
  revoke("worker-1");
  const auto after = allow("worker-1");
  EXPECT_TRUE(secured.refresh(Instant{}));
  EXPECT_EQ(secured.find(before), nullptr);
  ASSERT_NE(secured.find(after), nullptr);
  EXPECT_TRUE(secured.stale()(before));
  EXPECT_FALSE(secured.stale()(after));
}

TEST_F(DoorkeeperTest, AFurtherKeyDisturbsNobody) {
  const auto first = allow("worker-1");
  auto secured = door();
  const auto second = allow("worker-2");
  EXPECT_TRUE(secured.refresh(Instant{}));
  EXPECT_NE(secured.find(second), nullptr);
  EXPECT_FALSE(secured.stale()(first));
}

TEST_F(DoorkeeperTest, AKeyWithAnotherRoleHasToComeInAgain) {
  const auto key = allow("ops");
  auto secured = door();
  change([&](AllowList& list) -> Result<void> {
    list.remove("ops");
    return list.add({{"ops", Role::operator_, "", {}}, key, "2026-01-31T08:05:09.007Z"});
  });
  EXPECT_TRUE(secured.refresh(Instant{}));
  EXPECT_TRUE(secured.stale()(key));
  EXPECT_EQ(secured.find(key)->role, Role::operator_);
}

TEST_F(DoorkeeperTest, AListThatCannotBeReadLeavesTheOneBefore) {
  const auto worker = allow("worker-1");
  auto secured = door();
  const auto good = secured.find(worker)->name;
  std::ofstream(list_path()) << "- name: half";
  EXPECT_FALSE(secured.refresh(Instant{}));
  EXPECT_NE(secured.find(worker), nullptr);
  fs::remove(list_path());
  EXPECT_FALSE(secured.refresh(Instant{}));
  EXPECT_NE(secured.find(worker), nullptr);
  EXPECT_EQ(secured.figures().keys, 1u);
}

}  // namespace
}  // namespace drover::broker
