// Workers that are bound to a tenant, or to queues of it: what they are given, and what a message
// of theirs may be about.

#include "tests/unit/broker/core/core_test.hpp"

namespace drover::broker {
namespace {

class ScopeTest : public CoreTest {
 protected:
  ScopeTest() {
    options_.scoped = true;
    make_core();
  }

  SessionId hello_as(int worker, const Bond& bond, const std::vector<wire::Hold>& holds = {},
                     std::uint32_t window = 10) {
    wire::Hello m;
    m.worker = worker_id(worker);
    m.types = {"work"};
    m.slots = m.window = window;
    m.holds = holds;
    welcomes_.clear();
    core_->hello(peer(worker), m, now_, *this, bond);
    core_->set_told_seq(seq_);
    return welcomes_.empty() ? SessionId{} : welcomes_.back().session;
  }

  // The workers that were given something, by what they were given.
  std::map<TaskId, int> given() {
    std::map<TaskId, int> by_task;
    for (const auto& a : dispatch()) by_task[a.task] = static_cast<int>(a.peer);
    return by_task;
  }

  const Bond acme_{"acme-key", {"acme", {}}};
  const Bond zeta_{"zeta-key", {"zeta", {}}};
  const Bond acme_mail_{"mail-key", {"acme", {"mail", "post"}}};
  const Bond anybody_{"operator", {}};
};

TEST_F(ScopeTest, AWorkerOfATenantIsGivenThatTenantsTasksAlone) {
  hello_as(1, acme_);
  hello_as(2, zeta_);
  const auto a = submit({.tenant = "acme"});
  const auto z = submit({.tenant = "zeta"});
  const auto d = submit();
  EXPECT_EQ(given(), (std::map<TaskId, int>{{a, 1}, {z, 2}}));
  EXPECT_EQ(state(d), TaskState::ready);
  EXPECT_EQ(view(d).waiting_for, "capability") << "nobody here may run it";
  hello_as(3, anybody_);
  EXPECT_EQ(given(), (std::map<TaskId, int>{{d, 3}}));
}

TEST_F(ScopeTest, AnUrgentTaskOfAnotherTenantDoesNotHoldUpAFreeWorker) {
  hello_as(1, acme_);
  submit({.priority = Priority::critical, .tenant = "zeta"});
  const auto a = submit({.priority = Priority::low, .tenant = "acme"});
  EXPECT_EQ(given(), (std::map<TaskId, int>{{a, 1}}));
}

TEST_F(ScopeTest, AWorkerOfQueuesIsGivenThoseQueuesTasksAlone) {
  hello_as(1, acme_mail_);
  const auto mail = submit({.tenant = "acme", .queue = "mail"});
  const auto post = submit({.tenant = "acme", .queue = "post"});
  submit({.tenant = "acme", .queue = "bulk"});
  submit({.tenant = "acme"});
  submit({.tenant = "zeta", .queue = "mail"});
  EXPECT_EQ(given(), (std::map<TaskId, int>{{mail, 1}, {post, 1}}));
}

TEST_F(ScopeTest, ASubmitterIsWarnedWhenNobodyMayRunTheTask) {
  hello_as(1, acme_);
  EXPECT_FALSE(submit_as(new_id("acme"), {.tenant = "acme"})->no_worker);
  EXPECT_TRUE(submit_as(new_id("zeta"), {.tenant = "zeta"})->no_worker);
}

TEST_F(ScopeTest, AfterARestartTasksAreStillToldApart) {
  const auto a = submit({.tenant = "acme"});
  const auto z = submit({.tenant = "zeta"});
  restart();
  hello_as(2, zeta_);
  EXPECT_EQ(given(), (std::map<TaskId, int>{{z, 2}}));
  EXPECT_EQ(state(a), TaskState::ready);
}

TEST_F(ScopeTest, WithoutScopedDemandsABoundWorkerIsGivenNothing) {
  options_.scoped = false;  // nobody can tell whose a task is: better none than another's
  make_core();
  hello_as(1, acme_);
  submit({.tenant = "acme"});
  EXPECT_TRUE(given().empty());
}

// --- ids and sessions are no passports

TEST_F(ScopeTest, AWorkersIdBelongsToTheKeyThatSaidHelloWithIt) {
  const auto session = hello_as(1, acme_);
  const auto a = submit({.tenant = "acme"});
  dispatch();
  EXPECT_EQ(hello_as(1, zeta_, {{a, 1}}), SessionId{});
  EXPECT_EQ(strangers_, std::vector{Errc::forbidden});
  EXPECT_EQ(core_->bond_of(session)->owner, "acme-key") << "the session goes on";
  EXPECT_EQ(done(1, session, {peer(1), session, a, 1}), Errc::ok);
}

TEST_F(ScopeTest, TheSameKeyMaySayHelloAgain) {
  const auto first = hello_as(1, acme_);
  const auto second = hello_as(1, acme_);
  EXPECT_NE(second, SessionId{});
  EXPECT_EQ(core_->bond_of(first), nullptr);
  EXPECT_EQ(core_->bond_of(second)->owner, "acme-key");
}

TEST_F(ScopeTest, AfterARestartACopiedIdDoesNotAdoptAnotherTenantsLease) {
  hello_as(1, acme_);
  const auto a = submit({.tenant = "acme"});
  dispatch();
  restart();
  hello_as(1, zeta_, {{a, 1}});
  ASSERT_EQ(welcomes_.back().drop.size(), 1u);
  EXPECT_EQ(welcomes_.back().drop[0].code, Errc::not_found) << "as if there were no such task";
  EXPECT_EQ(state(a), TaskState::running) << "it waits for its own worker";
}

TEST_F(ScopeTest, OfAnotherTenantsTaskAWorkerIsToldNothing) {
  hello_as(1, acme_);
  const auto zeta = hello_as(2, zeta_);
  const auto running = submit({.tenant = "acme"});
  const auto a = dispatch().at(0);
  const auto cancelled = submit({.tenant = "acme"});
  ASSERT_TRUE(core_->cancel(cancelled, now_, *this));
  const auto records = journal_.size();
  for (const auto& id : {running, cancelled, new_id("acme")}) {
    EXPECT_EQ(done(2, zeta, {peer(2), zeta, id, 1}), Errc::not_found);
    EXPECT_EQ(failed(2, zeta, {peer(2), zeta, id, 1}), Errc::not_found);
    EXPECT_EQ(released(2, zeta, {peer(2), zeta, id, 1}), Errc::not_found);
    EXPECT_EQ(verdict([&] { heartbeat(2, zeta, {{id, 1}}); }), Errc::not_found);
  }
  EXPECT_EQ(journal_.size(), records) << "nothing was decided";
  EXPECT_EQ(state(running), TaskState::running);
  EXPECT_EQ(core_->figures().stale, 8u) << "what is there was counted";
  EXPECT_EQ(done(1, a.session, a), Errc::ok);
}

TEST_F(ScopeTest, ABoundWorkerIsListedWithItsTenant) {
  hello_as(1, acme_);
  hello_as(2, anybody_);
  std::map<WorkerId, std::string> tenants;
  for (const auto& w : core_->workers()) tenants[w.id] = w.tenant;
  EXPECT_EQ(tenants, (std::map<WorkerId, std::string>{{worker_id(1), "acme"}, {worker_id(2), ""}}));
}

TEST_F(ScopeTest, TheLastStrikeOfATaskWaitsForAWorkerOfItsOwn) {
  options_.poison_after = 2;
  make_core();
  hello_as(1, acme_, {}, 2);
  const auto suspect = submit({.tenant = "acme"});
  dispatch();
  pass(16s);  // its worker is silent: a strike
  ASSERT_EQ(state(suspect), TaskState::ready);
  const auto zeta = hello_as(2, zeta_);
  EXPECT_TRUE(given().empty());
  const auto busy = hello_as(3, acme_, {}, 2);
  const auto other = submit({.priority = Priority::high, .tenant = "acme"});
  EXPECT_EQ(given(), (std::map<TaskId, int>{{other, 3}})) << "and the suspect is reserved";
  heartbeat(2, zeta, {});
  EXPECT_EQ(state(suspect), TaskState::ready) << "an idle worker of another tenant does not get it";
  done(3, busy, {peer(3), busy, other, 1});
  EXPECT_EQ(state(suspect), TaskState::running);
}

}  // namespace
}  // namespace drover::broker
