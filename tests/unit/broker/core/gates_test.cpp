#include "tests/unit/broker/core/core_test.hpp"

namespace drover::broker {
namespace {

class GatesTest : public CoreTest {
 protected:
  Result<Settings> set(SettingOf of, const std::string& name, Setting setting,
                       std::optional<SettingValue> value) {
    const bool is_tenant = of == SettingOf::tenant;
    const SettingHolder holder{of, is_tenant ? name : "default", is_tenant ? "" : name};
    const SettingChange change{setting, value};
    return core_->set(holder, std::span(&change, 1), now_, *this);
  }
  void must_set(SettingOf of, const std::string& name, Setting setting,
                std::optional<SettingValue> value) {
    const auto ok = set(of, name, setting, value);
    EXPECT_TRUE(ok) << ok.error().message;
  }
  void pause(const std::string& queue) {
    must_set(SettingOf::queue, queue, Setting::closed, SettingValue{1});
  }
  void resume(const std::string& queue) {
    must_set(SettingOf::queue, queue, Setting::closed, SettingValue{0});
  }
  Errc refused(SettingOf of, Setting setting, std::optional<SettingValue> value) {
    const auto answer = set(of, "emails", setting, value);
    return answer ? Errc::ok : answer.error().code;
  }
  std::vector<TaskId> started() {
    std::vector<TaskId> tasks;
    for (const auto& a : dispatch()) tasks.push_back(a.task);
    return tasks;
  }
  // Ends what `started` has assigned.
  void finish(SessionId session) {
    for (const auto& a : std::vector(assigned_)) EXPECT_EQ(done(1, session, a), Errc::ok);
  }
  std::string waits_for(const TaskId& task) { return view(task).waiting_for; }
};

using Tasks = std::vector<TaskId>;

TEST_F(GatesTest, APausedQueueStartsNothingAndOthersGoOn) {
  hello(1, 10);
  pause("emails");
  const auto held = submit({.queue = "emails"});
  const auto other = submit({.queue = "reviews"});
  EXPECT_EQ(started(), Tasks{other});
  EXPECT_EQ(state(held), TaskState::ready);
  EXPECT_EQ(waits_for(held), "pause");
  resume("emails");
  EXPECT_EQ(started(), Tasks{held});
  expect_books_balance();
}

TEST_F(GatesTest, WhatRunsWhenItsQueueIsPausedGoesOn) {
  const auto session = hello(1, 10);
  submit({.queue = "emails"});
  const auto running = dispatch().at(0);
  pause("emails");
  EXPECT_EQ(done(1, session, running), Errc::ok);
}

TEST_F(GatesTest, APauseHoldsAcrossARestartUntilItIsTakenBack) {
  pause("emails");
  const auto held = submit({.queue = "emails"});
  restart();
  hello(1, 10);
  EXPECT_EQ(started(), Tasks{});
  resume("emails");
  restart();
  hello(1, 10);
  EXPECT_EQ(started(), Tasks{held});
}

TEST_F(GatesTest, AHeldTaskCanBeCancelledAndExpires) {
  hello(1, 10);
  pause("emails");
  const auto one = submit({.queue = "emails"});
  const auto two = submit({.queue = "emails", .ttl = 5s});
  EXPECT_EQ(started(), Tasks{});
  EXPECT_TRUE(core_->cancel(one, now_, *this));
  pass(6s);
  EXPECT_EQ(state(one), TaskState::cancelled);
  EXPECT_EQ(state(two), TaskState::expired);
  resume("emails");
  EXPECT_EQ(started(), Tasks{});
  expect_books_balance();
}

TEST_F(GatesTest, SoManyOfAQueueRunAtOnceAndTheNextStartsWhenOneEnds) {
  const auto session = hello(1, 10);
  must_set(SettingOf::queue, "emails", Setting::concurrency, SettingValue{2});
  const auto a = submit({.queue = "emails"});
  const auto b = submit({.queue = "emails"});
  const auto c = submit({.queue = "emails"});
  EXPECT_EQ(started(), (Tasks{a, b}));
  EXPECT_EQ(waits_for(c), "limit");
  EXPECT_EQ(done(1, session, assigned_.at(0)), Errc::ok);
  EXPECT_EQ(started(), Tasks{c});
}

TEST_F(GatesTest, ARaisedLimitLetsTheNextStartAtOnce) {
  hello(1, 10);
  must_set(SettingOf::tenant, "default", Setting::concurrency, SettingValue{1});
  for (int i = 0; i < 5; ++i) submit();
  EXPECT_EQ(started().size(), 1U);
  must_set(SettingOf::tenant, "default", Setting::concurrency, SettingValue{3});
  EXPECT_EQ(started().size(), 2U);
  must_set(SettingOf::tenant, "default", Setting::concurrency, std::nullopt);
  EXPECT_EQ(started().size(), 2U);
}

TEST_F(GatesTest, OneTaskOfAConcurrencyKeyRunsAtATimeInTheOrderInWhichTheyCame) {
  const auto session = hello(1, 10);
  const auto a = submit({.concurrency_key = "customer/7"});
  const auto b = submit({.concurrency_key = "customer/7"});
  const auto c = submit({.concurrency_key = "customer/7"});
  const auto other = submit({.concurrency_key = "customer/8"});
  EXPECT_EQ(started(), (Tasks{a, other}));
  EXPECT_EQ(waits_for(b), "concurrency");
  finish(session);
  EXPECT_EQ(started(), Tasks{b});
  finish(session);
  EXPECT_EQ(started(), Tasks{c});
}

TEST_F(GatesTest, AFailedAttemptGivesItsKeyToTheNextUntilItsRetryIsDue) {
  const auto session = hello(1, 10);
  const auto a = submit({.concurrency_key = "k"});
  const auto b = submit({.concurrency_key = "k"});
  EXPECT_EQ(started(), Tasks{a});
  EXPECT_EQ(failed(1, session, assigned_.at(0)), Errc::ok);
  EXPECT_EQ(started(), Tasks{b});
}

TEST_F(GatesTest, ACancelledAttemptOccupiesItsKeyUntilItHasStopped) {
  const auto session = hello(1, 10);
  submit({.concurrency_key = "k"});
  const auto b = submit({.concurrency_key = "k"});
  const auto first = dispatch().at(0);
  EXPECT_TRUE(core_->cancel(first.task, now_, *this));
  EXPECT_EQ(started(), Tasks{});
  EXPECT_EQ(failed(1, session, first, false, Outcome::stopped), Errc::cancelled);
  EXPECT_EQ(started(), Tasks{b});
}

TEST_F(GatesTest, WhatRanBeforeARestartCountsAfterIt) {
  hello(1, 10);
  submit({.concurrency_key = "k"});
  const auto b = submit({.concurrency_key = "k"});
  const auto running = dispatch().at(0);
  restart();
  const auto session = hello(1, 10, {"work"}, {{running.task, running.attempt}});
  EXPECT_EQ(started(), Tasks{});
  EXPECT_EQ(done(1, session, running), Errc::ok);
  EXPECT_EQ(started(), Tasks{b});
}

TEST_F(GatesTest, ATaskThatIsCancelledBeforeItsWorkerComesBackGivesItsKeyFree) {
  hello(1, 10);
  const auto a = submit({.concurrency_key = "k"});
  const auto b = submit({.concurrency_key = "k"});
  EXPECT_EQ(started(), Tasks{a});
  restart();
  EXPECT_TRUE(core_->cancel(a, now_, *this));
  hello(1, 10);
  EXPECT_EQ(started(), Tasks{b});
}

TEST_F(GatesTest, WhatWasUnsetStaysUnsetAfterARestart) {
  must_set(SettingOf::queue, "default", Setting::closed, SettingValue{1});
  must_set(SettingOf::tenant, "default", Setting::concurrency, SettingValue{1});
  const auto a = submit();
  const auto b = submit();
  must_set(SettingOf::queue, "default", Setting::closed, std::nullopt);
  must_set(SettingOf::tenant, "default", Setting::concurrency, std::nullopt);
  restart();
  hello(1, 10);
  EXPECT_EQ(started(), (Tasks{a, b}));
  EXPECT_TRUE(core_->holders().empty());
}

TEST_F(GatesTest, OfTwoTypesAtOneGateTheOlderTaskGoesFirst) {
  const auto session = hello(1, 10, {"a", "b"});
  must_set(SettingOf::queue, "default", Setting::concurrency, SettingValue{1});
  Tasks tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(submit({.type = i % 2 ? "b" : "a"})), pass(1ms);
  Tasks order;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto next = started();
    ASSERT_EQ(next.size(), 1U);
    order.push_back(next[0]);
    finish(session);
    pass(1ms);
  }
  const auto place = [&](const TaskId& task) {
    return std::find(order.begin(), order.end(), task) - order.begin();
  };
  for (std::size_t i = 0; i + 2 < tasks.size(); ++i) {
    EXPECT_LT(place(tasks[i]), place(tasks[i + 2])) << "of one type, " << i;
    EXPECT_LE(std::abs(place(tasks[i]) - static_cast<std::ptrdiff_t>(i)), 2) << i;
  }
}

TEST_F(GatesTest, ARateThatIsCorrectedHoldsAtOnce) {
  hello(1, 10);
  must_set(SettingOf::queue, "default", Setting::rate, SettingValue{10, 24h});
  must_set(SettingOf::queue, "default", Setting::rate, SettingValue{10, 1s});
  submit();
  EXPECT_EQ(started().size(), 0U);
  pass(100ms);
  EXPECT_EQ(started().size(), 1U);
}

TEST_F(GatesTest, ALargeTaskAtARateIsNotPassedBySmallOnesThatKeepComing) {
  options_.worker_timeout = 24h;
  make_core();
  hello(1, 1000);
  must_set(SettingOf::key, "model", Setting::rate, SettingValue{1000, 1min});
  const auto large = submit({.rate_key = "model", .rate_cost = 1000});
  started();
  for (int i = 0; i < 61 && state(large) != TaskState::running; ++i) {
    submit({.rate_key = "model"});
    pass(1s);
    started();
  }
  EXPECT_EQ(state(large), TaskState::running);
}

TEST_F(GatesTest, WhoStoodBehindALargeTaskGoesWhenThatIsCancelled) {
  options_.worker_timeout = 24h;
  make_core();
  hello(1, 10);
  must_set(SettingOf::key, "model", Setting::rate, SettingValue{1000, 24h});
  const auto large = submit({.rate_key = "model", .rate_cost = 1000});
  const auto small = submit({.rate_key = "model"});
  pass(10min);
  EXPECT_EQ(started(), Tasks{});
  EXPECT_TRUE(core_->cancel(large, now_, *this));
  EXPECT_EQ(started(), Tasks{small});
}

TEST_F(GatesTest, HoweverManyTokensAreReportedTheRateComesBack) {
  Meter meter({10, 24h}, now_);
  for (int i = 0; i < 1000; ++i) meter.correct(1, 2 * std::uint64_t{kRateCostMax}, now_);
  EXPECT_GT(meter.opens_at(1), now_);
  EXPECT_LE(meter.opens_at(1), now_ + 367 * 24h);
}

TEST_F(GatesTest, ATaskThatWaitsAtAGateHoldsNothingOfOthers) {
  hello(1, 10);
  pause("emails");
  submit({.queue = "emails", .concurrency_key = "k"});
  const auto other = submit({.concurrency_key = "k"});
  EXPECT_EQ(started(), Tasks{other});
}

TEST_F(GatesTest, TheMostUrgentOfThoseAtAGateGoesFirst) {
  const auto session = hello(1, 10);
  const auto running = submit({.concurrency_key = "k"});
  EXPECT_EQ(started(), Tasks{running});
  const auto low = submit({.priority = Priority::low, .concurrency_key = "k"});
  const auto urgent = submit({.priority = Priority::urgent, .concurrency_key = "k"});
  const auto blocked = assigned_;
  EXPECT_EQ(started(), Tasks{});
  EXPECT_EQ(done(1, session, blocked.at(0)), Errc::ok);
  EXPECT_EQ(started(), Tasks{urgent});
  finish(session);
  EXPECT_EQ(started(), Tasks{low});
}

// Between types the older goes first, however many of the other type come: nobody who was let out
// and found the gate closed again loses its place.
TEST_F(GatesTest, NobodyStarvesAtAGateWhileOthersKeepComing) {
  const auto session = hello(1, 10, {"a", "b"});
  submit({.type = "a", .concurrency_key = "k"});
  dispatch();
  const auto patient = submit({.type = "b", .concurrency_key = "k"});
  int turns = 0;
  for (; turns < 20 && state(patient) != TaskState::running; ++turns) {
    const auto running = assigned_;
    pass(1ms);
    for (int i = 0; i < 3; ++i) submit({.type = "a", .concurrency_key = "k"});
    started();
    for (const auto& a : running) EXPECT_EQ(done(1, session, a), Errc::ok);
    started();
  }
  EXPECT_LE(turns, 2);
}

TEST_F(GatesTest, ATypeThatNobodyRunsDoesNotKeepAGateFromOthers) {
  const auto session = hello(1, 10);
  submit({.concurrency_key = "k"});
  dispatch();
  const auto running = assigned_;
  submit({.type = "unknown", .concurrency_key = "k"});
  const auto next = submit({.concurrency_key = "k"});
  started();
  EXPECT_EQ(done(1, session, running.at(0)), Errc::ok);
  EXPECT_EQ(started(), Tasks{next});
}

TEST_F(GatesTest, ARateStartsSoManyInATimeAndTheRestWhenTheyAreDue) {
  const auto session = hello(1, 100);
  must_set(SettingOf::queue, "emails", Setting::rate, SettingValue{10, 1s});
  std::vector<TaskId> tasks;
  for (int i = 0; i < 30; ++i) tasks.push_back(submit({.queue = "emails"}));
  EXPECT_EQ(started(), Tasks{}) << "what was used before is not known: it begins empty";
  EXPECT_EQ(waits_for(tasks.front()), "rate");
  std::size_t in_all = 0;
  for (int tenth = 1; tenth <= 10; ++tenth) {
    pass(100ms);
    in_all += started().size();
    finish(session);
    EXPECT_EQ(in_all, static_cast<std::size_t>(tenth));
  }
  EXPECT_GT(core_->next_deadline(), now_);
  EXPECT_LE(core_->next_deadline(), now_ + 100ms);
}

TEST_F(GatesTest, ABrokerThatRestartsOftenIsNoFasterThanItsRates) {
  must_set(SettingOf::queue, "emails", Setting::rate, SettingValue{10, 1s});
  must_set(SettingOf::queue, "emails", Setting::submit_rate, SettingValue{10, 1s});
  pass(5s);
  for (int i = 0; i < 5; ++i) submit({.queue = "emails"});
  restart();
  hello(1, 10);
  EXPECT_EQ(started(), Tasks{});
  EXPECT_FALSE(submit_as(new_id(), {.queue = "emails"}));
  pass(100ms);
  EXPECT_EQ(started().size(), 1U);
  EXPECT_TRUE(submit_as(new_id(), {.queue = "emails"}));
}

TEST_F(GatesTest, AKeysRateCountsWhatTasksSayAndIsCorrectedByWhatTheyCameTo) {
  const auto session = hello(1, 100);
  must_set(SettingOf::key, "model", Setting::rate, SettingValue{1000, 1s});
  pass(2s);  // all of it is there
  const auto a = submit({.rate_key = "model", .rate_cost = 400});
  const auto b = submit({.rate_key = "model", .rate_cost = 400});
  const auto c = submit({.rate_key = "model", .rate_cost = 400});
  EXPECT_EQ(started(), (Tasks{a, b}));
  wire::Done m{session, {{a, 1, "{}", {}, Usage{50, 50, 0}}}};  // 300 less than it said
  core_->done(peer(1), m, now_, *this);
  EXPECT_EQ(started(), Tasks{c});
}

TEST_F(GatesTest, AGateThatIsClosedByHandHoldsThoseThatNameIt) {
  hello(1, 10);
  must_set(SettingOf::key, "deploys", Setting::closed, SettingValue{1});
  ASSERT_EQ(core_->gates(now_).size(), 1U) << "before any task has named it";
  EXPECT_EQ(core_->gates(now_)[0].name, "deploys");
  const auto held = submit({.gate = "deploys"});
  const auto other = submit();
  EXPECT_EQ(started(), Tasks{other});
  EXPECT_EQ(waits_for(held), "pause");
  must_set(SettingOf::key, "deploys", Setting::closed, std::nullopt);
  EXPECT_EQ(started(), Tasks{held});
}

TEST_F(GatesTest, WhatIsSetIsCarriedForwardAndComesBack) {
  pause("emails");
  must_set(SettingOf::tenant, "default", Setting::weight, SettingValue{7});
  const auto live = core_->live_bytes();
  for (std::size_t i = 0; i < 2; ++i) {
    const auto stored = decode_record(journal_[i].bytes);
    core_->carry(stored->record, where(i), now_, *this);
    journal_[i].bytes.clear();
  }
  EXPECT_EQ(core_->live_bytes(), live);
  restart();
  EXPECT_TRUE(core_->settings_of({SettingOf::queue, "default", "emails"}).all.is_closed());
  EXPECT_EQ(core_->settings_of({SettingOf::tenant, "default", ""}).all.amount(Setting::weight, 1),
            7U);
}

TEST_F(GatesTest, WhatIsSetAtRunTimeWinsOverTheConfigurationUntilItIsUnset) {
  Settings configured;
  configured[Setting::concurrency] = SettingValue{1};
  options_.settings = {{{SettingOf::queue, "default", "emails"}, configured}};
  make_core();
  hello(1, 10);
  for (int i = 0; i < 5; ++i) submit({.queue = "emails"});
  EXPECT_EQ(started().size(), 1U);
  must_set(SettingOf::queue, "emails", Setting::concurrency, SettingValue{3});
  EXPECT_EQ(started().size(), 2U);
  must_set(SettingOf::queue, "emails", Setting::concurrency, std::nullopt);
  EXPECT_EQ(started().size(), 0U);
  EXPECT_EQ(core_->settings_of({SettingOf::queue, "default", "emails"})
                .all.amount(Setting::concurrency, 0),
            1U);
}

TEST_F(GatesTest, NothingIsWrittenWhereNothingChanges) {
  pause("emails");
  pause("emails");
  EXPECT_EQ(kinds(), std::vector{RecordKind::queue_paused});
  must_set(SettingOf::queue, "reviews", Setting::rate, std::nullopt);
  EXPECT_EQ(journal_.size(), 1U);
}

TEST_F(GatesTest, AnImpossibleSettingIsRefusedWithItsName) {
  EXPECT_EQ(refused(SettingOf::tenant, Setting::weight, SettingValue{0}), Errc::invalid_argument);
  EXPECT_EQ(refused(SettingOf::tenant, Setting::weight, SettingValue{101}), Errc::invalid_argument);
  EXPECT_EQ(refused(SettingOf::queue, Setting::weight, SettingValue{3}), Errc::invalid_argument);
  EXPECT_EQ(refused(SettingOf::queue, Setting::rate, SettingValue{5, 0ms}), Errc::invalid_argument);
  EXPECT_EQ(refused(SettingOf::key, Setting::limit, SettingValue{5}), Errc::invalid_argument);
  const auto named = set(SettingOf::queue, "new\nline", Setting::closed, SettingValue{1});
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, Errc::bad_name);
  EXPECT_EQ(named.error().field, "queue");
  EXPECT_TRUE(journal_.empty());
}

// --- admission

TEST_F(GatesTest, AQueueTakesNoMoreThanItsLimitAndATenantNoMoreThanIts) {
  must_set(SettingOf::queue, "emails", Setting::limit, SettingValue{2});
  submit({.queue = "emails"});
  submit({.queue = "emails"});
  const auto full = submit_as(new_id(), {.queue = "emails"});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::queue_full);
  EXPECT_EQ(full.error().field, "queue");
  EXPECT_GT(full.error().retry_after, 0ms);
  must_set(SettingOf::tenant, "default", Setting::limit, SettingValue{3});
  submit({.queue = "reviews"});
  const auto all = submit_as(new_id(), {.queue = "reviews"});
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().field, "tenant");
  restart();
  EXPECT_FALSE(submit_as(new_id(), {.queue = "other"})) << "what was there still counts";
}

TEST_F(GatesTest, ASubmissionTooManyIsToldWhenToComeAgain) {
  must_set(SettingOf::queue, "emails", Setting::submit_rate, SettingValue{2, 1s});
  pass(2s);
  submit({.queue = "emails"});
  submit({.queue = "emails"});
  const auto soon = submit_as(new_id(), {.queue = "emails"});
  ASSERT_FALSE(soon);
  EXPECT_EQ(soon.error().code, Errc::rate_limited);
  EXPECT_EQ(soon.error().retry_after, 500ms);
  pass(500ms);
  EXPECT_TRUE(submit_as(new_id(), {.queue = "emails"}));
}

TEST_F(GatesTest, APayloadLargerThanItsQueueTakesIsRefused) {
  must_set(SettingOf::queue, "emails", Setting::payload_max, SettingValue{10});
  const auto large = submit_as(new_id(), {.payload = std::string(11, 'x'), .queue = "emails"});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Errc::payload_too_large);
  EXPECT_EQ(large.error().field, "payload");
  EXPECT_TRUE(submit_as(new_id(), {.payload = std::string(11, 'x'), .queue = "reviews"}));
}

}  // namespace
}  // namespace drover::broker
