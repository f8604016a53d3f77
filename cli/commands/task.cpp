#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "cli/listing.hpp"
#include "cli/timeline.hpp"
#include "common/config/value.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kIdsAtOnce = 1000;

// --- show

int show(Context& context, const std::string& text) {
  const auto id = parse_task_id(text);
  if (!id) return context.fail(id.error());
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto task = client->show(*id);
  if (!task) return context.fail(task.error());
  if (context.json) {
    context.print_json(*task);
  } else {
    auto shown = task_text(*task, system_now(), context.terminal.out);
    shown.pop_back();
    context.print(shown);
  }
  return kOk;
}

// --- list

struct ListOptions {
  std::string state, queue, type, tenant, since;
  std::optional<std::uint32_t> limit;
  Cursor cursor;
};

Result<TaskQuery> query_of(const ListOptions& options) {
  TaskQuery query;
  if (!options.state.empty()) {
    query.state = parse_task_state(options.state);
    if (!query.state) {
      return Error{Errc::invalid_argument, fmt::format("'{}' is no state of a task", options.state),
                   "state"};
    }
  }
  query.queue = options.queue;
  query.type = options.type;
  query.tenant = options.tenant;
  if (options.since.empty()) return query;
  query.since = parse_since(options.since);
  if (query.since) return query;
  return Error{Errc::invalid_argument,
               fmt::format("'{}' is neither a duration such as 1h nor an instant", options.since),
               "since"};
}

std::function<Result<void>(const std::string&)> read_cursor(Cursor& target) {
  return [&target](const std::string& text) -> Result<void> {
    target = config::parse_count(text);
    if (target) return {};
    return Error{Errc::bad_cursor, fmt::format("'{}' is no next_cursor of a list", text)};
  };
}

// What a person wants to know of a task next to its state.
std::string detail_of(const json& task) {
  const auto& error = object_of(task, "error");
  if (const auto code = text_of(error, "code"); !code.empty()) {
    return code + ": " + text_of(error, "message");
  }
  const auto& progress = object_of(task, "progress");
  if (progress.contains("percent")) return fmt::format("{} %", number_of(progress, "percent"));
  const auto waiting = text_of(task, "waiting_for");
  return waiting.empty() ? "" : "waits for " + waiting;
}

Table as_table(const json& tasks) {
  Table table;
  for (const auto* head : {"TASK", "STATE", "TYPE", "QUEUE", "PRIORITY"}) table.column(head);
  table.column("ATTEMPT", Table::Align::right);
  table.column("SUBMITTED");
  table.column("DETAIL");
  for (const auto& task : tasks) {
    const auto state = text_of(task, "state");
    const auto created = instant_of(task, "created_at");
    table.row({{text_of(task, "id")},
               {state, colour_of_state(state)},
               {text_of(task, "type")},
               {text_of(task, "queue")},
               {text_of(task, "priority")},
               {std::to_string(number_of(task, "attempt"))},
               {created ? ago(*created, system_now()) : "-"},
               {detail_of(task)}});
  }
  return table;
}

int list(Context& context, const ListOptions& options) {
  auto query = query_of(options);
  if (!query) return context.fail(query.error());
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto page = [&](std::uint32_t limit, Cursor cursor) {
    query->limit = limit;
    query->cursor = cursor;
    return client->list(*query);
  };
  const auto tasks = gather(page, "tasks", options.limit.value_or(100), options.cursor);
  if (!tasks) return context.fail(tasks.error());
  context.print_list({{"tasks", tasks->entries}, {"next_cursor", tasks->next_json()}},
                     as_table(tasks->entries), "No task is like that.");
  if (tasks->next) {
    context.note(
        fmt::format("There may be more: the same with --cursor {} goes on; --limit N "
                    "shows more at once.",
                    *tasks->next));
  }
  return kOk;
}

// --- cancel, retry

using Change = Result<json> (Client::*)(std::span<const TaskId>);

// Says what became of each; the exit code is that of the first that was refused.
int report(Context& context, const json& tasks, const char* verb) {
  int code = kOk;
  for (const auto& task : tasks) {
    const auto& error = object_of(task, "error");
    if (error.empty()) {
      if (!context.json)
        context.print(fmt::format("{} {}", text_of(task, "id"), text_of(task, "state")));
      continue;
    }
    const bool not_found = text_of(error, "code") == name_of(Errc::not_found);
    if (code == kOk) code = not_found ? kNotFound : kFailed;
    if (context.json) continue;
    context.warn(
        fmt::format("{} was not {}: {}", text_of(task, "id"), verb, text_of(error, "message")));
  }
  return code;
}

int change(Context& context, const std::vector<std::string>& texts, Change change,
           const char* verb) {
  const auto ids = parse_task_ids(texts);
  if (!ids) return context.fail(ids.error());
  auto client = context.client();
  if (!client) return context.fail(client.error());
  json all = json::array();
  for (std::size_t at = 0; at < ids->size(); at += kIdsAtOnce) {
    const auto count = std::min(kIdsAtOnce, ids->size() - at);
    auto answer = ((*client).*change)(std::span(*ids).subspan(at, count));
    if (!answer) return context.fail(answer.error());
    for (auto& task : (*answer)["tasks"]) all.push_back(std::move(task));
  }
  const int code = report(context, all, verb);
  if (context.json) context.print_json({{"tasks", all}});
  return code;
}

}  // namespace

int show_task(Context& context, const std::string& id) { return show(context, id); }

int retry_tasks(Context& context, const std::vector<std::string>& ids) {
  return change(context, ids, &Client::retry, "retried");
}

void add_task(Verb& root, Context& context) {
  auto task = root.verb("task", "look at tasks and change them", {"tasks"});

  const auto id = std::make_shared<std::string>();
  task.verb("show", "all that is known of a task, as a timeline")
      .word(*id, "ID", "the task")
      .does([&context, id] { return show(context, *id); });

  const auto wanted = std::make_shared<ListOptions>();
  task.verb("list", "tasks, newest last", {"ls"})
      .option(wanted->state, "--state", "STATE", "ready, running, dead, ...")
      .option(wanted->queue, "--queue", "QUEUE", "of this queue")
      .option(wanted->type, "--type", "TYPE", "of this type")
      .option(wanted->tenant, "--tenant", "TENANT", "of this tenant")
      .option(wanted->since, "--since", "1h|INSTANT", "submitted since")
      .option(wanted->limit, "--limit", 1, kListMax, "at most so many (100)")
      .option(read_cursor(wanted->cursor), "--cursor", "CURSOR",
              "go on where the list before stopped (its next_cursor)")
      .does([&context, wanted] { return list(context, *wanted); });

  const auto ids = std::make_shared<std::vector<std::string>>();
  task.verb("cancel", "end tasks that have not ended")
      .words(*ids, "ID", "the tasks")
      .does([&context, ids] { return change(context, *ids, &Client::cancel, "cancelled"); });
  task.verb("retry", "dead, cancelled or expired tasks: again; retrying ones: now")
      .words(*ids, "ID", "the tasks")
      .does([&context, ids] { return retry_tasks(context, *ids); });
}

}  // namespace drover::cli
