// drover-worker: takes tasks from the broker and runs them.

#include <cstdio>

#include "common/config/load.hpp"
#include "common/observe/log.hpp"
#include "workers/app/arguments.hpp"
#include "workers/app/worker.hpp"

int main(int argc, char** argv) {
  using namespace drover;
  const auto arguments = workers::read_worker_arguments(argc, argv);
  if (arguments.exit_code) return *arguments.exit_code;
  const auto environment = config::process_environment();
  const auto loaded = config::load_settings(
      config::find_settings_file(arguments.config, environment), environment, arguments.overrides);
  if (!loaded) {
    std::fprintf(stderr, "drover-worker: %s\n", loaded.error().message.c_str());
    return 78;
  }
  const log::Session logging({.service = "drover-worker",
                              .level = loaded->settings.log.level,
                              .format = loaded->settings.log.format});
  for (const auto& warning : loaded->warnings) log::warn(warning);
  auto options = workers::worker_options(*loaded);
  options.types = arguments.types;
  return workers::run_worker(options);
}
