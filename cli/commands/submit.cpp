#include "cli/commands/submit.hpp"

#include <fmt/format.h>

#include <memory>

#include "cli/commands/commands.hpp"

namespace drover::cli {
namespace {

Error usage_error(const std::string& message) { return {Errc::invalid_argument, message}; }

int submit(Context& context, const SubmitOptions& options) {
  const auto usage = [&](const char* message) { return context.fail(usage_error(message)); };
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
      .option(task.required_labels, "--label", "a worker must have it; again for more")
      .option(task.content_type, "--content-type", "TYPE", "of the payload (application/json)")
      .option(task.result_ttl, "--result-ttl", "how long the ended task is kept")
      .option(task.traceparent, "--traceparent", "TEXT", "W3C trace context")
      .option(task.metadata, "--metadata", "a note on the task; again for more")
      .option(task.gate, "--gate", "NAME", "start while the gate of this name is open")
      .option(task.concurrency_key, "--concurrency-key", "KEY",
              "so many tasks with this key run at once (1)")
      .option(task.rate_key, "--rate-key", "KEY", "start within the rate that is set of this key")
      .option(task.rate_cost, "--rate-cost", 1, kRateCostMax, "what it takes of that rate (1)")
      .option(read_id(task.id), "--id", "ID", "its id: repeats a submission that was not answered");
}

}  // namespace

void add_submit(Verb& root, Context& context) {
  const auto options = std::make_shared<SubmitOptions>();
  auto verb = root.verb("submit", "hand in a task, or a file of them");
  verb.word(options->task.type, "TYPE", "what kind of task it is: workers run types", false)
      .word(options->payload, "PAYLOAD", "JSON, @FILE, or - for stdin", false)
      .flag(options->wait, "--wait", "wait for the end and print the result")
      .option(options->wait_timeout, "--wait-timeout",
              "no longer than this (a year); the task goes on")
      .option(options->batch, "--batch", "FILE",
              "a JSON object a line; - for stdin. The unchanged file is safe to repeat")
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
