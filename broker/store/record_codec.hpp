// Records to bytes and back: a msgpack array with the fields of Record in their order, appended to
// by later releases and read by them for ever.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/core/record.hpp"
#include "common/base/result.hpp"

namespace drover::broker {

// Appends the record's bytes to `out`.
void encode_record(const Record& record, std::string& out);

// A record read back. Its views point into the bytes it was read from, `history` into itself.
struct StoredRecord {
  Record record;
  std::vector<Attempt> attempts;
};

// Fails with MALFORMED on anything that encode_record did not write.
Result<StoredRecord> decode_record(std::string_view bytes);

// The blob alone, without reading the rest: for the payload on its way to a worker.
Result<std::string_view> blob_of(std::string_view bytes);

}  // namespace drover::broker
