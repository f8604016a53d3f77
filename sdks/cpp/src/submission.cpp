#include "sdks/cpp/src/submission.hpp"

#include <algorithm>
#include <utility>

#include "common/wire/codec.hpp"

namespace drover {
namespace {

constexpr std::size_t kFrameHead = 32;  // kind, request and counts around the tasks

std::string_view tenant_of(const NewTask& task) {
  return task.tenant.empty() ? std::string_view("default") : std::string_view(task.tenant);
}

}  // namespace

Submission::Submission(std::span<NewTask> tasks, const BrokerInfo& broker, Instant now,
                       Random& random) {
  TaskLimits limits;
  limits.payload_max = broker.payload_max;
  for (auto& task : tasks) {
    if (outcomes_.size() >= broker.batch_max) break;
    if (task.tenant.empty()) task.tenant = broker.tenant;
    const bool own_id = !task.id;
    if (own_id) task.id = make_task_id(now, tenant_of(task), random);
    const auto spec = task.as_spec();
    if (const auto good = check(spec, limits, now); !good) {
      refuse(*task.id, good.error());
      continue;
    }
    const auto begin = bytes_.size();
    wire::encode_task(spec, bytes_);
    const bool fits = bytes_.size() + kFrameHead <= broker.message_max;
    if (!fits && !outcomes_.empty()) {
      bytes_.resize(begin);
      if (own_id) task.id.reset();
      break;
    }
    sent_.push_back({outcomes_.size(), begin, bytes_.size() - begin, own_id});
    outcomes_.push_back({.id = *task.id});
  }
}

void Submission::refuse(const TaskId& id, const Error& error) {
  outcomes_.push_back({.id = id, .refused = error});
}

wire::Submit Submission::message() const {
  wire::Submit submit;
  submit.tasks.resize(sent_.size());
  for (std::size_t i = 0; i < sent_.size(); ++i) {
    submit.tasks[i].bytes = std::string_view(bytes_).substr(sent_[i].begin, sent_[i].size);
  }
  return submit;
}

Result<std::vector<Submitted>> Submission::merge(std::vector<Submitted> answered) {
  if (answered.size() != sent_.size()) {
    return Error{Errc::malformed, "the broker's answer has another number of outcomes"};
  }
  for (std::size_t i = 0; i < sent_.size(); ++i) {
    auto& outcome = outcomes_[sent_[i].place];
    const bool repeat = sent_[i].own_id && answered[i].id == outcome.id;
    outcome = std::move(answered[i]);
    if (repeat) outcome.duplicate = false;
  }
  return std::move(outcomes_);
}

}  // namespace drover
