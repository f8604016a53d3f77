// Reading back what is durable: single records, pages of events, and segments to be cleaned.
//
// Runs on the chore thread. Everything read is checked before it is believed: STORE_DAMAGED with
// file and offset for what is not as it was written, IO_FAILED for what cannot be read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/store/journal/io.hpp"
#include "broker/store/journal/layout.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::journal {

Result<std::string> read_record(File& file, const Locator& where);

// A stretch of whole groups within one segment.
struct Stretch {
  std::shared_ptr<File> file;
  std::uint32_t segment = 0;
  std::uint64_t salt = 0;
  std::uint32_t from = 0, to = 0;
};

// Which events to read: with numbers from `first` to `last`, as far as `count` and `bytes` allow,
// but at least one.
struct EventRange {
  std::uint64_t first = 0, last = 0;
  std::size_t count = 0, bytes = 0;
};

// `stretches` hold all of them, in order.
Result<std::vector<Fetched::Event>> read_events(const std::vector<Stretch>& stretches,
                                                const EventRange& range);

// One or more groups from the beginning of the stretch, `bytes` or a little more, one after the
// other as they are on disk.
Result<std::string> read_groups(const Stretch& stretch, std::uint64_t bytes);

}  // namespace drover::broker::journal
