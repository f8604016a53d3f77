#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr std::uint32_t kPage = 1000;
constexpr std::uint32_t kListMax = 100'000;
constexpr Duration kCanaryPatience = 5min;

struct DlqOptions {
  std::string queue, reason;
  std::optional<std::uint32_t> limit, canary;
  std::vector<std::string> ids;
  bool all = false;
};

// The dead, oldest first, at most `limit` of them.
Result<json> gather(Client& client, const DlqOptions& options, std::uint32_t limit) {
  json all = json::array();
  DeadQuery query{options.queue, options.reason, 0, std::nullopt};
  while (all.size() < limit) {
    query.limit = std::min(limit - static_cast<std::uint32_t>(all.size()), kPage);
    auto page = client.dead_letters(query);
    if (!page) return page.error();
    for (auto& task : (*page)["dead"]) all.push_back(std::move(task));
    const auto& next = (*page)["next_cursor"];
    if (!next.is_number_unsigned()) break;
    query.cursor = next.get<std::uint64_t>();
  }
  return all;
}

Table as_table(const json& dead) {
  Table table;
  for (const auto* head : {"TASK", "TYPE", "QUEUE", "REASON"}) table.column(head);
  table.column("ATTEMPTS", Table::Align::right);
  table.column("DIED");
  table.column("ERROR");
  for (const auto& task : dead) {
    const auto at = instant_of(task, "dead_at");
    const auto& error = object_of(task, "error");
    const auto code = text_of(error, "code"), message = text_of(error, "message");
    table.row({{text_of(task, "id")},
               {text_of(task, "type")},
               {text_of(task, "queue")},
               {text_of(task, "reason"), Colour::red},
               {std::to_string(number_of(task, "attempts"))},
               {at ? ago(*at, system_now()) : "-"},
               {code + (code.empty() || message.empty() ? "" : ": ") + message}});
  }
  return table;
}

int list(Context& context, const DlqOptions& options) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto dead = gather(*client, options, options.limit.value_or(100));
  if (!dead) return context.fail(dead.error());
  if (context.json) {
    context.print_json(*dead);
  } else if (dead->empty()) {
    context.note("No task is dead.");
  } else {
    context.print(as_table(*dead));
  }
  return kOk;
}

// Waits for tasks that were retried; the first that does not complete is told.
Result<void> await_all(Client& client, const std::vector<TaskId>& ids) {
  for (const auto& id : ids) {
    const auto task = client.wait(id, kCanaryPatience);
    if (!task) return task.error();
    if (const auto state = text_of(*task, "state"); state != "completed") {
      return Error{Errc::task_failed,
                   fmt::format("{} is {} again; the others were left alone", to_string(id), state)};
    }
  }
  return {};
}

// Retries page by page what is dead now. What dies again meanwhile comes behind and is left.
int retry_all(Context& context, const DlqOptions& options) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto dead = gather(*client, options, kListMax);
  if (!dead) return context.fail(dead.error());
  std::vector<TaskId> ids;
  for (const auto& task : *dead) {
    if (const auto id = parse_task_id(text_of(task, "id"))) ids.push_back(*id);
  }
  std::size_t done = 0, retried = 0;
  while (done < ids.size()) {
    const bool canary = done == 0 && options.canary;
    const std::size_t count =
        std::min<std::size_t>(canary ? *options.canary : kPage, ids.size() - done);
    const std::vector<TaskId> some(ids.begin() + static_cast<std::ptrdiff_t>(done),
                                   ids.begin() + static_cast<std::ptrdiff_t>(done + count));
    const auto answer = client->retry(some);
    if (!answer) return context.fail(answer.error());
    const auto& tasks = list_of(*answer, "tasks");
    retried += static_cast<std::size_t>(std::count_if(
        tasks.begin(), tasks.end(), [](const json& task) { return !task.contains("error"); }));
    done += count;
    if (canary && done < ids.size()) {
      context.note(fmt::format("waiting for {} before the others", counted(count, "task")));
      if (const auto good = await_all(*client, some); !good) return context.fail(good.error());
    }
  }
  if (context.json) {
    context.print_json({{"retried", retried}});
  } else {
    context.print(fmt::format("{} retried", counted(retried, "task")));
  }
  return kOk;
}

int retry(Context& context, const DlqOptions& options) {
  if (options.all == !options.ids.empty()) {
    context.fail({Errc::invalid_argument, "say which tasks: their ids, or --all"});
    return kUsage;
  }
  return options.all ? retry_all(context, options) : retry_tasks(context, options.ids);
}

}  // namespace

void add_dlq(Verb& root, Context& context) {
  auto dlq = root.verb("dlq", "look at dead tasks and retry them");
  const auto options = std::make_shared<DlqOptions>();
  dlq.verb("list", "dead tasks, oldest first", {"ls"})
      .option(options->queue, "--queue", "QUEUE", "of this queue")
      .option(options->reason, "--reason", "REASON", "that died for this reason")
      .option(options->limit, "--limit", 1, kListMax, "at most so many (100)")
      .does([&context, options] { return list(context, *options); });

  const auto id = std::make_shared<std::string>();
  dlq.verb("show", "all that is known of a dead task")
      .word(*id, "ID", "the task")
      .does([&context, id] { return show_task(context, *id); });

  dlq.verb("retry", "run dead tasks again, with their history", {"requeue"})
      .words(options->ids, "ID", "the tasks", /*required=*/false)
      .flag(options->all, "--all", "all of them")
      .option(options->queue, "--queue", "QUEUE", "with --all: of this queue")
      .option(options->reason, "--reason", "REASON", "with --all: that died for this reason")
      .option(options->canary, "--canary", 1, 1000,
              "with --all: so many first, the others only if these complete")
      .does([&context, options] { return retry(context, *options); });
}

}  // namespace drover::cli
