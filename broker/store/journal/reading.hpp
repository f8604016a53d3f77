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

// The events with numbers from `first` to `last`, as far as `count` and `bytes` allow but at least
// one. `stretches` hold them all, in order.
Result<std::vector<Fetched::Event>> read_events(const std::vector<Stretch>& stretches,
                                                std::uint64_t first, std::uint64_t last,
                                                std::size_t count, std::size_t bytes);

// One or more groups from the beginning of the stretch, `bytes` or a little more, one after the
// other as they are on disk.
Result<std::string> read_groups(const Stretch& stretch, std::uint64_t bytes);

}  // namespace drover::broker::journal
