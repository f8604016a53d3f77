#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "cli/commands/commands.hpp"
#include "common/observe/log.hpp"
#include "common/task/task_spec.hpp"
#include "workers/app/worker.hpp"

namespace drover::cli {
namespace {

constexpr int kBadConfiguration = 78;

struct WorkOptions {
  std::string type;
  std::optional<std::uint32_t> slots;
  std::string connect;
  std::vector<std::string> capabilities;
  std::vector<std::string> command;
};

int usage(Context& context, const std::string& message) {
  context.fail({Errc::invalid_argument, message});
  return kUsage;
}

std::vector<config::Override> overrides_of(const WorkOptions& options) {
  std::vector<config::Override> overrides;
  if (!options.connect.empty()) {
    overrides.push_back({"worker.connect", options.connect, "--connect"});
  }
  return overrides;
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
  if (!loaded) return context.fail(loaded.error()), kBadConfiguration;
  auto worker = workers::worker_options(*loaded);
  auto address = workers_address(context, *loaded);
  if (!address) return context.fail(address.error());
  worker.connect = *std::move(address);
  worker.command = workers::CommandWorker{options.type, options.command};
  if (options.slots) worker.slots = *options.slots;
  for (const auto& capability : options.capabilities) worker.capabilities.push_back(capability);
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
      .option(options->slots, "--slots", 1, 10'000, "how many at once (one a processor core)")
      .option(options->connect, "--connect", "URL", "the broker's address for workers")
      .option(options->capabilities, "--capability", "NAME", "what it can do; again for more")
      .rest(options->command, "COMMAND...", "payload on stdin, result on stdout")
      .footer("\n  drover work text.upper -- tr a-z A-Z")
      .does([&context, options] { return work(context, *options); });
}

}  // namespace drover::cli
