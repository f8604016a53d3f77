#include "cli/app.hpp"

#include "cli/commands/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

constexpr const char* kSays =
    "Drover hands tasks to workers: durable, most urgent first, retried when they fail.";

void add_global_options(Verb& root, Context& context) {
  root.flag(context.json, "--json", "print JSON, for scripts");
  root.option(context.config_file, "--config", "FILE", "settings to read");
  root.option(context.url, "--url", "URL", "the broker's address (DROVER_URL)");
  root.flag(context.quiet, "-q,--quiet", "print data only");
  root.footer("Start with:  drover up\n      then:  drover submit test.echo '{\"x\":1}' --wait");
}

void add_verbs(Verb& root, Context& context) {
  add_up(root, context);
  add_ping(root, context);
  add_submit(root, context);
  add_work(root, context);
  add_task(root, context);
  add_queue(root, context);
  add_gate(root, context);
  add_tenant(root, context);
  add_dlq(root, context);
  add_worker(root, context);
  add_watch(root, context);
  add_stats(root, context);
  add_keygen(root, context);
  add_key(root, context);
  add_doctor(root, context);
  add_journal(root, context);
  add_backup(root, context);
  add_restore(root, context);
  add_config(root, context);
  add_version(root, context);
}

}  // namespace

int run(const std::vector<std::string>& words) {
  Context context;
  CommandLine line("drover", kSays);
  line.set_complain([&](const Error& error) { context.fail(error); });
  add_global_options(line.root(), context);
  add_verbs(line.root(), context);
  return line.run(words);
}

}  // namespace drover::cli
