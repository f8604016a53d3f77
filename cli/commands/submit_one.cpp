// One task: its payload, its submission, the wait for its end.

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/commands/submit.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "drover/body.hpp"
#include "drover/client.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kPayloadMax = 64 * 1024 * 1024;
constexpr Duration kLook = 1s;  // how often a person is told how the task stands
constexpr Duration kLongest = 366 * 24h;

Error payload_error(const std::string& message) {
  return {Errc::invalid_argument, message, "payload"};
}

// --- the payload

Result<std::string> read_all(std::FILE* file, const std::string& name) {
  std::string bytes;
  char piece[65536];
  for (std::size_t n = 0; (n = std::fread(piece, 1, sizeof piece, file)) > 0;) {
    bytes.append(piece, n);
    if (bytes.size() > kPayloadMax) return payload_error(name + " is too long");
  }
  if (std::ferror(file) != 0) {
    return payload_error(fmt::format("cannot read {}: {}", name, strerror(errno)));
  }
  return bytes;
}

Result<std::string> read_payload(const std::string& word) {
  if (word == "-") return read_all(stdin, "stdin");
  if (!word.starts_with("@")) return word;
  const auto path = word.substr(1);
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    return payload_error(fmt::format("cannot read {}: {}", path, strerror(errno)));
  }
  auto bytes = read_all(file, path);
  std::fclose(file);
  return bytes;
}

// The bytes as they are; that they are JSON is checked where they claim to be.
Result<void> take_payload(NewTask& task, const std::string& word) {
  if (word.empty()) return {};
  auto bytes = read_payload(word);
  if (!bytes) return bytes.error();
  while (is_json_type(task.content_type) && bytes->ends_with('\n')) bytes->pop_back();
  if (is_json_type(task.content_type)) {
    if (const auto parsed = parse_json(*bytes); !parsed) {
      return payload_error(
          fmt::format("the payload is {}. Quote a text as '\"text\"', or say --content-type "
                      "text/plain",
                      parsed.error().message));
    }
  }
  task.payload = std::move(*bytes);
  return {};
}

// --- one task

json outcome_json(const Submitted& outcome) {
  auto warnings = json::array();
  if (!outcome.warning.empty()) warnings.push_back(outcome.warning);
  return {{"id", to_string(outcome.id)},
          {"state", name_of(outcome.state)},
          {"duplicate", outcome.duplicate},
          {"warnings", std::move(warnings)}};
}

// Where the task stands, in a line.
std::string standing(Client& client, const json& task) {
  const auto state = text_of(task, "state");
  const auto& progress = object_of(task, "progress");
  std::string text = state;
  if (progress.contains("percent")) text += fmt::format(" {} %", number_of(progress, "percent"));
  if (const auto message = text_of(progress, "message"); !message.empty()) text += " " + message;
  if (const auto reason = text_of(task, "waiting_for"); !reason.empty()) text += " for " + reason;
  if (const auto due = instant_of(task, "due_at")) text += ", due " + ago(*due, system_now());
  if (state != "ready") return text;
  const auto queues = client.queues();
  if (!queues) return text;
  for (const auto& queue : *queues) {
    const bool same = text_of(queue, "queue") == text_of(task, "queue") &&
                      text_of(queue, "tenant") == text_of(task, "tenant");
    if (same) text += fmt::format(", {} in line", grouped(number_of(queue, "ready")));
  }
  return text;
}

// Says what is waited for, once; a terminal is told more while it lasts.
void tell_wait(const Context& context, const Submitted& outcome, std::optional<Duration> timeout) {
  const auto bound = timeout ? "for at most " + to_string(*timeout)
                             : std::string("however long it takes (--wait-timeout bounds it)");
  context.note(fmt::format("submitted {} ({}), waiting for its end {}", to_string(outcome.id),
                           name_of(outcome.state), bound));
}

// The ended task. On a terminal it is told meanwhile how the task stands.
Result<json> await(Context& context, Client& client, const TaskId& id, Duration timeout) {
  StatusLine line(context.terminal, context.quiet);
  if (!line.is_on()) return client.wait(id, timeout);
  for (Duration left = timeout;; left -= std::min(left, kLook)) {
    auto task = client.wait(id, std::min(left, kLook));
    const bool goes_on = !task && task.error().code == Errc::wait_timed_out;
    if (!goes_on || left <= kLook) return task;
    if (const auto now = client.show(id)) line.show(standing(client, *now));
  }
}

// The result as it is: JSON for people to read, other bytes untouched.
void print_result(const Context& context, const json& task) {
  if (task.contains("result")) {
    context.print(task["result"].dump(2, ' ', false, json::error_handler_t::replace));
  } else if (task.contains("result_base64")) {
    const auto bytes = from_base64(text_of(task, "result_base64"));
    if (bytes) std::fwrite(bytes->data(), 1, bytes->size(), stdout);
  }
}

int tell_end(const Context& context, const json& task) {
  const auto state = text_of(task, "state");
  const bool completed = state == "completed";
  if (context.json) {
    context.print_json(task);
  } else if (completed) {
    print_result(context, task);
  }
  if (completed) return kOk;
  if (!context.json) {
    const auto& error = object_of(task, "error");
    auto why = text_of(error, "code");
    if (const auto message = text_of(error, "message"); !message.empty()) {
      why += (why.empty() ? "" : ": ") + message;
    }
    context.fail({Errc::task_failed, fmt::format("task {} is {}{}{}", text_of(task, "id"), state,
                                                 why.empty() ? "" : ": ", why)});
  }
  return kEndedOtherwise;
}

int tell_submitted(const Context& context, const Submitted& outcome) {
  if (context.json) return context.print_json(outcome_json(outcome)), kOk;
  if (!outcome.warning.empty()) context.warn(outcome.warning);
  if (outcome.duplicate) context.note("This task was known already.");
  return context.print(to_string(outcome.id)), kOk;
}

int await_end(Context& context, Client& client, const Submitted& outcome,
              std::optional<Duration> timeout) {
  if (!outcome.warning.empty()) context.warn(outcome.warning);
  tell_wait(context, outcome, timeout);
  const auto id = to_string(outcome.id);
  const auto task = await(context, client, outcome.id, timeout.value_or(kLongest));
  if (task) return tell_end(context, *task);
  auto error = task.error();
  error.message = fmt::format("task {}: {}", id, error.message);
  return context.fail(error, {{"id", id}});
}

// Whether the broker has the task is not known, if it was sent at all; under its id it is taken
// once.
int fail_unanswered(const Context& context, Error error, const std::optional<TaskId>& id) {
  if (!id) return context.fail(error);
  error.message += fmt::format(
      "; whether task {0} was accepted is not known. Repeating this with --id {0} is safe",
      to_string(*id));
  return context.fail(error, {{"id", to_string(*id)}});
}

}  // namespace

int submit_one(Context& context, SubmitOptions options) {
  auto& task = options.task;
  if (auto taken = take_payload(task, options.payload); !taken) return context.fail(taken.error());
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto outcomes = client->submit(std::span(&task, 1));
  if (!outcomes) return fail_unanswered(context, outcomes.error(), task.id);
  const auto& outcome = outcomes->front();
  if (outcome.refused) return context.fail(*outcome.refused);
  return options.wait ? await_end(context, *client, outcome, options.wait_timeout)
                      : tell_submitted(context, outcome);
}

}  // namespace drover::cli
