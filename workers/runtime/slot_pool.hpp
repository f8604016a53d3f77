// The slots: threads that run attempts, one each at a time.
//
//   loop                                         slot's thread
//   start(order)  ---- job ------------------->  engine.run(...)
//   cancel(hold)  ---- stop signal ----------->     hears it, or not
//   take_news()  <---- progress, ended --------  comes back
//
// The loop's thread calls start, cancel and take_news; none of them waits for an attempt. News
// gather in a queue, and `wake_fd` is readable while there are any; of an attempt's progress only
// the newest waits there, so the queue is bounded by the slots.
//
// A handler that ignores the stop signal keeps its slot until it returns: no thread is ever killed.
// Whoever keeps count (the core) sends no new attempt there before the end of the old is told.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/core/attempt.hpp"
#include "workers/runtime/roster.hpp"

namespace drover::workers {

// What a slot tells: the end of its attempt, or how far it is.
struct SlotNews {
  Hold hold;
  std::optional<AttemptEnd> end;  // nothing: progress
  std::optional<std::uint32_t> percent;
  std::string message;
};

class SlotPool {
 public:
  // At most `slots` attempts at once; threads are made when they are first wanted.
  SlotPool(std::uint32_t slots, std::shared_ptr<const Roster> roster);

  // Closes with no patience.
  ~SlotPool();

  // Begins an attempt. There is a free slot: fewer than `slots` were started and not told ended.
  void start(AttemptOrder order);

  // Tells the attempt to stop, and for how long it is waited for before it is forced. Attempts that
  // are not (or no longer) here are passed over.
  void cancel(const Hold& hold, Duration grace);

  // Everything that happened since the last time, in the order in which it happened.
  std::vector<SlotNews> take_news();
  int wake_fd() const;

  // Tells every attempt to stop at once and waits for the threads, at most `patience`. False if a
  // handler has not returned: its thread is left behind, and the process has to end. Calling it
  // again is fine.
  bool close(Duration patience);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace drover::workers
