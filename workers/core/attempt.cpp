#include "workers/core/attempt.hpp"

#include <utility>

#include "common/base/errc.hpp"
#include "common/base/utf8.hpp"
#include "common/task/task_spec.hpp"

namespace drover::workers {
namespace {

std::string joined(std::string text, std::string_view more) {
  if (!more.empty()) text.append(": ").append(more);
  return text;
}

}  // namespace

std::string_view name_of(StopReason reason) {
  switch (reason) {
    case StopReason::timed_out: return "timed_out";
    case StopReason::cancelled: return "cancelled";
    case StopReason::released: return "released";
    case StopReason::dropped: return "dropped";
  }
  return "unknown";
}

AttemptEnd stopped_end(StopReason reason, Duration timeout, AttemptEnd end) {
  AttemptEnd stopped;
  stopped.usage = end.usage;
  if (reason == StopReason::timed_out) {
    stopped.outcome = Outcome::timed_out;
    stopped.error.code = name_of(Errc::timed_out);
    stopped.error.message =
        joined("the attempt ran longer than " + to_string(timeout), end.error.message);
  } else if (reason == StopReason::cancelled) {
    stopped.outcome = Outcome::stopped;
    stopped.error.code = name_of(Errc::cancelled);
    stopped.error.message = joined("the attempt was stopped", end.error.message);
    stopped.error.retryable = false;
  } else {
    stopped.outcome = Outcome::released;
  }
  return stopped;
}

AttemptEnd too_large_end(const AttemptEnd& end, std::size_t most) {
  AttemptEnd failed;
  failed.outcome = Outcome::failed;
  failed.usage = end.usage;
  failed.error.code = name_of(Errc::result_too_large);
  failed.error.retryable = false;
  std::string message = "the result has " + std::to_string(end.result.size()) + " bytes; at most " +
                        std::to_string(most) + " are allowed";
  if (is_utf8(cut_text(end.result, kErrorTextMax))) {
    message.append(". It begins: ").append(cut_text(end.result, kErrorTextMax));
  }
  failed.error.message = cut_text(message, kErrorTextMax);
  return failed;
}

AttemptEnd presentable(AttemptEnd end) {
  const bool allowed = end.outcome == Outcome::completed || end.outcome == Outcome::timed_out ||
                       end.outcome == Outcome::stopped || end.outcome == Outcome::released;
  if (!allowed) end.outcome = Outcome::failed;
  if (end.outcome != Outcome::completed) std::string().swap(end.result);
  if (end.outcome == Outcome::failed && end.error.code.empty()) {
    end.error.code = name_of(Errc::task_failed);
  }
  end.content_type = clean_text(end.content_type, kTextMax);
  end.error.code = clean_text(end.error.code, kNameMax);
  end.error.message = clean_text(end.error.message, kErrorTextMax);
  if (end.retry_after < 0ms) end.retry_after = 0ms;
  if (end.retry_after > kDelayMax) end.retry_after = kDelayMax;
  return end;
}

}  // namespace drover::workers
