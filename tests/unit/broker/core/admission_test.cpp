#include "tests/unit/broker/core/core_test.hpp"

namespace drover::broker {
namespace {

using AdmissionTest = CoreTest;

TEST_F(AdmissionTest, TheSameIdIsAdmittedOnceAndToldWhereItStands) {
  const auto id = new_id();
  EXPECT_FALSE(submit_as(id, {})->duplicate);
  hello(1);
  dispatch();
  const auto again = submit_as(id, {});
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->state, TaskState::running);
  EXPECT_EQ(count(RecordKind::created), 1U);
}

TEST_F(AdmissionTest, TheSecondTaskWithAKeyIsToldTheFirstOnesId) {
  const auto first = submit({.key = "order-1"});
  const auto second = submit_as(new_id(), {.key = "order-1"});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->id, first);
  EXPECT_TRUE(second->duplicate);
}

TEST_F(AdmissionTest, AKeyUsedForAnotherPayloadIsAConflict) {
  submit({.payload = "1", .key = "order-1"});
  const auto second = submit_as(new_id(), {.payload = "2", .key = "order-1"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::idempotency_conflict);
  EXPECT_EQ(second.error().field, "idempotency_key");
}

TEST_F(AdmissionTest, KeysOfDifferentTenantsAreDifferentKeys) {
  submit({.tenant = "a", .key = "k"});
  EXPECT_FALSE(submit_as(new_id("b"), {.tenant = "b", .key = "k"})->duplicate);
}

TEST_F(AdmissionTest, AKeyOutlivesItsTaskAndARestartUntilItsWindowEnds) {
  options_.policy.result_ttl = 1min;
  options_.idempotency_window = 1h;
  make_core();
  const auto session = hello(1);
  const auto first = submit({.key = "k"});
  done(1, session, dispatch().at(0));
  pass(2min);
  EXPECT_FALSE(core_->show(first).has_value());  // forgotten
  EXPECT_EQ(submit_as(new_id(), {.key = "k"})->id, first);
  restart();
  EXPECT_EQ(submit_as(new_id(), {.key = "k"})->id, first);
  now_ += 1h;
  core_->advance(now_, *this);
  EXPECT_FALSE(submit_as(new_id(), {.key = "k"})->duplicate);
}

TEST_F(AdmissionTest, AFullQueueRefusesAndSaysWhichLimit) {
  options_.queue_length = 2;
  make_core();
  submit();
  submit();
  const auto third = submit_as(new_id(), {});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::queue_full);
  EXPECT_NE(third.error().message.find("limits.queue_length"), std::string::npos);
  EXPECT_GT(third.error().retry_after, 0ms);
  EXPECT_EQ(count(RecordKind::created), 2U);
}

TEST_F(AdmissionTest, WithoutRoomOnDiskNothingIsAdmittedButResultsStillLand) {
  const auto session = hello(1);
  submit();
  const auto a = dispatch().at(0);
  core_->set_storage_full(true);
  EXPECT_EQ(submit_as(new_id(), {}).error().code, Errc::storage_full);
  EXPECT_EQ(done(1, session, a), Errc::ok);
}

TEST_F(AdmissionTest, ATaskOfATypeThatNobodyRunsIsAcceptedWithAWarning) {
  EXPECT_TRUE(submit_as(new_id(), {})->no_worker);
  hello(1);
  EXPECT_FALSE(submit_as(new_id(), {})->no_worker);
}

TEST_F(AdmissionTest, ATaskThatIsNotStartedInTimeExpires) {
  const auto waiting = submit({.ttl = 5s});
  const auto delayed = submit({.delay = 1h, .ttl = 5s});
  pass(5s);
  EXPECT_EQ(state(waiting), TaskState::expired);
  EXPECT_EQ(state(delayed), TaskState::expired);
  expect_books_balance();
  hello(1);
  EXPECT_TRUE(dispatch().empty());
}

TEST_F(AdmissionTest, AStartedTaskDoesNotExpire) {
  const auto session = hello(1);
  const auto id = submit({.ttl = 5s});
  const auto a = dispatch().at(0);
  pass(10s);
  EXPECT_EQ(state(id), TaskState::running);
  EXPECT_EQ(done(1, session, a), Errc::ok);
}

TEST_F(AdmissionTest, WhoWaitsIsToldWhenTheTaskEndsOrTheTimeIsOver) {
  const auto session = hello(1);
  const auto id = submit();
  ASSERT_TRUE(core_->wait(peer(9), 1, id, 60s, now_, *this));
  ASSERT_TRUE(core_->wait(peer(9), 2, id, 5s, now_, *this));
  const auto a = dispatch().at(0);
  pass(5s);
  ASSERT_EQ(wait_ends_.size(), 1U);
  EXPECT_EQ(wait_ends_[0].request, 2U);
  EXPECT_FALSE(wait_ends_[0].ended);
  done(1, session, a);
  ASSERT_EQ(wait_ends_.size(), 2U);
  EXPECT_TRUE(wait_ends_[1].ended);
}

TEST_F(AdmissionTest, ManyWaitersWithOneRequestNumberAreEachToldOnce) {
  const auto id = submit();
  for (int i = 0; i < 1500; ++i) {
    ASSERT_TRUE(core_->wait(peer(9), 7, id, 2ms, now_, *this));
    ASSERT_TRUE(core_->wait(peer(9), 7, id, 1ms, now_, *this));
  }
  now_ += 2ms;
  core_->advance(now_, *this);  // a thousand of them
  EXPECT_EQ(wait_ends_.size(), 1000U);
  ASSERT_TRUE(core_->cancel(id, now_, *this));
  EXPECT_EQ(wait_ends_.size(), 3000U);
}

TEST_F(AdmissionTest, ResultsAreForgottenOldestFirstBeyondTheirLimit) {
  options_.results_max = 2;
  make_core();
  const auto session = hello(1);
  std::vector<TaskId> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(submit());
    done(1, session, dispatch().at(0));
  }
  EXPECT_FALSE(core_->show(ids[0]).has_value());
  EXPECT_TRUE(core_->show(ids[1]).has_value());
  EXPECT_EQ(core_->figures().results_evicted, 1U);
  expect_books_balance();
}

TEST_F(AdmissionTest, DeadLettersStayUntilTheirTimeIsOverAndAreThenPurged) {
  options_.dlq_ttl = 1h;
  make_core();
  const auto session = hello(1);
  const auto id = submit();
  failed(1, session, dispatch().at(0), false);
  EXPECT_EQ(core_->dead_letters({}, 10, {})->tasks.at(0).id, id);
  now_ += 1h;
  core_->advance(now_, *this);
  EXPECT_FALSE(core_->show(id).has_value());
  EXPECT_EQ(count(RecordKind::purged), 1U);
  expect_books_balance();
  restart();
  expect_books_balance();
}

TEST_F(AdmissionTest, ListsComeInPagesThatFollowEachOther) {
  for (int i = 0; i < 25; ++i) submit();
  std::size_t seen = 0;
  std::uint64_t cursor = 0;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = core_->list({}, 10, cursor);
    seen += page.tasks.size();
    if (!page.next) break;
    cursor = *page.next;
  }
  EXPECT_EQ(seen, 25U);
}

TEST_F(AdmissionTest, CleaningCarriesWhatIsStillNeededAndNothingElse) {
  const auto session = hello(1);
  const auto waiting = submit({.delay = 1h, .key = "w"});
  const auto finished = submit();
  done(1, session, dispatch().at(0));
  const auto live = core_->live_bytes();
  const std::size_t end = journal_.size();
  for (std::size_t i = 0; i < end; ++i) {
    const auto stored = decode_record(journal_[i].bytes);
    core_->carry(stored->record, where(i), now_, *this);
    journal_[i].bytes.clear();  // its segment is gone
  }
  EXPECT_EQ(count(RecordKind::whole), 2U);
  EXPECT_GT(core_->live_bytes(), live / 2);
  // The totals of what was cleaned away are in the books that begin the next segment.
  Record books;
  books.kind = RecordKind::books;
  const auto blob = core_->save_books();
  books.blob = blob;
  std::string bytes;
  encode_record(books, bytes);
  journal_.insert(journal_.begin() + static_cast<std::ptrdiff_t>(end),
                  {RecordKind::books, bytes, 0});
  restart();
  EXPECT_EQ(state(waiting), TaskState::scheduled);
  EXPECT_EQ(state(finished), TaskState::completed);
  EXPECT_TRUE(submit_as(new_id(), {.key = "w"})->duplicate);
}

}  // namespace
}  // namespace drover::broker
