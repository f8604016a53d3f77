#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "common/base/ids.hpp"

namespace drover::cli {
namespace {

int ping(Context& context) {
  auto client = context.client();
  if (!client) return context.fail(client.error());
  const auto took = client->ping();
  if (!took) return context.fail(took.error());
  const auto& broker = *client->broker();
  if (context.json) {
    context.print_json({{"url", client->options().url},
                        {"round_trip_us", took->count()},
                        {"software", broker.software},
                        {"store", to_string(broker.store)}});
  } else {
    context.print(fmt::format("{} answered in {:.2f} ms ({})", client->options().url,
                              static_cast<double>(took->count()) / 1000, broker.software));
  }
  return kOk;
}

}  // namespace

void add_ping(Verb& root, Context& context) {
  root.verb("ping", "ask whether the broker answers, and how fast").does([&] {
    return ping(context);
  });
}

}  // namespace drover::cli
