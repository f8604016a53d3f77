#include "cli/commands/submit.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
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

Error usage_error(const std::string& message, const std::string& field = "") {
  return {Errc::invalid_argument, message, field};
}

// --- the payload

Result<std::string> read_all(std::FILE* file, const std::string& name) {
  std::string bytes;
  char piece[65536];
  for (std::size_t n = 0; (n = std::fread(piece, 1, sizeof piece, file)) > 0;) {
    bytes.append(piece, n);
    if (bytes.size() > kPayloadMax) return usage_error(name + " is too long", "payload");
  }
  if (std::ferror(file) != 0) {
    return usage_error(fmt::format("cannot read {}: {}", name, strerror(errno)), "payload");
  }
  return bytes;
}

Result<std::string> read_payload(const std::string& word) {
  if (word == "-") return read_all(stdin, "stdin");
  if (!word.starts_with("@")) return word;
  const auto path = word.substr(1);
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    return usage_error(fmt::format("cannot read {}: {}", path, strerror(errno)), "payload");
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
      return usage_error(
          fmt::format("the payload is {}. Quote a text as '\"text\"', or say --content-type "
                      "text/plain",
                      parsed.error().message),
          "payload");
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

int submit_one(Context& context, SubmitOptions options) {
  if (auto taken = take_payload(options.task, options.payload); !taken) {
    return context.fail(taken.error()), kUsage;
  }
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto outcome = client->submit(options.task);
  if (!outcome) return context.fail(outcome.error());
  if (!outcome->warning.empty()) context.warn(outcome->warning);
  if (!options.wait) {
    if (outcome->duplicate) context.note("This task was known already.");
    context.json ? context.print_json(outcome_json(*outcome))
                 : context.print(to_string(outcome->id));
    return kOk;
  }
  if (!context.json) context.note("submitted " + to_string(outcome->id));
  const auto task = await(context, *client, outcome->id, options.wait_timeout.value_or(kLongest));
  return task ? tell_end(context, *task) : context.fail(task.error());
}

int submit(Context& context, const SubmitOptions& options) {
  const auto usage = [&](const char* message) {
    context.fail(usage_error(message));
    return kUsage;
  };
  if (options.wait_timeout && !options.wait) return usage("--wait-timeout goes with --wait");
  if (!options.batch.empty()) {
    if (!options.payload.empty()) return usage("--batch and a payload exclude each other");
    if (!options.rows.empty() && !options.wait) return usage("--rows goes with --wait");
    if (options.task.id || !options.task.idempotency_key.empty()) {
      return usage("--id and --idempotency-key are for one task; in a batch each line has its own");
    }
    return submit_batch(context, options);
  }
  if (options.task.type.empty()) return usage("say the TYPE of the task, or --batch FILE");
  if (!options.rows.empty() || !options.columns.empty()) {
    return usage("--rows and --columns go with --batch");
  }
  return submit_one(context, options);
}

// --- options that need reading

std::function<Result<void>(const std::string&)> read_pair(
    std::vector<std::pair<std::string, std::string>>& target) {
  return [&target](const std::string& text) -> Result<void> {
    const auto equals = text.find('=');
    if (equals == std::string::npos) return usage_error(fmt::format("'{}' is no KEY=VALUE", text));
    target.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    return {};
  };
}

std::function<Result<void>(const std::string&)> read_instant(std::optional<Instant>& target) {
  return [&target](const std::string& text) -> Result<void> {
    const auto at = parse_rfc3339(text);
    if (!at) return at.error();
    target = *at;
    return {};
  };
}

std::function<Result<void>(const std::string&)> read_priority(std::optional<Priority>& target) {
  return [&target](const std::string& text) -> Result<void> {
    target = parse_priority(text);
    if (target) return {};
    return usage_error(
        fmt::format("'{}' is no priority: low, normal, high, urgent or critical", text));
  };
}

// Without --backoff-base the broker's own holds, so only the base is turned into a backoff.
std::function<Result<void>(const std::string&)> read_backoff(std::optional<Backoff>& target) {
  return [&target](const std::string& text) -> Result<void> {
    const auto base = parse_duration(text);
    if (!base) return base.error();
    Backoff backoff;
    backoff.base = *base;
    backoff.max = std::max(backoff.max, *base);
    target = backoff;
    return {};
  };
}

std::function<Result<void>(const std::string&)> read_id(std::optional<TaskId>& target) {
  return [&target](const std::string& text) -> Result<void> {
    const auto id = parse_task_id(text);
    if (!id) return id.error();
    target = *id;
    return {};
  };
}

void add_task_options(Verb& verb, NewTask& task) {
  verb.option(task.queue, "--queue", "QUEUE", "the queue (default)")
      .option(read_priority(task.priority), "--priority", "P",
              "low, normal, high, urgent or critical")
      .option(task.delay, "--delay", "not before so long from now")
      .option(read_instant(task.not_before), "--not-before", "INSTANT", "not before then")
      .option(task.ttl, "--ttl", "not started by then, it expires")
      .option(read_instant(task.expires_at), "--expires-at", "INSTANT", "the same, as an instant")
      .option(task.timeout, "--timeout", "of one attempt")
      .option(task.max_attempts, "--max-attempts", 1, kAttemptsMax, "how often it may fail")
      .option(read_backoff(task.backoff), "--backoff-base", "DURATION",
              "the longest pause after the first failure, doubled each time")
      .option(task.idempotency_key, "--idempotency-key", "KEY",
              "a second task with this key is the first")
      .option(task.tenant, "--tenant", "TENANT", "whose it is (default)")
      .option(task.user_id, "--user", "USER", "for whom it is")
      .option(task.agent_id, "--agent", "AGENT", "the agent that is to run it")
      .option(task.required_capabilities, "--require", "CAPABILITY",
              "a worker must have it; again for more")
      .option(read_pair(task.required_labels), "--label", "KEY=VALUE", "a worker must have it")
      .option(task.content_type, "--content-type", "TYPE", "of the payload (application/json)")
      .option(task.result_ttl, "--result-ttl", "how long the ended task is kept")
      .option(task.traceparent, "--traceparent", "TEXT", "W3C trace context")
      .option(read_pair(task.metadata), "--metadata", "KEY=VALUE", "a note on the task")
      .option(read_id(task.id), "--id", "ID", "its id, to repeat a submission");
}

}  // namespace

void add_submit(Verb& root, Context& context) {
  const auto options = std::make_shared<SubmitOptions>();
  auto verb = root.verb("submit", "hand in a task, or a file of them");
  verb.word(options->task.type, "TYPE", "what kind of task it is: workers run types", false)
      .word(options->payload, "PAYLOAD", "JSON, @FILE, or - for stdin", false)
      .flag(options->wait, "--wait", "wait for the end and print the result")
      .option(options->wait_timeout, "--wait-timeout", "no longer than this; the task goes on")
      .option(options->batch, "--batch", "FILE",
              "a JSON object a line; - for stdin; safe to repeat")
      .option(options->rows, "--rows", "NAME",
              "with --batch --wait: print the list NAME of each result, a row an entry")
      .option(options->columns, "--columns", "A,B,C",
              "with --rows: members of an entry or its result, waited, ran, state, id");
  add_task_options(verb, options->task);
  verb.footer(
      "\n  drover submit test.echo '{\"x\":1}' --wait\n"
      "  drover submit --batch tasks.ndjson --queue reviews --wait");
  verb.does([&context, options] { return submit(context, *options); });
}

}  // namespace drover::cli
