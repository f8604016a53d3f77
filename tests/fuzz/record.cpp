#include "broker/store/record_codec.hpp"

#include "tests/fuzz/targets.hpp"

namespace drover::fuzz {

// What is read can be written and is then read with the same bytes; its blob is found without it.
void record(std::string_view input) {
  const auto blob = broker::blob_of(input);
  const auto first = broker::decode_record(input);
  if (!first) return;
  promise(blob && *blob == first->record.blob, "the blob is not where the record has it");
  std::string once, twice;
  broker::encode_record(first->record, once);
  const auto second = broker::decode_record(once);
  promise(second.has_value(), "a record that was written is refused");
  broker::encode_record(second->record, twice);
  promise(once == twice, "a record changed on its way");
}

}  // namespace drover::fuzz
