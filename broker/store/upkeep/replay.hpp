// What a store comes to: its records put together as a broker would at its start.
//
// One thread. Memory: what the broker would need for its tasks, without payloads.
#pragma once

#include "broker/core/core.hpp"
#include "broker/store/record_codec.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::upkeep {

class Replay {
 public:
  Replay();

  // Every record, oldest first. STORE_DAMAGED, with its place, for one that makes no sense.
  Result<void> take(const Kept& kept);
  // The same of a record that was decoded already.
  Result<void> take(const Kept& kept, const Record& record);

  // After the last one. STORE_DAMAGED if the books do not balance; the tasks are in place all the
  // same.
  Result<void> finish();

  Core& core() { return core_; }
  // When the newest decision was made.
  Instant newest() const { return newest_; }

 private:
  Core core_;
  Instant newest_{};
};

// The record as the store kept it; STORE_DAMAGED with its place.
Result<StoredRecord> decode(const Kept& kept);

}  // namespace drover::broker::upkeep
