#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "drover_version.hpp"

namespace drover::cli {

void add_version(Verb& root, Context& context) {
  root.verb("version", "print the version").does([&] {
    if (context.json) {
      context.print_json({{"version", kVersion}});
    } else {
      context.print(fmt::format("drover {}", kVersion));
    }
    return kOk;
  });
}

}  // namespace drover::cli
