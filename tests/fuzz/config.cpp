#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "common/config/load.hpp"
#include "common/config/yaml_tree.hpp"
#include "tests/fuzz/targets.hpp"

namespace drover::fuzz {
namespace {

// A file that is in memory only.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : descriptor_(::memfd_create("drover.yaml", 0)) {
    promise(::write(descriptor_, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
            "no memory for the file");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

Result<drover::config::Loaded> load(std::string_view text) {
  const MemoryFile file(text);
  return drover::config::load_settings(file.path(), {}, {});
}

// The settings as a file that says each of them: `a.b.c: x` in the sections a and b.
std::string written(const drover::config::Loaded& loaded) {
  std::string text, section;
  for (const auto& shown : loaded.shown) {
    std::size_t begin = 0;
    std::string indent;
    for (auto dot = shown.path.find('.'); dot != std::string::npos;
         dot = shown.path.find('.', begin)) {
      const auto upto = shown.path.substr(0, dot + 1);
      if (!section.starts_with(upto)) {
        text += indent + shown.path.substr(begin, dot - begin) + ":\n";
        section = upto;
      }
      begin = dot + 1;
      indent += "  ";
    }
    section = shown.path.substr(0, begin);
    text += indent + shown.path.substr(begin) + ": " + shown.value + "\n";
  }
  return text;
}

int depth_of(const drover::config::YamlNode& node) {
  int deepest = 0;
  for (const auto& item : node.items) deepest = std::max(deepest, depth_of(item));
  for (const auto& [key, value] : node.entries) deepest = std::max(deepest, depth_of(value));
  return deepest + 1;
}

void expect_refusal(const Error& error) {
  promise(error.code == Errc::bad_configuration, "a refusal of another kind");
  promise(!error.message.empty(), "a refusal says nothing");
}

}  // namespace

// A text is refused with its place, or read as settings that can be written down and read again.
void config(std::string_view input) {
  const auto tree = drover::config::parse_yaml(std::string(input), "drover.yaml");
  if (!tree) return expect_refusal(tree.error());  // load() would say the same, and take far longer
  promise(depth_of(*tree) <= drover::config::kYamlDepthMax + 1, "nested too deep");
  const auto first = load(input);
  if (!first) return expect_refusal(first.error());
  const auto second = load(written(*first));
  promise(second.has_value(), "what was written is refused: " +
                                  (second ? "" : second.error().message) + "\n" + written(*first));
  for (std::size_t i = 0; i < first->shown.size(); ++i) {
    promise(first->shown[i].value == second->shown[i].value,
            first->shown[i].path + " changed on its way");
  }
}

}  // namespace drover::fuzz
