// What each role may say, held against a table written by hand; and whose things a key may name.

#include "broker/io/authority.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "broker/io/events.hpp"

namespace drover::broker {
namespace {

constexpr Role kRoles[] = {Role::producer, Role::worker, Role::subscriber, Role::service,
                           Role::operator_};

// A letter for each role that may: Producer, Worker, Subscriber, sErvice, Operator.
std::string letters(Role role) {
  const std::map<Role, std::string> names = {{Role::producer, "P"},
                                             {Role::worker, "W"},
                                             {Role::subscriber, "S"},
                                             {Role::service, "E"},
                                             {Role::operator_, "O"}};
  return names.at(role);
}

template <class Message>
std::string who_may(const Message& message) {
  std::string who;
  for (const Role role : kRoles) {
    const auto ok = may_say(role, message);
    if (ok) {
      who += letters(role);
      continue;
    }
    EXPECT_EQ(ok.error().code, Errc::forbidden);
    EXPECT_NE(ok.error().message.find(name_of(role)), std::string::npos) << "says which role";
  }
  return who;
}

TEST(AuthorityTest, EachRoleMaySayToTheBrokerWhatItIsThereFor) {
  using M = wire::ClientMessage;
  const std::pair<M, std::string> all[] = {
      {wire::Connect{}, "PWSEO"},   {wire::Submit{}, "PO"},   {wire::Wait{}, "PSEO"},
      {wire::Show{}, "PSEO"},       {wire::List{}, "PSEO"},   {wire::Cancel{}, "PO"},
      {wire::Retry{}, "PO"},        {wire::Queues{}, "PSEO"}, {wire::DeadLetters{}, "PSEO"},
      {wire::Workers{}, "EO"},      {wire::Stats{}, "PSEO"},  {wire::Books{}, "PSEO"},
      {wire::Events{}, "PSEO"},     {wire::Ping{}, "PWSEO"},  {wire::Set{}, "O"},
      {wire::SettingsOf{}, "PSEO"}, {wire::Gates{}, "PSEO"},
  };
  ASSERT_EQ(std::size(all), std::variant_size_v<M>) << "every message is in the table";
  for (std::size_t i = 0; i < std::size(all); ++i) {
    ASSERT_EQ(all[i].first.index(), i) << "each once";
    EXPECT_EQ(who_may(all[i].first), all[i].second) << "message " << i;
  }
}

TEST(AuthorityTest, OnlyWorkersAndOperatorsMaySpeakAsWorkers) {
  using M = wire::WorkerMessage;
  const M all[] = {wire::Hello{},    wire::Heartbeat{}, wire::Done{}, wire::Failed{},
                   wire::Released{}, wire::Progress{},  wire::Bye{}};
  ASSERT_EQ(std::size(all), std::variant_size_v<M>);
  for (const M& message : all) EXPECT_EQ(who_may(message), "WO") << message.index();
}

// --- reach

const Principal kOperator = {"root", Role::operator_, "", {}};
const Principal kAcme = {"acme-1", Role::producer, "acme", {}};
const Principal kAcmeMail = {"acme-mail", Role::producer, "acme", {"mail", "post"}};

TEST(AuthorityTest, AKeyReachesItsTenantAndItsQueues) {
  EXPECT_TRUE(reaches(kOperator, "acme", "mail"));
  EXPECT_TRUE(reaches(kOperator, "", "")) << "the fleet's own events";
  EXPECT_TRUE(reaches(kAcme, "acme", "anything"));
  EXPECT_FALSE(reaches(kAcme, "acm", "mail"));
  EXPECT_FALSE(reaches(kAcme, "acme2", "mail"));
  EXPECT_FALSE(reaches(kAcme, "", ""));
  EXPECT_TRUE(reaches(kAcmeMail, "acme", "post"));
  EXPECT_FALSE(reaches(kAcmeMail, "acme", "pos"));
  EXPECT_FALSE(reaches(kAcmeMail, "zeta", "mail"));
}

std::string field_of(const Result<void>& result) {
  if (result) return "ok";
  EXPECT_EQ(result.error().code, Errc::forbidden);
  return result.error().field;
}

std::string submitted(const Principal& who, std::string_view tenant, std::string_view queue) {
  TaskSpec task;
  task.tenant = tenant;
  task.queue = queue;
  return field_of(may_submit(who, task));
}

TEST(AuthorityTest, ATaskIsSubmittedForTheTenantAndTheQueuesOfTheKey) {
  EXPECT_EQ(submitted(kOperator, "", ""), "ok");
  EXPECT_EQ(submitted(kOperator, "zeta", "any"), "ok");
  EXPECT_EQ(submitted(kAcme, "acme", ""), "ok");
  EXPECT_EQ(submitted(kAcme, "zeta", ""), "tenant");
  EXPECT_EQ(submitted(kAcmeMail, "acme", "mail"), "ok");
  EXPECT_EQ(submitted(kAcmeMail, "acme", "bulk"), "queue");
  EXPECT_EQ(submitted(kAcmeMail, "acme", ""), "queue") << "which means the queue default";
}

TEST(AuthorityTest, ATaskWithoutATenantIsOfTheDefaultTenantWhoeverSubmitsIt) {
  EXPECT_EQ(submitted(kAcme, "", ""), "tenant");
  EXPECT_EQ(submitted({"d", Role::producer, "default", {}}, "", ""), "ok");
}

std::string narrowed(const Principal& who, std::string tenant, std::string queue) {
  TaskFilter filter;
  filter.tenant = std::move(tenant);
  filter.queue = std::move(queue);
  const auto ok = narrow(who, filter);
  if (!ok) return field_of(ok);
  std::string text = filter.tenant + "/" + filter.queue;
  for (const auto& q : filter.queues) text += "," + q;
  return text;
}

TEST(AuthorityTest, AListIsNarrowedToWhatTheKeyReaches) {
  EXPECT_EQ(narrowed(kOperator, "", ""), "/");
  EXPECT_EQ(narrowed(kOperator, "zeta", "q"), "zeta/q");
  EXPECT_EQ(narrowed(kAcme, "", ""), "acme/");
  EXPECT_EQ(narrowed(kAcme, "acme", "q"), "acme/q");
  EXPECT_EQ(narrowed(kAcme, "zeta", ""), "tenant");
  EXPECT_EQ(narrowed(kAcmeMail, "", ""), "acme/,mail,post");
  EXPECT_EQ(narrowed(kAcmeMail, "", "mail"), "acme/mail,mail,post");
  EXPECT_EQ(narrowed(kAcmeMail, "", "bulk"), "queue");
}

TEST(AuthorityTest, EventsAreAskedForByPrefixesThatCanHoldOnesOwn) {
  for (const auto* good : {"", "a", "acme", "acme/", "acme/task.dead/", "acme/x/y/z"}) {
    EXPECT_EQ(field_of(may_ask_events(kAcme, good)), "ok") << good;
  }
  for (const auto* bad : {"acme2/", "zeta/", "b", "_system/", "acmee", "/"}) {
    EXPECT_EQ(field_of(may_ask_events(kAcme, bad)), "prefix") << bad;
    EXPECT_EQ(field_of(may_ask_events(kOperator, bad)), "ok") << bad;
  }
}

TEST(AuthorityTest, ASubscriptionIsEnteredIfAllItSelectsIsWithinReach) {
  for (const auto* own : {"acme/", "acme/task.dead/", "acme/task.dead/mail/0190"}) {
    EXPECT_TRUE(may_subscribe(kAcme, own)) << own;
  }
  for (const auto* wide : {"", "a", "acme", "acme2/", "zeta/", "_system/", "_system/bus/"}) {
    EXPECT_FALSE(may_subscribe(kAcme, wide)) << wide;
    EXPECT_TRUE(may_subscribe(kOperator, wide)) << wide;
  }
  EXPECT_TRUE(may_subscribe(kAcme, kTickTopic)) << "it tells how far the log goes, and no more";
}

TEST(AuthorityTest, AKeyOfQueuesSubscribesToThoseAlone) {
  EXPECT_TRUE(may_subscribe(kAcmeMail, "acme/task.dead/mail/"));
  EXPECT_TRUE(may_subscribe(kAcmeMail, "acme/task.dead/post/0190"));
  EXPECT_TRUE(may_subscribe(kAcmeMail, kTickTopic));
  for (const auto* wide : {"", "acme/", "acme/task.dead/", "acme/task.dead/mail",
                           "acme/task.dead/mailing/", "acme/task.dead/bulk/"}) {
    EXPECT_FALSE(may_subscribe(kAcmeMail, wide)) << wide;
  }
}

TEST(AuthorityTest, AWorkersKeyHearsNothingOnTheBus) {
  const Principal worker = {"w", Role::worker, "acme", {}};
  EXPECT_FALSE(may_subscribe(worker, "acme/"));
  EXPECT_FALSE(may_subscribe(worker, kTickTopic));
}

// --- settings

TEST(AuthorityTest, WhatATenantMayIsSetByWhoReachesAllTenantsAndAllQueues) {
  const Principal bound = {"acme-root", Role::operator_, "acme", {}};
  const Principal narrow = {"emails-root", Role::operator_, "", {"emails"}};
  const SettingHolder tenant{SettingOf::tenant, "acme", ""};
  const SettingHolder key{SettingOf::key, "acme", "model"};
  const SettingHolder emails{SettingOf::queue, "acme", "emails"};
  const SettingHolder other{SettingOf::queue, "other", "emails"};
  EXPECT_TRUE(may_set(kOperator, tenant));
  EXPECT_FALSE(may_set(bound, tenant));
  EXPECT_TRUE(may_see(bound, tenant));
  EXPECT_TRUE(may_set(bound, key));
  EXPECT_TRUE(may_set(bound, emails));
  EXPECT_FALSE(may_set(bound, other));
  EXPECT_FALSE(may_set(narrow, tenant));
  EXPECT_FALSE(may_set(narrow, key));
  EXPECT_TRUE(may_set(narrow, emails));
}

}  // namespace
}  // namespace drover::broker
