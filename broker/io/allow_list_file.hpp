// The file of an allow-list: read by the broker, which also notices when it changed, and edited by
// commands, one at a time.
//
// A change is written beside the file, made durable and moved into its place, so whoever reads sees
// the list before it or after it and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "broker/io/allow_list.hpp"

namespace drover::broker {

// Errors: BAD_CONFIGURATION with the path: it cannot be read, others than its owner may write it,
// or as of AllowList::parse.
Result<AllowList> read_allow_list(const std::string& path);

// Lets `change` alter the list and writes it; a file that is not there is an empty list. Owner and
// mode stay; a new file is its user's own. Waits up to five seconds for another editor. Errors:
// those of `change`, after which nothing is written; as of read_allow_list; IO_FAILED.
Result<void> edit_allow_list(const std::string& path,
                             const std::function<Result<void>(AllowList&)>& change);

// Which state of a file it is: two that differ were not read at the same time.
struct FileStamp {
  std::uint64_t inode = 0;  // 0: there is no file
  std::int64_t size = 0;
  std::int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const std::string& path);

}  // namespace drover::broker
