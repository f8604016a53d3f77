#include "cli/batch_wait.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/human.hpp"
#include "cli/json_read.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr Duration kLook = 200ms;   // how often the progress is renewed
constexpr Duration kSayEvery = 5s;  // where no terminal is
constexpr std::size_t kBarWidth = 24;

}  // namespace

BatchWait::BatchWait(Context& context, Client& client, Follower follower, OnEnd on_end)
    : context_(context),
      client_(client),
      follower_(std::move(follower)),
      on_end_(std::move(on_end)) {}

Result<BatchWait> BatchWait::start(Context& context, Client& client, OnEnd on_end) {
  auto follower = Follower::start(client, Since::now());
  if (!follower) return follower.error();
  return BatchWait(context, client, std::move(*follower), std::move(on_end));
}

void BatchWait::add(std::uint64_t line, const Submitted& task) {
  if (!open_.try_emplace(task.id, Open{line, task.state}).second) return;
  ++all_;
  if (has_ended(task.state)) ended_.push_back(task.id);
}

void BatchWait::take(const Followed& followed) {
  if (followed.kind == Followed::Kind::event) {
    take_event(followed.event);
  } else {
    for (const auto& [id, open] : open_) ended_.push_back(id);  // any of them may have ended
  }
}

void BatchWait::take_event(const BusEvent& event) {
  const auto parsed = parse_uuid(event.subject);
  const auto at = parsed ? open_.find(TaskId{*parsed}) : open_.end();
  if (at == open_.end()) return;
  const auto whole = to_json(event);
  const auto state = parse_task_state(text_of(object_of(whole, "data"), "state"));
  if (!state) return;
  at->second.state = *state;
  if (has_ended(*state)) ended_.push_back(at->first);
}

// Looks at the tasks that are said to have ended, and tells of those that have.
Result<void> BatchWait::fetch_ended() {
  for (const auto& id : std::exchange(ended_, {})) {
    const auto at = open_.find(id);
    if (at == open_.end()) continue;
    auto task = client_.show(id);
    if (!task && task.error().code != Errc::not_found) return task.error();
    if (!task) task = json{{"id", to_string(id)}, {"state", name_of(at->second.state)}};
    const auto state = parse_task_state(text_of(*task, "state"));
    if (!state || !has_ended(*state)) continue;
    if (*state == TaskState::dead) ++dead_;
    const auto line = at->second.line;
    open_.erase(at);
    on_end_(line, std::move(*task));
  }
  return {};
}

std::string BatchWait::progress() const {
  std::array<std::size_t, kTaskStates> states{};
  for (const auto& [id, open] : open_) ++states[static_cast<std::size_t>(open.state)];
  const auto count = [&](TaskState state) { return states[static_cast<std::size_t>(state)]; };
  const auto running = count(TaskState::running), retrying = count(TaskState::retrying);
  auto text = fmt::format("{} of {} ended, {} running, {} waiting", grouped(all_ - open_.size()),
                          grouped(all_), running, grouped(open_.size() - running - retrying));
  if (retrying > 0) text += fmt::format(", {} retrying", retrying);
  if (dead_ > 0) text += fmt::format(", {} dead", dead_);
  if (follower_.trouble()) text += " (" + follower_.trouble()->message + ")";
  return text;
}

void BatchWait::show_progress(StatusLine& line) {
  const auto now = steady_clock::now();
  if (now - said_at_ < (line.is_on() ? kLook : kSayEvery)) return;
  said_at_ = now;
  if (line.is_on()) {
    line.show(bar(all_ - open_.size(), all_, kBarWidth) + "  " + progress());
  } else {
    context_.note(progress());
  }
}

Result<void> BatchWait::run(std::optional<Duration> timeout) {
  StatusLine line(context_.terminal, context_.quiet);
  const auto until = steady_clock::now() + timeout.value_or(Duration(365 * 24h));
  while (true) {
    if (auto fetched = fetch_ended(); !fetched) return fetched;
    if (open_.empty()) return {};
    show_progress(line);
    if (steady_clock::now() >= until) {
      return Error{Errc::wait_timed_out, fmt::format("{} of {} have not ended yet; they go on",
                                                     grouped(open_.size()), counted(all_, "task"))};
    }
    auto followed = follower_.next(kLook);
    while (followed && *followed) {
      take(**followed);
      if (ended_.size() >= 100) break;
      followed = follower_.next(Duration(0));
    }
    if (!followed) return followed.error();
  }
}

}  // namespace drover::cli
