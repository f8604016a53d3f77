#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "broker/store/upkeep/copy.hpp"
#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "cli/store_place.hpp"
#include "common/config/value.hpp"

namespace drover::cli {
namespace {

using broker::upkeep::CopyProgress;
using broker::upkeep::Verified;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kRate = 64 * config::kMiB;

struct CopyOptions {
  std::string source, target;
  std::uint64_t rate = kRate;  // bytes a second
};

// Holds a copy to its rate, shows how far it is, and ends it when it is interrupted.
class Pacing {
 public:
  Pacing(const Context& context, std::uint64_t rate)
      : rate_(rate), line_(context.terminal, context.quiet) {}

  Result<void> operator()(const CopyProgress& progress) {
    line_.show(fmt::format("{} {} of {}", bar(progress.bytes, progress.all, 20),
                           human_size(progress.bytes), human_size(progress.all)));
    const auto due = begun_ + std::chrono::milliseconds(progress.bytes * 1000 / rate_);
    const auto early = std::chrono::ceil<Duration>(due - Steady::now());
    if (early > 0ms) Context::pause(early);
    if (Context::is_interrupted()) return Error{Errc::cancelled, "interrupted"};
    return {};
  }

 private:
  std::uint64_t rate_;
  StatusLine line_;
  Steady::time_point begun_ = Steady::now();
};

// What the running broker says of its store.
struct LiveStore {
  std::string directory;
  StoreId id;
};

Result<LiveStore> ask_for_store(Client& client) {
  const auto stats = client.stats();
  if (!stats) return stats.error();
  if (!stats->contains("pid")) {
    return Error{Errc::forbidden, "the broker tells only an operator's key where its store is"};
  }
  const auto id = parse_uuid(text_of(*stats, "store"));
  const auto directory = text_of(*stats, "store_directory");
  if (id && !directory.empty()) return LiveStore{directory, StoreId{*id}};
  return Error{Errc::wrong_state, "the broker keeps its tasks in memory; there is nothing to copy"};
}

int say(const Context& context, const char* what, const Verified& v, const std::string& target) {
  if (context.json) {
    context.print_json({{"ok", true},
                        {"directory", target},
                        {"store", to_string(v.store)},
                        {"segments", v.segments},
                        {"records", v.records},
                        {"newest_seq", v.newest_seq},
                        {"tasks", v.tasks}});
  } else {
    context.print(fmt::format("{} and verified: {} up to event {} in {}", what,
                              counted(v.tasks, "task"), v.newest_seq, target));
  }
  return kOk;
}

int fail(const Context& context, const Error& error) {
  const int code = context.fail(error);
  return error.code == Errc::conflict ? kStoreInUse : code;
}

int backup(Context& context, const CopyOptions& options) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto live = ask_for_store(*client);
  if (!live) return context.fail(live.error());
  setpriority(PRIO_PROCESS, 0, 19);  // behind the broker; what it could not do is no fault
  const auto announce = [&]() -> Result<std::uint64_t> {
    const auto stats = client->stats();
    if (!stats) return stats.error();
    return number_of(*stats, "seq");
  };
  Pacing pacing(context, options.rate);
  const auto copied =
      broker::upkeep::backup(live->directory, live->id, announce, options.target, std::ref(pacing));
  if (copied) return say(context, "copied", *copied, options.target);
  if (copied.error().code == Errc::not_found) {
    return context.fail(
        {Errc::not_found, copied.error().message + " (run this on the broker's machine)"});
  }
  return fail(context, copied.error());
}

int restore(Context& context, const CopyOptions& options) {
  const auto target = store_place(context, options.target);
  if (!target) return context.fail(target.error());
  Pacing pacing(context, UINT64_MAX / 1000);
  const auto copied = broker::upkeep::restore(options.source, *target, std::ref(pacing));
  if (!copied) return fail(context, copied.error());
  return say(context, "restored", *copied, *target);
}

Result<void> take_rate(const std::string& text, std::uint64_t& rate) {
  const auto size = config::parse_size(text);
  if (!size || *size < config::kMiB) {
    return Error{Errc::invalid_argument, "expected bytes a second, at least 1MiB, such as 64MiB"};
  }
  rate = *size;
  return {};
}

}  // namespace

void add_backup(Verb& root, Context& context) {
  const auto options = std::make_shared<CopyOptions>();
  root.verb("backup", "copy the store of the running broker, verified")
      .word(options->target, "DIR", "where to: a folder that is new or holds no store")
      .option([options](const std::string& text) { return take_rate(text, options->rate); },
              "--rate", "SIZE", "bytes copied a second (64MiB)")
      .footer("Has everything that was accepted before it began. Run it on the broker's machine.")
      .does([&context, options] { return backup(context, *options); });
}

void add_restore(Verb& root, Context& context) {
  const auto options = std::make_shared<CopyOptions>();
  root.verb("restore", "put a backup into an empty store, while no broker runs on it")
      .word(options->source, "BACKUP", "the folder that `drover backup` made")
      .option(options->target, "--data", "DIR", "where to (store.url)")
      .footer("Exit codes: 65 the backup is damaged, 73 there is a store or a broker already.")
      .does([&context, options] { return restore(context, *options); });
}

}  // namespace drover::cli
