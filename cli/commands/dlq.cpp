#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "cli/listing.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr int kTries = 10;  // to read a list that others change
constexpr Duration kCanaryPatience = 5min;

struct DlqOptions {
  std::string queue, reason;
  std::optional<std::uint32_t> limit, canary;
  std::vector<std::string> ids;
  bool all = false;
};

AskPage dead_pages(Client& client, const DlqOptions& options) {
  return [&](std::uint32_t limit, Cursor cursor) {
    return client.dead_letters({options.queue, options.reason, limit, cursor});
  };
}

// What `read` makes of the list. A page's cursor stands on a dead task; when somebody retries that
// one meanwhile, the list is read again from its start.
template <class Read>
auto undisturbed(Read read) {
  auto result = read();
  for (int i = 1; i < kTries && !result && result.error().code == Errc::bad_cursor; ++i) {
    result = read();
  }
  return result;
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
  const auto dead = undisturbed(
      [&] { return gather(dead_pages(*client, options), "dead", options.limit.value_or(100)); });
  if (!dead) return context.fail(dead.error());
  context.print_list(dead->entries, as_table(dead->entries), "No task is dead.");
  if (dead->next) context.note("There may be more: --limit N shows more.");
  return kOk;
}

// --- retry

// Waits for tasks that were retried; the first that does not complete is told.
Result<void> await_all(Client& client, std::span<const TaskId> ids) {
  for (const auto& id : ids) {
    const auto task = client.wait(id, kCanaryPatience);
    if (!task) return task.error();
    if (const auto state = text_of(*task, "state"); state != "completed") {
      return Error{Errc::task_failed, fmt::format("{} is {} again", to_string(id), state)};
    }
  }
  return {};
}

// All that is dead now, however much it is: 16 bytes each.
Result<std::vector<TaskId>> dead_ids(Client& client, const DlqOptions& options) {
  std::vector<TaskId> ids;
  Cursor cursor;
  do {
    const auto page = gather(dead_pages(client, options), "dead", kPageMax, cursor);
    if (!page) return page.error();
    for (const auto& task : page->entries) {
      if (const auto id = parse_task_id(text_of(task, "id"))) ids.push_back(*id);
    }
    cursor = page->next;
  } while (cursor);
  return ids;
}

// Retries what is dead at its start, a page at a time. What dies again meanwhile is left alone.
class RetryAll {
 public:
  RetryAll(Context& context, Client& client, const DlqOptions& options, std::vector<TaskId> ids)
      : context_(context), client_(client), options_(options), ids_(std::move(ids)) {}

  int run() {
    const auto all = retry_pages();
    if (!all) return fail(all.error());
    if (context_.json) {
      context_.print_json({{"retried", retried_}, {"refused", refused_}});
      return kOk;
    }
    context_.print(fmt::format("{} retried", counted(retried_, "task")));
    if (refused_ > 0) {
      context_.note(fmt::format("{} not dead any more, or could not be retried: {}",
                                grouped(refused_), why_));
    }
    return kOk;
  }

 private:
  Result<void> retry_pages() {
    StatusLine line(context_.terminal, context_.quiet);
    while (done_ < ids_.size()) {
      const bool canary = done_ == 0 && options_.canary;
      const auto some = std::span(ids_).subspan(done_).first(
          std::min<std::size_t>(canary ? *options_.canary : kPageMax, ids_.size() - done_));
      if (auto retried = retry_some(some); !retried) return retried;
      line.show(fmt::format("{} of {} retried", grouped(done_), counted(ids_.size(), "task")));
      if (!canary || done_ == ids_.size()) continue;
      context_.note(fmt::format("waiting for {} before the others", counted(some.size(), "task")));
      if (auto good = await_all(client_, some); !good) return good;
    }
    return {};
  }

  Result<void> retry_some(std::span<const TaskId> some) {
    const auto answer = client_.retry(some);
    if (!answer) return answer.error();
    for (const auto& task : list_of(*answer, "tasks")) {
      const auto& error = object_of(task, "error");
      ++(error.empty() ? retried_ : refused_);
      if (why_.empty()) why_ = text_of(error, "message");
    }
    done_ += some.size();
    return {};
  }

  // How far it was is part of what went wrong.
  int fail(Error error) const {
    error.message += fmt::format("; {} of {} were retried, {} left", grouped(retried_),
                                 counted(ids_.size(), "dead task"), grouped(ids_.size() - done_));
    return context_.fail(error);
  }

  Context& context_;
  Client& client_;
  const DlqOptions& options_;
  std::vector<TaskId> ids_;
  std::size_t done_ = 0;  // asked for and answered
  std::size_t retried_ = 0, refused_ = 0;
  std::string why_;  // the first refusal
};

int retry_all(Context& context, const DlqOptions& options) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  auto ids = undisturbed([&] { return dead_ids(*client, options); });
  if (!ids) return context.fail(ids.error());
  return RetryAll(context, *client, options, std::move(*ids)).run();
}

int retry(Context& context, const DlqOptions& options) {
  if (options.all == !options.ids.empty()) {
    return context.fail({Errc::invalid_argument, "say which tasks: their ids, or --all"});
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
