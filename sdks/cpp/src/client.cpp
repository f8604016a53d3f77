#include "drover/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "drover/body.hpp"
#include "sdks/cpp/src/client_impl.hpp"

namespace drover {
namespace {

using nlohmann::json;

// The clock that ids are made by: the system's, which the broker's is compared with.
Instant system_now() {
  return Instant(
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

Result<json> as_json(Result<std::string> body) {
  if (!body) return body.error();
  return body_to_json(*body);
}

// True for errors after which nobody knows what became of a submission.
bool is_unknown(Errc code) {
  return code == Errc::broker_unavailable || code == Errc::cancelled || code == Errc::malformed;
}

}  // namespace

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(const ClientOptions& options) {
  auto impl = Impl::open(options);
  if (!impl) return impl.error();
  return Client(std::move(*impl));
}

Result<BrokerInfo> Client::connect() { return impl_->greet(impl_->options.timeout); }
Result<BrokerInfo> Client::connect(Duration timeout) { return impl_->greet(timeout); }
const std::optional<BrokerInfo>& Client::broker() const { return impl_->core.broker(); }
const ClientOptions& Client::options() const { return impl_->options; }
const std::string& Client::trouble() const { return impl_->watch->trouble(); }

// --- tasks

Result<Submitted> Client::submit(const NewTask& task) {
  NewTask copy = task;
  auto outcomes = submit(std::span(&copy, 1));
  if (!outcomes) return outcomes.error();
  auto& outcome = outcomes->front();
  if (outcome.refused) return std::move(*outcome.refused);
  return std::move(outcome);
}

namespace {

// A long submission: messages under way, and what came back, in the tasks' order.
class LongSubmission {
 public:
  LongSubmission(Client& client, Client::Impl& impl, std::span<NewTask> tasks)
      : client_(client), impl_(impl), tasks_(tasks), outcomes_(tasks.size()) {}

  bool is_over() const { return answered_ == tasks_.size(); }
  SubmitProgress progress() const { return {tasks_.size(), answered_}; }
  std::vector<Submitted> take() { return std::move(outcomes_); }

  Result<void> start_some() {
    while (started_ < tasks_.size() && client_.has_room()) {
      Submission next(tasks_.subspan(started_), *impl_.core.broker(), system_now(), impl_.random);
      const auto place = started_;
      started_ += next.taken();
      const auto count = next.taken();
      const auto ticket = impl_.start(std::move(next));
      if (!ticket) return ticket.error();
      places_.emplace(*ticket, std::pair(place, count));
    }
    return {};
  }

  // Takes one end in; that of somebody else's submission is left where it is.
  Result<bool> take_one() {
    const auto ours = [&](const Done& done) { return places_.contains(done.ticket); };
    const auto at = std::find_if(impl_.done.begin(), impl_.done.end(), ours);
    if (at == impl_.done.end()) return false;
    auto done = std::move(*at);
    impl_.done.erase(at);
    const auto [place, count] = places_.extract(done.ticket).mapped();
    answered_ += count;
    if (done.error && is_unknown(done.error->code)) return *done.error;
    for (std::size_t i = 0; i < count; ++i) {
      auto& outcome = outcomes_[place + i];
      if (done.error) {
        outcome = {.id = *tasks_[place + i].id, .refused = done.error};
      } else {
        outcome = std::move(done.outcomes[i]);
      }
    }
    return true;
  }

  void give_up() {
    for (const auto& [ticket, place] : places_) {
      impl_.core.forget(ticket);
      impl_.submissions.erase(ticket);
    }
  }

 private:
  Client& client_;
  Client::Impl& impl_;
  std::span<NewTask> tasks_;
  std::vector<Submitted> outcomes_;
  std::map<Ticket, std::pair<std::size_t, std::size_t>> places_;
  std::size_t started_ = 0;
  std::size_t answered_ = 0;
};

}  // namespace

Result<std::vector<Submitted>> Client::submit(
    std::span<NewTask> tasks, const std::function<void(const SubmitProgress&)>& progress) {
  if (auto greeted = connect(); !greeted) return greeted.error();
  LongSubmission submission(*this, *impl_, tasks);
  const auto fail = [&](const Error& error) {
    submission.give_up();
    return error;
  };
  while (!submission.is_over()) {
    if (auto started = submission.start_some(); !started) return fail(started.error());
    const auto took = submission.take_one();
    if (!took) return fail(took.error());
    if (*took && progress) progress(submission.progress());
    if (!*took && !impl_->pump(kNever)) return fail(Impl::stopped());
  }
  return submission.take();
}

Result<json> Client::wait(const TaskId& task, Duration timeout) {
  if (auto greeted = connect(); !greeted) return greeted.error();
  return as_json(impl_->answer(impl_->core.start_wait(task, impl_->now(), timeout)));
}

Result<json> Client::show(const TaskId& task) { return as_json(impl_->ask(wire::Show{0, task})); }

Result<json> Client::list(const TaskQuery& query) {
  wire::List list;
  list.state = query.state;
  list.queue = query.queue;
  list.type = query.type;
  list.tenant = query.tenant;
  list.since = query.since.value_or(kNever);
  list.limit = query.limit;
  list.cursor = query.cursor;
  return as_json(impl_->ask(list));
}

namespace {

// A change that went out twice may have been refused the second time because the first had done it.
// Looks at such tasks: those that stand where the change puts them count as changed.
template <class Changed>
void settle(Client& client, json& answer, Changed changed) {
  for (auto& entry : answer["tasks"]) {
    const auto code = entry.value("/error/code"_json_pointer, std::string());
    const auto id = parse_uuid(entry.value("id", std::string()));
    if (code != name_of(Errc::wrong_state) || !id) continue;
    const auto task = client.show(TaskId{*id});
    const auto state = task ? parse_task_state(task->value("state", std::string())) : std::nullopt;
    if (state && changed(*state)) entry = {{"id", entry["id"]}, {"state", name_of(*state)}};
  }
}

}  // namespace

Result<json> Client::cancel(std::span<const TaskId> tasks) {
  bool resent = false;
  auto answer = as_json(impl_->ask(wire::Cancel{0, {tasks.begin(), tasks.end()}}, &resent));
  if (answer && resent) {
    settle(*this, *answer, [](TaskState state) { return state == TaskState::cancelled; });
  }
  return answer;
}

Result<json> Client::retry(std::span<const TaskId> tasks) {
  bool resent = false;
  auto answer = as_json(impl_->ask(wire::Retry{0, {tasks.begin(), tasks.end()}}, &resent));
  if (answer && resent) {
    settle(*this, *answer,
           [](TaskState state) { return !has_ended(state) || state == TaskState::completed; });
  }
  return answer;
}

// --- the fleet

Result<json> Client::queues() { return as_json(impl_->ask(wire::Queues{})); }

Result<json> Client::dead_letters(const DeadQuery& query) {
  return as_json(
      impl_->ask(wire::DeadLetters{0, query.queue, query.reason, query.limit, query.cursor}));
}

Result<json> Client::workers() { return as_json(impl_->ask(wire::Workers{})); }
Result<json> Client::stats() { return as_json(impl_->ask(wire::Stats{})); }
Result<json> Client::books() { return as_json(impl_->ask(wire::Books{})); }
Result<json> Client::gates() { return as_json(impl_->ask(wire::Gates{})); }

Result<json> Client::settings(const Holder& holder) {
  return as_json(impl_->ask(wire::SettingsOf{0, holder.of, holder.tenant, holder.name}));
}

Result<json> Client::set(const Holder& holder,
                         std::span<const std::pair<std::string, std::string>> changes) {
  wire::Set m{0, holder.of, holder.tenant, holder.name, {}};
  m.changes.assign(changes.begin(), changes.end());
  return as_json(impl_->ask(std::move(m)));
}

Result<std::chrono::microseconds> Client::ping() {
  if (auto greeted = connect(); !greeted) return greeted.error();
  const auto before = std::chrono::steady_clock::now();
  if (auto answer = impl_->ask(wire::Ping{}); !answer) return answer.error();
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               before);
}

// --- pipelined

Result<Ticket> Client::start_submit(std::span<NewTask> tasks) {
  if (auto greeted = connect(); !greeted) return greeted.error();
  if (!has_room()) {
    return Error{Errc::resource_exhausted, "a whole window of submissions is under way"};
  }
  const auto& broker = *impl_->core.broker();
  if (tasks.size() > broker.batch_max) {
    return Error{Errc::batch_too_large, fmt::format("{} tasks in one submission; at most {}",
                                                    tasks.size(), broker.batch_max)};
  }
  Submission submission(tasks, broker, system_now(), impl_->random);
  if (submission.taken() < tasks.size()) {
    return Error{Errc::message_too_large,
                 fmt::format("the tasks do not fit into one message of {} bytes; the first {} do",
                             broker.message_max, submission.taken())};
  }
  return impl_->start(std::move(submission));
}

bool Client::has_room() const { return impl_->core.has_room(); }
std::size_t Client::under_way() const { return impl_->submissions.size(); }

Result<std::optional<Done>> Client::next_done(Duration timeout) {
  const auto until = impl_->now() + timeout;
  const auto came = impl_->pump_until([&] { return !impl_->done.empty(); }, until);
  if (!came) return came.error();
  if (!*came) return std::optional<Done>();
  std::optional<Done> done = std::move(impl_->done.front());
  impl_->done.pop_front();
  return done;
}

}  // namespace drover
