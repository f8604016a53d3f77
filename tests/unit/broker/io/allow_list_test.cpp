// The allow-list: what a file must say, what is found in it, and what its messages name.

#include "broker/io/allow_list.hpp"

#include <gtest/gtest.h>

namespace drover::broker {
namespace {

constexpr const char* kFirst = "q09IRju&Jg:Ur9#ivZey7nmxlXV/-s)(q}=armiY";
constexpr const char* kSecond = "A}yOX&4(c8d*@B:Q5@Ff@.-GMmvH7Dw:f=3X(eIM";

AllowedKey worker_key() {
  return {{"worker-1", Role::worker, "default", {"emails", "reports"}},
          kFirst,
          "2026-01-31T08:05:09.007Z"};
}

AllowedKey operator_key() {
  return {{"ops", Role::operator_, "", {}}, kSecond, "2026-01-31T08:05:10.000Z"};
}

// An entry of the file, with one line put in the place of that which starts the same.
std::string entry_with(const std::string& field, const std::string& line) {
  std::string text;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"name", "worker-1"},
           {"public_key", "\"" + std::string(kFirst) + "\""},
           {"role", "worker"},
           {"tenant", "default"},
           {"created_at", "2026-01-31T08:05:09.007Z"}}) {
    const auto own = name + ": " + value;
    text += (text.empty() ? "- " : "  ") + (name == field ? line : own) + "\n";
  }
  return text;
}

std::string fault_of(const std::string& text, const std::string& field) {
  const auto list = AllowList::parse(text, "allowed.yaml");
  if (list) return "it was taken";
  EXPECT_EQ(list.error().code, Errc::bad_configuration);
  EXPECT_EQ(list.error().field, field) << list.error().message;
  return list.error().message;
}

TEST(AllowListTest, WhatIsWrittenIsReadBack) {
  AllowList list;
  ASSERT_TRUE(list.add(worker_key()));
  ASSERT_TRUE(list.add(operator_key()));

  const auto read = AllowList::parse(list.format(), "allowed.yaml");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ(read->format(), list.format());

  const auto worker = read->find_by_key(kFirst);
  ASSERT_TRUE(worker);
  EXPECT_EQ(*worker, worker_key().principal);
  EXPECT_EQ(read->find_by_name("worker-1"), worker);
  EXPECT_EQ(read->find_by_name("ops")->role, Role::operator_);
  EXPECT_EQ(read->keys()[1].created_at, "2026-01-31T08:05:09.007Z");
}

TEST(AllowListTest, WhoIsNotInItIsNotFound) {
  AllowList list;
  ASSERT_TRUE(list.add(worker_key()));
  EXPECT_FALSE(list.find_by_key(kSecond));
  EXPECT_FALSE(list.find_by_key(""));
  EXPECT_FALSE(list.find_by_name("worker-2"));
}

TEST(AllowListTest, ARemovedKeyIsGoneByNameAndByKey) {
  AllowList list;
  ASSERT_TRUE(list.add(worker_key()));
  const auto held = list.find_by_name("worker-1");

  EXPECT_TRUE(list.remove("worker-1"));
  EXPECT_FALSE(list.remove("worker-1"));
  EXPECT_FALSE(list.find_by_key(kFirst));
  EXPECT_FALSE(list.find_by_name("worker-1"));
  EXPECT_EQ(held->tenant, "default") << "whoever holds it may read on";
  EXPECT_TRUE(list.add(worker_key())) << "and the name is free again";
}

TEST(AllowListTest, OneNameAndOneKeyStandForOneOwner) {
  AllowList list;
  ASSERT_TRUE(list.add(worker_key()));
  auto same_name = operator_key();
  same_name.principal.name = "worker-1";
  EXPECT_EQ(list.add(same_name).error().code, Errc::conflict);
  auto same_key = operator_key();
  same_key.public_key = kFirst;
  const auto refused = list.add(same_key);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "public_key");
  EXPECT_NE(refused.error().message.find("worker-1"), std::string::npos);
  EXPECT_EQ(list.size(), 1u);
}

TEST(AllowListTest, AnEmptyFileAllowsNobody) {
  for (const auto text : {"", "# nobody yet\n", "[]\n"}) {
    const auto list = AllowList::parse(text, "allowed.yaml");
    ASSERT_TRUE(list) << text;
    EXPECT_EQ(list->size(), 0u);
  }
}

TEST(AllowListTest, AFaultNamesFileLineEntryAndField) {
  const auto text = entry_with("", "") + "- name: w2\n  role: worker\n";
  EXPECT_EQ(fault_of(text, "public_key").find("allowed.yaml:6: w2: public_key: "), 0u);
}

TEST(AllowListTest, EveryFieldIsChecked) {
  EXPECT_EQ(fault_of(entry_with("name", "name: no blanks"), "name"),
            "allowed.yaml:1: entry 1: name: expected 1 to 64 of A-Z a-z 0-9 . _ -");
  EXPECT_NE(fault_of(entry_with("role", "role: king"), "role").find("producer, worker"),
            std::string::npos);
  fault_of(entry_with("role", "tags: worker"), "tags");
  fault_of(entry_with("tenant", "tenant: a b"), "tenant");
  fault_of(entry_with("tenant", "tenant: _system"), "tenant");
  fault_of(entry_with("tenant", "tenant: default\n  queues: []"), "queues");
  fault_of(entry_with("tenant", "tenant: default\n  queues: [a, b c]"), "queues");
  fault_of(entry_with("created_at", "created_at: yesterday"), "created_at");
  fault_of(entry_with("public_key", "public_key: [a]"), "public_key");
  fault_of("name: worker-1\n", "");
  fault_of("- worker-1\n", "");
}

TEST(AllowListTest, OnlyServicesAndOperatorsMayStandForEveryTenant) {
  for (const auto name : kRoleNames) {
    AllowedKey key = operator_key();
    key.principal.role = *parse_role(name);
    const bool any = name == "service" || name == "operator";
    EXPECT_EQ(AllowList().add(key).has_value(), any) << name;
    key.principal.tenant = "acme";
    EXPECT_TRUE(AllowList().add(key)) << name;
  }
}

TEST(AllowListTest, AKeyThatEverybodyHasIsRefused) {
  const auto fault =
      fault_of(entry_with("public_key", "public_key: \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\""),
               "public_key");
  EXPECT_NE(fault.find("manual"), std::string::npos);
}

}  // namespace
}  // namespace drover::broker
