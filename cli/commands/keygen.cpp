#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "common/transport/key_file.hpp"

namespace drover::cli {
namespace {

int keygen(Context& context, const std::string& file) {
  const auto keys = transport::KeyPair::generate();
  if (!keys) return context.fail(keys.error());
  if (auto written = transport::write_key_file(file, *keys); !written) {
    return context.fail(written.error());
  }
  if (context.json) {
    context.print_json({{"file", file}, {"public_key", keys->public_key}});
    return kOk;
  }
  context.print(keys->public_key);
  context.note(file +
               " holds the secret half: keep it to yourself. The line above is for everybody.");
  return kOk;
}

}  // namespace

void add_keygen(Verb& root, Context& context) {
  const auto file = std::make_shared<std::string>("drover.key");
  root.verb("keygen", "make a key pair: the secret half into a file, the public half is printed")
      .word(*file, "FILE", "the file to write, which must not exist (drover.key)",
            /*required=*/false)
      .does([&context, file] { return keygen(context, *file); });
}

}  // namespace drover::cli
