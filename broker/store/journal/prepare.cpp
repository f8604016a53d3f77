#include "broker/store/journal/prepare.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/store/journal/commit.hpp"

namespace drover::broker::journal {
namespace {

constexpr std::uint64_t kRetainDefaultMax = 4ULL * 1024 * 1024 * 1024;

std::int64_t system_clock_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// A name that no spare has.
std::string free_spare_name(const std::vector<std::string>& taken) {
  std::uint32_t highest = 0;
  for (const auto& name : taken) highest = std::max(highest, parse_spare_name(name).value_or(0));
  return spare_name(highest + 1);
}

SegmentHeader first_header(const JournalOptions& options, Random& random) {
  SegmentHeader header;
  header.store.bytes = make_uuid_v4(random);
  header.number = header.oldest = 1;
  header.salt = random.next() | 1;
  header.first_seq = 1;
  header.bytes = options.segment_bytes;
  return header;
}

Result<void> remove_leftovers(Io& io, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (auto removed = io.remove(name); !removed) return removed;
  }
  return {};
}

// Takes a spare over if it has the right size, with its space; removes it otherwise.
Result<void> adopt(Io& io, const std::string& name, std::uint64_t bytes, std::vector<Spare>& into) {
  auto file = io.open(name, OpenMode::existing);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  if (*size != bytes || into.size() >= kSpares) return io.remove(name);
  into.push_back({name, std::move(*file)});
  return {};
}

Result<std::shared_ptr<File>> open_mark(Io& io, bool exists) {
  const std::string name(kMarkName);
  auto file = io.open(name, exists ? OpenMode::existing : OpenMode::create);
  if (!file) return file;
  if (auto reserved = (*file)->preallocate(kMarkBytes); !reserved) return reserved.error();
  return file;
}

// In a directory without a journal: returns what recovering the new one would.
Result<Recovered> create(Io& io, const JournalOptions& options, Random& random,
                         std::vector<std::string> spares) {
  const std::string spare = free_spare_name(spares);
  auto file = make_spare(io, spare, options.segment_bytes);
  if (!file) return file.error();
  Segment first;
  first.header = first_header(options, random);
  first.file = *file;
  if (auto begun = begin_segment(io, **file, spare, first.header); !begun) return begun.error();
  Recovered created;
  created.spares = std::move(spares);
  created.segments.add(std::move(first));
  return created;
}

Result<Recovered> recover_or_create(Io& io, const JournalOptions& options, Random& random,
                                    const Visit& visit) {
  auto recovered = recover(io, visit);
  if (!recovered || !recovered->segments.empty()) return recovered;
  return create(io, options, random, std::move(recovered->spares));
}

}  // namespace

Result<JournalOptions> complete(JournalOptions options, Io& io) {
  const auto bytes = options.segment_bytes;
  if (bytes < kSegmentBytesMin || bytes > kSegmentBytesMax || bytes % 512 != 0) {
    return Error{Errc::bad_configuration, "a segment has 4 KiB to 1 GiB, a multiple of 512 bytes",
                 "segment_bytes"};
  }
  if (!options.clock_ms) options.clock_ms = system_clock_ms;
  if (options.retain_bytes != 0) return options;
  const auto space = io.space();
  if (!space) return space.error();
  options.retain_bytes = std::min(kRetainDefaultMax, space->total_bytes / 10);
  return options;
}

Result<Prepared> prepare(Io& io, const JournalOptions& options, Random& random,
                         const Visit& visit) {
  auto recovered = recover_or_create(io, options, random, visit);
  if (!recovered) return recovered.error();
  Prepared prepared{std::move(*recovered), nullptr, {}};
  const Recovered& found = prepared.recovered;
  if (auto synced = found.segments.newest().file->sync(); !synced) return synced.error();
  // Before anything goes that the newest segment's header gives up: its name may not be durable
  // yet.
  if (auto synced = io.sync_directory(); !synced) return synced.error();
  if (auto done = remove_leftovers(io, found.leftovers); !done) return done.error();
  for (const auto& name : found.spares) {
    auto done = adopt(io, name, options.segment_bytes, prepared.spares);
    if (!done) return done.error();
  }
  auto mark = open_mark(io, found.has_mark);
  if (!mark) return mark.error();
  prepared.mark = std::move(*mark);
  if (auto marked = write_mark(*prepared.mark, mark_of(found)); !marked) return marked.error();
  if (auto synced = io.sync_directory(); !synced) return synced.error();
  return prepared;
}

}  // namespace drover::broker::journal
