#include "common/wire/codec.hpp"
#include "tests/contract/wire/message_json.hpp"
#include "tests/contract/wire/vectors.hpp"
#include "tests/fuzz/targets.hpp"

namespace drover::fuzz {
namespace {

using drover::wire::contract::Json;

// As texts where they differ as values: a body may hold a NaN, which equals nothing.
bool is_same(const Json& one, const Json& two) { return one == two || one.dump() == two.dump(); }

}  // namespace

// What is read can be written, and reads as the same message with the same bytes.
void wire(std::string_view input) {
  using namespace drover::wire::contract;
  for (const auto family : kFamilies) {
    const auto first = read(family, input);
    if (!first) {
      promise(!first.error().message.empty(), "a refusal says nothing");
      continue;
    }
    const auto second = read(family, first->written_again);
    promise(second.has_value(), "what was written is refused");
    promise(is_same(first->message, second->message), "a message changed on its way");
    promise(second->written_again == first->written_again, "a message has two spellings");
  }
  drover::wire::peek_request(input);
}

}  // namespace drover::fuzz
