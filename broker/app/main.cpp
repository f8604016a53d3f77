// drover-broker: accepts tasks, keeps them, and gives each to one worker at a time.

#include <cstdio>

#include "broker/app/broker.hpp"
#include "common/config/arguments.hpp"
#include "common/config/load.hpp"
#include "common/observe/log.hpp"

int main(int argc, char** argv) {
  using namespace drover;
  const auto arguments = config::read_arguments(
      argc, argv,
      "drover-broker: accepts tasks, keeps them, and gives each to one worker at a time");
  if (arguments.exit_code) return *arguments.exit_code;
  const auto environment = config::process_environment();
  const auto loaded = config::load_settings(
      config::find_settings_file(arguments.config, environment), environment, arguments.overrides);
  if (!loaded) {
    std::fprintf(stderr, "drover-broker: %s\n", loaded.error().message.c_str());
    return 78;
  }
  const log::Session logging({.service = "drover-broker",
                              .level = loaded->settings.log.level,
                              .format = loaded->settings.log.format});
  for (const auto& warning : loaded->warnings) log::warn(warning);
  return broker::run_broker(loaded->settings);
}
