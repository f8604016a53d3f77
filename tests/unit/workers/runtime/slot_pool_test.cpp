#include "workers/runtime/slot_pool.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "common/wire/codec.hpp"
#include "workers/engines/native_engine.hpp"

namespace drover::workers {
namespace {

// A gate that a handler waits at until the test opens it.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class SlotPoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    handle("echo", [](const AttemptContext& a) {
      AttemptResult result;
      result.result = a.payload;
      return result;
    });
    handle("until.stopped", [](const AttemptContext& a) {
      a.progress(1, "waiting");
      a.stop.wait_for(1h);
      return failed("STOPPED", "heard it", true);
    });
    handle("deaf", [this](const AttemptContext& a) {
      a.progress(1, "deaf");
      gate.pass();
      return AttemptResult{};
    });
    handle("chatty", [](const AttemptContext& a) {
      for (std::uint32_t i = 1; i <= 1000; ++i) a.progress(i / 10, "step " + std::to_string(i));
      return AttemptResult{};
    });
  }

  void handle(const std::string& type, Handler handler) {
    roster->add(type, std::make_shared<NativeEngine>(std::move(handler)));
  }

  static Hold hold(std::uint32_t attempt) {
    Hold hold;
    hold.task.bytes.fill(1);
    hold.attempt = attempt;
    return hold;
  }

  void start(SlotPool& pool, std::uint32_t attempt, std::string_view type,
             std::string_view payload = "") {
    AttemptOrder order;
    order.hold = hold(attempt);
    TaskSpec spec;
    spec.id = order.hold.task;
    spec.type = type;
    spec.payload = payload;
    wire::encode_task(spec, order.task);
    pool.start(std::move(order));
  }

  // Waits until something is told that `wanted` likes; what came before it is gone.
  template <class Wanted>
  SlotNews await(SlotPool& pool, Wanted wanted) {
    for (;;) {
      pollfd wait{pool.wake_fd(), POLLIN, 0};
      EXPECT_EQ(poll(&wait, 1, 10'000), 1);
      for (auto& item : pool.take_news()) {
        if (wanted(item)) return item;
      }
    }
  }
  SlotNews await_end(SlotPool& pool) {
    return await(pool, [](const SlotNews& item) { return item.end.has_value(); });
  }
  SlotNews await_progress(SlotPool& pool) {
    return await(pool, [](const SlotNews& item) { return !item.end; });
  }

  std::shared_ptr<Roster> roster = std::make_shared<Roster>();
  Gate gate;
};

TEST_F(SlotPoolTest, AnAttemptRunsAndItsEndIsTold) {
  SlotPool pool(2, roster);
  start(pool, 1, "echo", "hello");
  const auto item = await_end(pool);
  EXPECT_EQ(item.hold, hold(1));
  EXPECT_EQ(item.end->outcome, Outcome::completed);
  EXPECT_EQ(item.end->result, "hello");
}

TEST_F(SlotPoolTest, ASlotIsUsedAgainAsSoonAsItsEndIsTold) {
  SlotPool pool(1, roster);
  for (std::uint32_t attempt = 1; attempt <= 100; ++attempt) {
    start(pool, attempt, "echo");
    EXPECT_EQ(await_end(pool).hold, hold(attempt));
  }
}

TEST_F(SlotPoolTest, ATypeThatNobodyRunsFails) {
  SlotPool pool(1, roster);
  start(pool, 1, "unknown");
  const auto item = await_end(pool);
  EXPECT_EQ(item.end->error.code, "NO_HANDLER");
  EXPECT_TRUE(item.end->error.retryable);
}

TEST_F(SlotPoolTest, ACancelReachesTheAttemptItIsMeantFor) {
  SlotPool pool(2, roster);
  start(pool, 1, "until.stopped");
  await_progress(pool);
  start(pool, 2, "until.stopped");
  await_progress(pool);
  pool.cancel(hold(2), 1s);
  const auto item = await_end(pool);
  EXPECT_EQ(item.hold, hold(2));
  EXPECT_EQ(item.end->error.code, "STOPPED");
  pool.cancel(hold(1), 1s);
  EXPECT_EQ(await_end(pool).hold, hold(1));
}

TEST_F(SlotPoolTest, ACancelThatComesTooLateDoesNotStopTheNextAttemptInTheSlot) {
  SlotPool pool(1, roster);
  start(pool, 1, "echo");
  await_end(pool);
  start(pool, 2, "until.stopped");
  await_progress(pool);
  pool.cancel(hold(1), 0ms);
  EXPECT_TRUE(pool.take_news().empty());
  pool.cancel(hold(2), 0ms);
  EXPECT_EQ(await_end(pool).hold, hold(2));
}

TEST_F(SlotPoolTest, ManyWordsOfProgressWaitAsOne) {
  SlotPool pool(1, roster);
  start(pool, 1, "chatty");
  std::vector<SlotNews> news;
  await(pool, [&](const SlotNews& item) {
    news.push_back(item);
    return item.end.has_value();
  });
  ASSERT_GE(news.size(), 2U);
  EXPECT_EQ(news[news.size() - 2].percent, 100U);
  EXPECT_EQ(news[news.size() - 2].message, "step 1000");
}

TEST_F(SlotPoolTest, AStopCallbackMayTellProgress) {
  handle("callback", [](const AttemptContext& a) {
    a.progress(1, "up");
    const std::stop_callback tell(a.stop.token(), [&] { a.progress(2, "stopping"); });
    a.stop.wait_for(1h);
    return AttemptResult{};
  });
  SlotPool pool(1, roster);
  start(pool, 1, "callback");
  await_progress(pool);
  pool.cancel(hold(1), 1s);
  EXPECT_EQ(await_end(pool).hold, hold(1));
}

TEST_F(SlotPoolTest, CloseStopsWhatRunsAndWaitsForIt) {
  SlotPool pool(2, roster);
  start(pool, 1, "until.stopped");
  await_progress(pool);
  EXPECT_TRUE(pool.close(10s));
  EXPECT_TRUE(pool.close(10s));
}

TEST_F(SlotPoolTest, CloseDoesNotWaitForAHandlerThatIsDeaf) {
  const auto told = std::make_shared<std::promise<void>>();
  const auto gone = told->get_future();
  auto witness = std::shared_ptr<void>(nullptr, [told](auto) { told->set_value(); });
  handle("witness", [witness = std::move(witness)](auto&) { return AttemptResult{}; });
  {
    SlotPool pool(1, roster);
    start(pool, 1, "deaf");
    await_progress(pool);
    EXPECT_FALSE(pool.close(10ms));
  }
  // The thread lives on with what it needs, also after the pool, and lets go of it at its end.
  roster.reset();
  EXPECT_EQ(gone.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  gate.open();
  EXPECT_EQ(gone.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

}  // namespace
}  // namespace drover::workers
