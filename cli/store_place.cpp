#include "cli/store_place.hpp"

#include <nlohmann/json.hpp>

#include "broker/store/journal/damage.hpp"

namespace drover::cli {

using nlohmann::json;

Result<std::string> store_place(Context& context, const std::string& word) {
  if (!word.empty()) return word;
  const auto loaded = context.settings();
  if (!loaded) return loaded.error();
  auto directory = config::store_directory(loaded->settings);
  if (!directory.empty()) return directory;
  return Error{Errc::bad_configuration,
               "store.url is memory:, which leaves nothing on disk; name a folder", "store.url"};
}

int fail_with_store(Context& context, const std::string& directory, const Error& error) {
  if (!context.json) return context.fail(error);
  json told = {{"ok", false}, {"directory", directory}, {"code", name_of(error.code)}};
  if (const auto damage = broker::journal::damage_of(error)) {
    told["damage"] = {{"file", damage->file}, {"offset", damage->offset}, {"what", damage->what}};
  }
  context.print_json(told);
  return context.fail(error);
}

}  // namespace drover::cli
