#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "cli/event_line.hpp"
#include "drover/follow.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

struct WatchOptions {
  EventFilter filter;
  std::string since;
};

Result<Since> since_of(const std::string& text) {
  if (text.empty()) return Since::now();
  if (text == "beginning") return Since::beginning();
  if (const auto at = parse_since(text)) return Since::instant(*at);
  const auto cursor = parse_cursor(text);
  if (cursor) return Since::cursor(*cursor);
  return Error{Errc::bad_cursor,
               fmt::format("'{}' is no cursor, duration such as 1h, instant, or `beginning`", text),
               "since"};
}

// Events that will never be told are said too: a line of its own.
json gap_json(const Followed& gap) {
  return {{"type", "gap"},
          {"from", to_string(*gap.from)},
          {"to", to_string(*gap.to)},
          {"reason", gap.reason}};
}

void tell(Context& context, const WatchOptions& options, const Followed& followed) {
  if (followed.kind == Followed::Kind::gap) {
    if (context.json) return context.print_json(gap_json(followed));
    return context.warn(fmt::format("events after {} up to {} are gone ({})",
                                    to_string(*followed.from), to_string(*followed.to),
                                    followed.reason));
  }
  const auto event = to_json(followed.event);
  if (!wants(options.filter, event)) return;
  context.json ? context.print_json(event) : context.print(event_line(event, context.terminal.out));
}

int watch(Context& context, const WatchOptions& options) {
  const auto since = since_of(options.since);
  if (!since) return context.fail(since.error());
  auto client = context.client();
  if (!client) return context.fail(client.error());
  auto follower = Follower::start(*client, *since);
  if (!follower) return context.fail(follower.error());
  bool troubled = false;
  while (true) {
    const auto followed = follower->next(1s);
    if (!followed) return context.fail(followed.error());
    if (*followed) tell(context, options, **followed);
    if (follower->trouble() && !troubled) {
      context.warn(follower->trouble()->message + "; going on when it does");
    }
    troubled = follower->trouble().has_value();
  }
}

}  // namespace

void add_watch(Verb& root, Context& context) {
  const auto options = std::make_shared<WatchOptions>();
  root.verb("watch", "follow what happens, an event a line")
      .word(options->filter.kind, "FILTER", "task, task.dead, worker.*, *.failed", false)
      .option(options->filter.queue, "--queue", "QUEUE", "of this queue")
      .option(options->filter.type, "--type", "TYPE", "of tasks of this type; * fits anything")
      .option(options->since, "--since", "CURSOR|1h|beginning", "also what happened since")
      .does([&context, options] { return watch(context, *options); });
}

}  // namespace drover::cli
