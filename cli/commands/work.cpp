#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>

#include "cli/commands/commands.hpp"
#include "common/observe/log.hpp"
#include "common/task/task_spec.hpp"
#include "workers/app/worker.hpp"

namespace drover::cli {
namespace {

struct WorkOptions {
  std::string type;
  std::vector<config::Override> settings;  // those of drover-worker, by its short names
  std::vector<std::string> capabilities, labels;
  std::vector<std::string> command;
};

using Take = std::function<Result<void>(const std::string&)>;

// An option that is a setting; what it may be is checked where the settings are read.
Take sets(WorkOptions& options, const char* path, const char* flag) {
  return [&options, path, flag](const std::string& value) -> Result<void> {
    options.settings.push_back({path, value, flag});
    return {};
  };
}

std::vector<config::Override> overrides_of(const WorkOptions& options) {
  auto all = options.settings;
  const auto list = [&](const char* path, const std::vector<std::string>& values,
                        const char* flag) {
    if (!values.empty()) all.push_back({path, fmt::format("{}", fmt::join(values, ",")), flag});
  };
  list("worker.capabilities", options.capabilities, "--capability");
  list("worker.labels", options.labels, "--label");
  return all;
}

int usage(Context& context, const std::string& message) {
  return context.fail({Errc::invalid_argument, message});
}

bool is_set(const config::Loaded& loaded, std::string_view path) {
  return std::any_of(loaded.shown.begin(), loaded.shown.end(), [&](const config::Shown& shown) {
    return shown.path == path && !shown.is_default;
  });
}

// Where the worker connects: as it is set, or as the broker at client.url says if only that is set.
Result<std::string> workers_address(Context& context, const config::Loaded& loaded) {
  if (is_set(loaded, "worker.connect") || !is_set(loaded, "client.url")) {
    return loaded.settings.worker.connect;
  }
  auto client = context.client();
  if (!client) return client.error();
  return reached_through(loaded.settings.client.url, client->broker()->workers);
}

int work(Context& context, const WorkOptions& options) {
  if (!is_name(options.type)) {
    return usage(context,
                 fmt::format("'{}' is no type: 1 to 64 of A-Z a-z 0-9 . _ -", options.type));
  }
  if (options.command.empty()) return usage(context, "say what to run: -- COMMAND");
  const auto loaded = context.settings(overrides_of(options));
  if (!loaded) return context.fail(loaded.error());
  auto worker = workers::worker_options(*loaded);
  auto address = workers_address(context, *loaded);
  if (!address) return context.fail(address.error());
  worker.connect = *std::move(address);
  worker.command = workers::CommandWorker{options.type, options.command};
  const log::Session logging({.service = "drover-work",
                              .level = context.quiet ? "warn" : loaded->settings.log.level,
                              .format = loaded->settings.log.format});
  return workers::run_worker(worker);
}

}  // namespace

void add_work(Verb& root, Context& context) {
  const auto options = std::make_shared<WorkOptions>();
  root.verb("work", "be a worker: run a command for each task of a type")
      .word(options->type, "TYPE", "the type of the tasks")
      .option(sets(*options, "worker.connect", "--connect"), "--connect", "URL",
              "the broker's address for workers")
      .option(sets(*options, "worker.slots", "--slots"), "--slots", "N",
              "how many at once (one a processor core)")
      .option(sets(*options, "worker.prefetch", "--prefetch"), "--prefetch", "N",
              "how many more wait here (0)")
      .option(sets(*options, "worker.drain_timeout", "--drain-timeout"), "--drain-timeout",
              "DURATION", "how long tasks may finish after SIGTERM (30s)")
      .option(options->capabilities, "--capability", "NAME", "what it can do; again for more")
      .option(options->labels, "--label", "KEY=VALUE", "what it is; again for more")
      .rest(options->command, "COMMAND...", "payload on stdin, result on stdout")
      .footer("\n  drover work text.upper -- tr a-z A-Z")
      .does([&context, options] { return work(context, *options); });
}

}  // namespace drover::cli
