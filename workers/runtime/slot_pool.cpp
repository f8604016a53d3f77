#include "workers/runtime/slot_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "common/base/assert.hpp"
#include "common/files/waker.hpp"
#include "common/wire/codec.hpp"

namespace drover::workers {
namespace {

AttemptContext context_of(const AttemptOrder& order, const TaskSpec& spec, StopSignal& stop) {
  AttemptContext context{.stop = stop, .progress = {}};
  context.task = order.hold.task;
  context.attempt = order.hold.attempt;
  context.failures = order.failures;
  context.max_attempts = order.max_attempts;
  context.type = spec.type;
  context.queue = order.queue;
  context.tenant = order.tenant;
  context.priority = order.priority;
  context.payload = spec.payload;
  context.content_type = spec.content_type;
  context.traceparent = spec.traceparent;
  return context;
}

AttemptEnd end_of(AttemptResult result) {
  return {result.outcome,          std::move(result.result), std::move(result.content_type),
          std::move(result.error), result.retry_after,       result.usage};
}

}  // namespace

// What the threads and the pool share; it lives as long as the last of them.
struct SlotPool::Shared {
  // One thread and the attempt that it runs.
  struct Slot {
    std::optional<AttemptOrder> job;  // handed over, not begun
    std::optional<Hold> hold;         // begun or about to; changes under `stopping` as well
    bool progress_waits = false;      // its newest progress stands in the news
    std::condition_variable wanted;   // there is a job, or the end
    std::thread thread;
    std::mutex stopping;  // so that a request to stop meets the attempt it is meant for. Taken
    StopSignal stop;      // before `mutex`; a stop_callback may tell progress meanwhile
  };

  Shared(std::uint32_t slots_max, std::shared_ptr<const Roster> the_roster)
      : most(slots_max), roster(std::move(the_roster)) {}

  void work(Slot& slot);
  AttemptEnd run(const AttemptOrder& order, Slot& slot);
  void tell_progress(Slot& slot, const Hold& hold, std::optional<std::uint32_t> percent,
                     std::string_view message);
  void tell_end(Slot& slot, const Hold& hold, AttemptEnd end);
  void tell(SlotNews item);
  Slot& free_slot();

  const std::uint32_t most;
  const std::shared_ptr<const Roster> roster;
  const files::Waker waker;

  std::mutex mutex;              // guards all below and all in the slots but `stop`
  std::condition_variable left;  // a thread has gone
  std::deque<Slot> slots;        // grows only, by the loop's thread: slots stay where they are
  std::vector<SlotNews> news;
  std::size_t threads = 0;
  bool closing = false;
};

void SlotPool::Shared::work(Slot& slot) {
  for (;;) {
    std::unique_lock lock(mutex);
    slot.wanted.wait(lock, [&] { return slot.job || closing; });
    if (!slot.job) break;
    const AttemptOrder order = *std::exchange(slot.job, std::nullopt);
    lock.unlock();
    tell_end(slot, order.hold, run(order, slot));
  }
  const std::lock_guard lock(mutex);
  --threads;
  left.notify_all();
}

AttemptEnd SlotPool::Shared::run(const AttemptOrder& order, Slot& slot) {
  const auto spec = wire::decode_task(order.task);
  if (!spec) return end_of(failed(Errc::malformed, spec.error().message, true));
  Engine* engine = roster->find(spec->type);
  if (!engine) {
    return end_of(
        failed(Errc::no_handler, "this worker does not run " + std::string(spec->type), true));
  }
  AttemptContext context = context_of(order, *spec, slot.stop);
  context.progress = [this, &slot, &order](auto percent, std::string_view message) {
    tell_progress(slot, order.hold, percent, message);
  };
  return end_of(engine->run(context));
}

void SlotPool::Shared::tell_progress(Slot& slot, const Hold& hold,
                                     std::optional<std::uint32_t> percent,
                                     std::string_view message) {
  const std::lock_guard lock(mutex);
  if (!std::exchange(slot.progress_waits, true)) {
    return tell({hold, std::nullopt, percent, std::string(message)});
  }
  for (auto& item : news) {
    if (item.end || item.hold != hold) continue;
    if (percent) item.percent = percent;
    if (!message.empty()) item.message = message;
  }
}

void SlotPool::Shared::tell_end(Slot& slot, const Hold& hold, AttemptEnd end) {
  const std::scoped_lock lock(slot.stopping, mutex);
  slot.hold.reset();
  slot.progress_waits = false;
  slot.stop.reset();
  tell({hold, std::move(end), std::nullopt, {}});
}

void SlotPool::Shared::tell(SlotNews item) {
  news.push_back(std::move(item));
  if (news.size() > 1) return;
  waker.wake();
}

SlotPool::Shared::Slot& SlotPool::Shared::free_slot() {
  const auto is_free = [](const Slot& slot) { return !slot.hold; };
  const auto found = std::find_if(slots.begin(), slots.end(), is_free);
  if (found != slots.end()) return *found;
  DROVER_ASSERT(slots.size() < most);
  return slots.emplace_back();
}

SlotPool::SlotPool(std::uint32_t slots, std::shared_ptr<const Roster> roster)
    : shared_(std::make_shared<Shared>(slots, std::move(roster))) {}

SlotPool::~SlotPool() { close(Duration(0)); }

void SlotPool::start(AttemptOrder order) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->closing) return;
  auto& slot = shared_->free_slot();
  slot.hold = order.hold;  // no request to stop can look for it yet: those come from this thread
  slot.job = std::move(order);
  slot.wanted.notify_one();
  if (slot.thread.joinable()) return;
  ++shared_->threads;
  slot.thread = std::thread([shared = shared_, &slot] { shared->work(slot); });
}

void SlotPool::cancel(const Hold& hold, Duration grace) {
  for (auto& slot : shared_->slots) {
    const std::lock_guard lock(slot.stopping);
    if (slot.hold == hold) slot.stop.request(grace);
  }
}

std::vector<SlotNews> SlotPool::take_news() {
  const std::lock_guard lock(shared_->mutex);
  shared_->waker.acknowledge();
  for (auto& slot : shared_->slots) slot.progress_waits = false;
  return std::exchange(shared_->news, {});
}

int SlotPool::wake_fd() const { return shared_->waker.fd(); }

bool SlotPool::close(Duration patience) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->closing = true;
    for (auto& slot : shared_->slots) slot.wanted.notify_one();
  }
  for (auto& slot : shared_->slots) {
    const std::lock_guard lock(slot.stopping);
    if (slot.hold) slot.stop.request(Duration(0));
  }
  std::unique_lock lock(shared_->mutex);
  const bool all = shared_->left.wait_for(lock, patience, [&] { return shared_->threads == 0; });
  lock.unlock();
  for (auto& slot : shared_->slots) {
    if (!slot.thread.joinable()) continue;
    if (all) {
      slot.thread.join();
    } else {
      slot.thread.detach();
    }
  }
  return all;
}

}  // namespace drover::workers
