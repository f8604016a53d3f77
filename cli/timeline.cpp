#include "cli/timeline.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <time.h>

#include <vector>

#include "cli/human.hpp"
#include "cli/json_read.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kMargin = 2;
constexpr std::size_t kDate = 10;   // 2026-11-20
constexpr std::size_t kClock = 12;  // 14:02:01.123
constexpr std::size_t kShortId = 8;

tm local(Instant at) {
  const time_t seconds = to_ms(at) / 1000;
  tm broken{};
  localtime_r(&seconds, &broken);
  return broken;
}

// Gathers the lines, with the date wherever it changes.
class Lines {
 public:
  explicit Lines(const Stream& stream) : stream_(stream) {}

  void event(Instant at, std::string_view text, Colour colour = Colour::plain) {
    const auto date = date_text(at);
    const std::string shown = date == date_ ? std::string(kDate, ' ') : date;
    date_ = date;
    text_ += fmt::format("{:{}}{} {}  {}\n", "", kMargin, stream_.paint(Colour::dim, shown),
                         stream_.paint(Colour::dim, clock_text(at)), stream_.paint(colour, text));
  }
  void between(std::string_view text) {
    text_ += fmt::format("{:{}}{}\n", "", kMargin + kDate + kClock + 3,
                         stream_.paint(Colour::dim, text));
  }
  std::string take() { return std::move(text_); }

 private:
  const Stream& stream_;
  std::string text_;
  std::string date_;
};

std::string error_text(const json& error) {
  const auto code = text_of(error, "code"), message = text_of(error, "message");
  if (code.empty() && message.empty()) return "";
  return ": " + code + (message.empty() ? "" : (code.empty() ? "" : ": ") + message);
}

std::string outcome_words(const std::string& outcome) {
  if (outcome == "timed_out") return "timed out";
  if (outcome == "worker_lost") return "its worker was lost";
  if (outcome == "not_started") return "the worker never had it";
  if (outcome == "released") return "given back by a stopping worker";
  return outcome;
}

// What the wait after an attempt was for.
std::string wait_words(const std::string& outcome_before) {
  const bool failed = outcome_before == "failed" || outcome_before == "timed_out";
  return failed ? " for its retry" : "";
}

std::string result_text(const json& task) {
  for (const auto* name : {"result", "payload"}) {
    if (task.contains(name)) {
      return fmt::format("\n{}\n{}\n", name,
                         task[name].dump(2, ' ', false, json::error_handler_t::replace));
    }
    const auto blob = fmt::format("{}_base64", name);
    if (task.contains(blob)) return fmt::format("\n{}\n{}\n", blob, text_of(task, blob.c_str()));
  }
  return "";
}

class Timeline {
 public:
  Timeline(const json& task, Instant now, const Stream& stream)
      : task_(task), now_(now), stream_(stream), lines_(stream) {}

  std::string text() {
    head();
    const auto created = instant_of(task_, "created_at");
    if (created) {
      lines_.event(*created, "submitted");
      last_ = *created;
    }
    for (const auto& attempt : list_of(task_, "attempts")) add_attempt(attempt);
    add_end();
    return head_ + "\n" + lines_.take() + result_text(task_);
  }

 private:
  void head() {
    const auto state = text_of(task_, "state");
    head_ = fmt::format("{}  {}  {}\n", stream_.paint(Colour::bold, text_of(task_, "id")),
                        text_of(task_, "type"), stream_.paint(colour_of_state(state), state));
    std::string facts = "queue " + text_of(task_, "queue");
    facts += "  priority " + text_of(task_, "priority");
    if (const auto tenant = text_of(task_, "tenant"); tenant != "default") {
      facts += "  tenant " + tenant;
    }
    facts += fmt::format("  failures {} of {}", number_of(task_, "failures"),
                         number_of(task_, "max_attempts"));
    for (const auto* name : {"reason", "idempotency_key", "user_id", "agent_id"}) {
      if (const auto text = text_of(task_, name); !text.empty()) {
        facts += fmt::format("  {} {}", name, text);
      }
    }
    head_ += facts + "\n";
  }

  void add_attempt(const json& attempt) {
    const auto started = instant_of(attempt, "started_at");
    if (!started) return;
    if (last_)
      lines_.between(fmt::format("waited {}{}", human(*started - *last_), wait_words(outcome_)));
    lines_.event(*started, fmt::format("attempt {} on {}", number_of(attempt, "attempt"),
                                       text_of(attempt, "worker_id").substr(0, kShortId)));
    outcome_ = text_of(attempt, "outcome");
    last_ = *started;
    const auto finished = instant_of(attempt, "finished_at");
    if (outcome_.empty() || !finished) {
      running_ = true;
      return;
    }
    lines_.between("ran " + human(*finished - *started));
    lines_.event(*finished, outcome_words(outcome_) + error_text(object_of(attempt, "error")),
                 colour_of_state(outcome_));
    last_ = *finished;
  }

  // Where it stands now, unless the last attempt's end says that already.
  void add_end() {
    const auto state = text_of(task_, "state");
    const auto finished = instant_of(task_, "finished_at");
    if (running_) {
      lines_.between(fmt::format("runs since {}{}", human(now_ - *last_), progress()));
    } else if (finished && state != "completed") {
      lines_.event(*finished, state + reason(), colour_of_state(state));
    } else if (!finished && last_) {
      lines_.between(waits(state));
    }
  }

  std::string reason() const {
    const auto reason = text_of(task_, "reason");
    return reason.empty() ? "" : ": " + reason;
  }

  std::string progress() const {
    const auto& progress = object_of(task_, "progress");
    std::string text;
    if (progress.contains("percent")) text += fmt::format(", {} %", number_of(progress, "percent"));
    if (const auto message = text_of(progress, "message"); !message.empty()) text += ", " + message;
    return text;
  }

  std::string waits(const std::string& state) const {
    const auto due = instant_of(task_, "due_at");
    if (due && *due > now_) return fmt::format("{}, due {}", state, ago(*due, now_));
    const auto reason = text_of(task_, "waiting_for");
    return fmt::format("{}, waits since {}{}", state, human(now_ - *last_),
                       reason.empty() ? "" : " for " + reason);
  }

  const json& task_;
  Instant now_;
  const Stream& stream_;
  Lines lines_;
  std::string head_;
  std::string outcome_;          // of the attempt before
  std::optional<Instant> last_;  // the newest instant on the timeline
  bool running_ = false;
};

}  // namespace

std::string clock_text(Instant at) {
  return fmt::format("{:%H:%M:%S}.{:03}", local(at), to_ms(at) % 1000);
}

std::string date_text(Instant at) { return fmt::format("{:%Y-%m-%d}", local(at)); }

std::string task_text(const json& task, Instant now, const Stream& stream) {
  return Timeline(task, now, stream).text();
}

TaskTimes times_of(const json& task) {
  TaskTimes times;
  const auto created = instant_of(task, "created_at");
  const auto& attempts = list_of(task, "attempts");
  if (attempts.empty()) return times;
  const auto first = instant_of(attempts.front(), "started_at");
  if (created && first) times.waited = std::max(*first - *created, Duration(0));
  const auto started = instant_of(attempts.back(), "started_at");
  const auto finished = instant_of(attempts.back(), "finished_at");
  if (started && finished) times.ran = std::max(*finished - *started, Duration(0));
  return times;
}

}  // namespace drover::cli
