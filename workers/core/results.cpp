#include "workers/core/results.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/assert.hpp"

namespace drover::workers {
namespace {

constexpr std::size_t kFrameHead = 32;  // kind, session and the list's count, at most
constexpr std::size_t kItemHead = 128;  // of one item without its texts, at most
constexpr std::size_t kItemsAFrame = 1000;

// Gathers items of one kind and sends them in frames that stay below message_max.
template <class Message>
class Frames {
 public:
  Frames(SessionId session, std::size_t message_max, WorkerSink& sink)
      : session_(session), most_(message_max), sink_(sink) {}

  template <class Item>
  void add(Item item, std::size_t bytes) {
    bytes += kItemHead;
    if (message_.items.size() >= kItemsAFrame || bytes_ + bytes > most_) flush();
    message_.items.push_back(std::move(item));
    bytes_ += bytes;
  }

  void flush() {
    if (message_.items.empty()) return;
    message_.session = session_;
    sink_.send(message_);
    message_.items.clear();
    bytes_ = kFrameHead;
    ++sent_;
  }

  int sent() const { return sent_; }

 private:
  SessionId session_;
  std::size_t most_;
  WorkerSink& sink_;
  Message message_;
  std::size_t bytes_ = kFrameHead;
  int sent_ = 0;
};

std::size_t longest_result(const SessionLimits& limits) {
  constexpr std::size_t kRoom = kFrameHead + kItemHead + 256;  // a content type goes with it
  return std::min(limits.result_max, limits.message_max - std::min(limits.message_max, kRoom));
}

// The three kinds of frames that tell of ends.
struct EndFrames {
  EndFrames(SessionId session, std::size_t message_max, WorkerSink& sink)
      : done(session, message_max, sink),
        failed(session, message_max, sink),
        released(session, message_max, sink) {}

  // The views in the items are of `end`, which stays in place until flush.
  void add(const Hold& hold, const AttemptEnd& end) {
    if (end.outcome == Outcome::completed) {
      done.add(wire::Done::Item{hold.task, hold.attempt, end.result, end.content_type, end.usage},
               end.result.size() + end.content_type.size());
    } else if (end.outcome == Outcome::released) {
      released.add(hold, 0);
    } else {
      const TaskError& error = end.error;
      failed.add(wire::Failed::Item{hold.task, hold.attempt, end.outcome, error.code, error.message,
                                    error.retryable, end.retry_after, end.usage},
                 error.code.size() + error.message.size());
    }
  }

  int flush() {
    done.flush();
    failed.flush();
    released.flush();
    return done.sent() + failed.sent() + released.sent();
  }

  Frames<wire::Done> done;
  Frames<wire::Failed> failed;
  Frames<wire::Released> released;
};

}  // namespace

void Results::keep(const Hold& hold, AttemptEnd end) {
  DROVER_ASSERT(!knows(hold));
  fresh_.push_back({hold, presentable(std::move(end)), Instant{}});
  index_.emplace(hold, std::prev(fresh_.end()));
}

bool Results::forget(const Hold& hold) {
  const auto found = index_.find(hold);
  if (found == index_.end()) return false;
  (found->second->fresh ? fresh_ : sent_).erase(found->second);
  index_.erase(found);
  return true;
}

void Results::list(std::vector<Hold>& out) const {
  for (const auto& kept : sent_) out.push_back(kept.hold);
  for (const auto& kept : fresh_) out.push_back(kept.hold);
}

void Results::all_due() {
  for (auto& kept : sent_) kept.fresh = true;
  fresh_.splice(fresh_.begin(), sent_);
}

Instant Results::due() const {
  if (!fresh_.empty()) return Instant{};
  return sent_.empty() ? kNever : sent_.front().due;
}

int Results::send_due(SessionId session, const SessionLimits& limits, Duration again, Instant now,
                      WorkerSink& sink) {
  EndFrames frames(session, limits.message_max, sink);
  const std::size_t most = longest_result(limits);
  const auto first_fresh = fresh_.begin();
  while (!sent_.empty() && sent_.front().due <= now) {
    fresh_.splice(first_fresh, sent_, sent_.begin());
  }
  for (auto& kept : fresh_) {
    if (kept.end.result.size() > most) kept.end = presentable(too_large_end(kept.end, most));
    frames.add(kept.hold, kept.end);
    kept.due = now + again;
    kept.fresh = false;
  }
  sent_.splice(sent_.end(), fresh_);
  return frames.flush();
}

}  // namespace drover::workers
