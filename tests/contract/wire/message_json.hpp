// Decoded messages as the JSON of the golden vectors: the names of messages.yaml, and nothing for
// what is not said. The other half of the proof that the codec puts each field where it belongs.
#pragma once

#include <string>
#include <string_view>

#include "common/wire/codec.hpp"
#include "tests/contract/wire/specification.hpp"

namespace drover::wire::contract {

// What a frame of `family` (or "task") is read as, written again, and told.
struct Read {
  Json message;
  std::string written_again;
};

// The frame as its receiver reads it.
Result<Read> read(std::string_view family, std::string_view bytes);

// The same without the telling: what its receiver would write.
Result<std::string> rewrite(std::string_view family, std::string_view bytes);

}  // namespace drover::wire::contract
