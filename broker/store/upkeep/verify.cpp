#include "broker/store/upkeep/verify.hpp"

#include <utility>

#include "broker/store/journal/posix_io.hpp"
#include "broker/store/journal/recovery.hpp"
#include "broker/store/upkeep/replay.hpp"

namespace drover::broker::upkeep {
namespace {

using journal::Io;

// Claims the folder, as far as those do who only look, for as long as `read` takes.
template <class Read>
auto with_store(const std::string& directory, Read read) -> decltype(read(std::declval<Io&>())) {
  const auto io = journal::PosixIo::open_to_read(directory);
  if (!io) return io.error();
  if (auto locked = (*io)->lock(); !locked) return locked.error();
  return read(**io);
}

Result<journal::Recovered> recover_some(Io& io, const journal::Visit& visit) {
  auto recovered = journal::recover(io, visit);
  if (recovered && recovered->segments.empty()) {
    return Error{Errc::not_found, "there is no store"};
  }
  return recovered;
}

}  // namespace

Result<Verified> verify(const std::string& directory) {
  return with_store(directory, [](Io& io) { return verify(io); });
}

Result<Verified> verify(Io& io) {
  Verified found;
  Replay replay;
  const auto recovered = recover_some(io, [&](const Kept& kept) {
    ++found.records;
    return replay.take(kept);
  });
  if (!recovered) return recovered.error();
  if (auto balanced = replay.finish(); !balanced) return balanced.error();
  found.store = recovered->segments.newest().header.store;
  found.segments = recovered->segments.size();
  found.groups = recovered->groups;
  found.newest_seq = recovered->next_seq - 1;
  found.oldest_seq = recovered->segments.oldest().header.first_seq;
  found.tasks = replay.core().figures().tasks;
  found.torn_tail_bytes = recovered->torn_tail_bytes;
  found.marked = recovered->has_mark;
  found.newest_at = replay.newest();
  return found;
}

Result<void> read_records(const std::string& directory,
                          const std::function<Result<void>(const Kept&, const Record&)>& visit) {
  return with_store(directory, [&](Io& io) -> Result<void> {
    const auto recovered = recover_some(io, [&](const Kept& kept) -> Result<void> {
      const auto stored = decode(kept);
      return stored ? visit(kept, stored->record) : stored.error();
    });
    return recovered ? Result<void>() : recovered.error();
  });
}

}  // namespace drover::broker::upkeep
