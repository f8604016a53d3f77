#include "tests/unit/broker/core/core_test.hpp"

namespace drover::broker {
namespace {

class OrderTest : public CoreTest {
 protected:
  // One worker takes everything, one task at a time.
  std::vector<TaskId> drain_in_order() {
    const auto session = hello(1);
    std::vector<TaskId> order;
    for (auto a = dispatch(); !a.empty(); a = dispatch()) {
      order.push_back(a.front().task);
      EXPECT_EQ(done(1, session, a.front()), Errc::ok);
    }
    return order;
  }
};

TEST_F(OrderTest, TheMostUrgentGoesFirstAndEqualsGoInTheOrderInWhichTheyCame) {
  const auto low = submit({.priority = Priority::low});
  const auto first = submit();
  const auto second = submit();
  const auto critical = submit({.priority = Priority::critical});
  EXPECT_EQ(drain_in_order(), (std::vector{critical, first, second, low}));
}

TEST_F(OrderTest, ACriticalTaskBehindManyLowOnesIsTheNextToBeLeased) {
  for (int i = 0; i < 10'000; ++i) submit({.priority = Priority::low});
  const auto critical = submit({.priority = Priority::critical});
  hello(1);
  EXPECT_EQ(dispatch().at(0).task, critical);
}

TEST_F(OrderTest, TenantsTakeTurnsHoweverManyTasksOneOfThemHas) {
  for (int i = 0; i < 10; ++i) submit({.tenant = "big"});
  const auto small = submit({.tenant = "small"});
  const auto order = drain_in_order();
  EXPECT_EQ(order.at(1), small);
}

TEST_F(OrderTest, TenantsShareByWeight) {
  const SettingChange three{Setting::weight, SettingValue{3}};
  ASSERT_TRUE(core_->set({SettingOf::tenant, "large", ""}, std::span(&three, 1), now_, *this));
  for (int i = 0; i < 4000; ++i) submit({.tenant = i % 2 ? "large" : "small"});
  const auto order = drain_in_order();
  for (std::size_t from = 0; from + 1000 <= 2600; from += 100) {
    const auto large = std::count_if(order.begin() + static_cast<std::ptrdiff_t>(from),
                                     order.begin() + static_cast<std::ptrdiff_t>(from) + 1000,
                                     [&](const TaskId& id) { return view(id).tenant == "large"; });
    EXPECT_NEAR(static_cast<double>(large), 750, 2) << "leases from " << from;
  }
}

TEST_F(OrderTest, WaitingRaisesATaskOneLevelAtATimeAndNeverAboveHigh) {
  const auto low = submit({.priority = Priority::low});
  pass(5min);
  const auto normal = submit();
  const auto high = submit({.priority = Priority::high});
  EXPECT_EQ(drain_in_order(), (std::vector{high, low, normal})) << "it is as normal, and older";

  const auto patient = submit({.priority = Priority::low});
  pass(20min);
  const auto late = submit({.priority = Priority::high});
  const auto urgent = submit({.priority = Priority::urgent});
  EXPECT_EQ(drain_in_order(), (std::vector{urgent, patient, late}));
}

TEST_F(OrderTest, OnlyThoseThatWaitedAreRaisedNotThoseBehindThem) {
  const auto old = submit({.priority = Priority::low});
  pass(6min);
  const auto young = submit({.priority = Priority::low});
  const auto normal = submit();
  EXPECT_EQ(drain_in_order(), (std::vector{old, normal, young}));
}

TEST_F(OrderTest, WithoutAgingNothingIsRaised) {
  options_.aging = 0ms;
  make_core();
  const auto low = submit({.priority = Priority::low});
  pass(60min);
  const auto normal = submit();
  EXPECT_EQ(drain_in_order(), (std::vector{normal, low}));
}

TEST_F(OrderTest, ATenantThatWasIdleDoesNotCatchUpOnWhatItDidNotAskFor) {
  const auto session = hello(1);
  for (int i = 0; i < 20; ++i) submit({.tenant = "steady"});
  for (int i = 0; i < 10; ++i) done(1, session, dispatch().at(0));
  for (int i = 0; i < 5; ++i) submit({.tenant = "late"});
  int late = 0;
  for (int i = 0; i < 4; ++i) {
    const auto a = dispatch().at(0);
    late += view(a.task).tenant == "late";
    done(1, session, a);
  }
  EXPECT_EQ(late, 2);
}

TEST_F(OrderTest, OneTenantsTasksOfSeveralTypesGoInTheOrderInWhichTheyJoined) {
  const auto a = submit({.type = "b"});
  const auto b = submit({.type = "a"});
  const auto c = submit({.type = "b"});
  hello(1, 3, {"a", "b"});
  const auto leased = dispatch();
  ASSERT_EQ(leased.size(), 3U);
  EXPECT_EQ(leased[0].task, a);
  EXPECT_EQ(leased[1].task, b);
  EXPECT_EQ(leased[2].task, c);
}

TEST_F(OrderTest, ATaskGoesOnlyToAWorkerThatRunsItsTypeAndHasItsCapabilities) {
  const auto id = submit({.capabilities = {"gpu"}});
  hello(1);
  hello(2, 1, {"other"}, {}, {"gpu"});
  EXPECT_TRUE(dispatch().empty());
  EXPECT_EQ(view(id).waiting_for, "capability");
  hello(3, 1, {"work"}, {}, {"cpu", "gpu"});
  const auto leased = dispatch();
  ASSERT_EQ(leased.size(), 1U);
  EXPECT_EQ(leased[0].peer, peer(3));
}

TEST_F(OrderTest, TheLeastLoadedWorkerIsChosen) {
  hello(1, 4);
  hello(2, 4);
  for (int i = 0; i < 4; ++i) submit();
  std::map<Peer, int> load;
  for (const auto& a : dispatch()) ++load[a.peer];
  EXPECT_EQ(load[peer(1)], 2);
  EXPECT_EQ(load[peer(2)], 2);
}

TEST_F(OrderTest, AWorkersWindowIsNeverExceeded) {
  hello(1, 3);
  for (int i = 0; i < 10; ++i) submit();
  EXPECT_EQ(dispatch().size(), 3U);
  EXPECT_TRUE(dispatch().empty());
}

TEST_F(OrderTest, ADelayedTaskNeverStartsEarlyAndJoinsTheLineWhenItIsDue) {
  const auto session = hello(1);
  const auto delayed = submit({.delay = 10s});
  EXPECT_EQ(state(delayed), TaskState::scheduled);
  EXPECT_EQ(view(delayed).waiting_for, "time");
  now_ = at(9.999);
  core_->advance(now_, *this);
  EXPECT_TRUE(dispatch().empty());
  EXPECT_LE(core_->next_deadline(), at(10));
  now_ = at(10);
  core_->advance(now_, *this);
  const auto a = dispatch();
  ASSERT_EQ(a.size(), 1U);
  EXPECT_EQ(done(1, session, a[0]), Errc::ok);
}

TEST_F(OrderTest, AfterARestartTheSameTaskIsNext) {
  for (int i = 0; i < 50; ++i) {
    submit({.priority = static_cast<Priority>(i % 5), .tenant = i % 3 ? "a" : "b"});
  }
  restart();
  hello(1);
  const auto first = dispatch().at(0).task;
  restart();
  hello(2);
  // The first lease was journaled, so this time that task runs; undo by looking at what is next.
  const auto second = dispatch().at(0).task;
  EXPECT_NE(first, second);
  journal_.pop_back();  // the second lease
  restart();
  hello(3);
  EXPECT_EQ(dispatch().at(0).task, second);
}

}  // namespace
}  // namespace drover::broker
