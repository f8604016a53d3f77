#include "broker/store/upkeep/copy.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "broker/store/journal/commit.hpp"
#include "broker/store/journal/damage.hpp"
#include "broker/store/journal/group_reader.hpp"
#include "broker/store/journal/posix_io.hpp"
#include "broker/store/journal/recovery.hpp"
#include "broker/store/upkeep/new_store.hpp"
#include "broker/store/upkeep/replay.hpp"

namespace drover::broker::upkeep {
namespace {

using journal::File;
using journal::Io;
using journal::kSegmentHeaderBytes;
using journal::Mark;
using journal::OpenMode;
using journal::PosixIo;
using journal::segment_name;
using journal::SegmentHeader;

constexpr std::uint64_t kPieceBytes = 1024 * 1024;
// So little waits for the disk at once that the journal's own syncs do not wait for it.
constexpr std::uint64_t kSyncEvery = 4 * kPieceBytes;

// A segment, and how much of it belongs to the copy.
struct Part {
  SegmentHeader header;
  std::shared_ptr<File> file;
  std::uint64_t end = 0;

  std::string name() const { return segment_name(header.number); }
};

// What is copied: whole segments without a gap, the last one up to where the mark says.
struct Cut {
  std::vector<Part> parts;  // by number
  Mark mark;
};

Result<SegmentHeader> read_header(File& file) {
  std::string bytes(kSegmentHeaderBytes, '\0');
  if (auto read = journal::read_exactly(file, 0, bytes); !read) return read.error();
  return journal::decode_segment_header(bytes);
}

// Opens a segment and keeps its file from being used again; none if it is, or soon will be.
Result<std::shared_ptr<File>> open_held(Io& io, const std::string& name) {
  auto file = io.open(name, OpenMode::existing);
  if (!file) return file;
  if (auto held = (*file)->hold(); !held) return held.error();
  const auto again = io.open(name, OpenMode::existing);  // NOT_FOUND if it was held too late
  if (!again) return again.error();
  return file;
}

// Opens the segments that are not among `parts` yet. One that is renamed away meanwhile is not
// needed by any cut that is made later.
Result<void> open_parts(Io& io, std::vector<Part>& parts) {
  const auto names = io.list();
  if (!names) return names.error();
  for (const auto& name : *names) {
    const auto number = journal::parse_segment_name(name);
    const bool known =
        std::ranges::any_of(parts, [&](const Part& part) { return part.header.number == number; });
    if (!number || known) continue;
    auto file = open_held(io, name);
    if (!file && file.error().code == Errc::not_found) continue;
    if (!file) return file.error();
    const auto header = read_header(**file);
    if (!header) return Error{header.error().code, name + ", offset 0: " + header.error().message};
    if (header->number == *number) parts.push_back({*header, std::move(*file), 0});
  }
  std::ranges::sort(parts, {}, [](const Part& part) { return part.header.number; });
  return {};
}

// Finds the end of the group that the event is in, and what the mark says of it.
Result<Mark> mark_at(const Part& part, std::uint64_t seq) {
  Mark mark{part.header.store, part.header.number,    kSegmentHeaderBytes,
            part.header.salt,  part.header.first_seq, 0};
  journal::GroupReader reader(*part.file, part.header.number, part.header.salt, kSegmentHeaderBytes,
                              part.header.bytes);
  while (mark.next_seq <= seq) {
    const auto group = reader.next();
    if (!group) return group.error();
    if (!*group) return journal::damaged(part.name(), reader.offset(), "the group here is damaged");
    mark.end = (*group)->end();
    mark.next_seq = (*group)->next_seq();
    mark.group_crc = (*group)->header.crc;
  }
  return mark;
}

// Cuts the log behind the event: the segments from the oldest that its newest one needs.
Result<Cut> cut_at(std::vector<Part> parts, std::uint64_t seq) {
  const auto holds = [&](const Part& part) { return part.header.first_seq <= std::max(seq, 1UL); };
  const auto behind = std::ranges::find_if_not(parts, holds);
  if (behind == parts.begin()) return Error{Errc::not_found, "there is no store to copy"};
  parts.erase(behind, parts.end());
  const SegmentHeader newest = parts.back().header;
  std::erase_if(parts, [&](const Part& part) { return part.header.number < newest.oldest; });
  if (parts.size() != newest.number - newest.oldest + 1) {
    return journal::damaged(segment_name(newest.oldest), 0, "a segment is missing behind this one");
  }
  const auto mark = mark_at(parts.back(), seq);
  if (!mark) return mark.error();
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    parts[i].end = parts[i + 1].header.previous_end;
  }
  parts.back().end = mark->end;
  return Cut{std::move(parts), *mark};
}

// One copy on its way.
class Copy {
 public:
  Copy(NewStore& into, const StoreId& id, bool is_backup, const Pace& pace)
      : into_(into), id_(id), is_backup_(is_backup), pace_(pace) {}

  Result<void> run(Cut cut) {
    for (const auto& part : cut.parts) progress_.all += part.end;
    Mark mark = cut.mark;
    mark.store = id_;
    if (auto marked = write_mark(mark); !marked) return marked;
    for (auto& part : cut.parts) {
      if (auto copied = copy(part); !copied) return copied;
      part.file.reset();  // the broker may have it
    }
    return into_.io().sync_directory();
  }

 private:
  Result<void> write_mark(const Mark& mark) {
    const auto file = into_.io().open(std::string(journal::kMarkName), OpenMode::create);
    if (!file) return file.error();
    if (auto written = journal::write_mark(**file, mark); !written) return written;
    return (*file)->sync();
  }

  Result<void> copy(const Part& part) {
    const auto file = into_.io().open(part.name(), OpenMode::create);
    if (!file) return file.error();
    if (auto sized = give_size(**file, part); !sized) return sized;
    SegmentHeader header = part.header;
    header.store = id_;
    if (auto begun = journal::write_all(**file, 0, journal::encode(header)); !begun) return begun;
    for (std::uint64_t at = kSegmentHeaderBytes; at < part.end; at += piece_.size()) {
      if (auto moved = move_piece(part, **file, at); !moved) return moved;
    }
    if (auto synced = (*file)->sync(); !synced) return synced;
    return check_unchanged(part);
  }

  // A backup has holes where nothing was written; a store that will be used has its space.
  Result<void> give_size(File& file, const Part& part) {
    if (!is_backup_) return file.preallocate(part.header.bytes);
    return journal::write_all(file, part.header.bytes - 1, std::string_view("\0", 1));
  }

  Result<void> move_piece(const Part& part, File& into, std::uint64_t at) {
    piece_.resize(std::min(kPieceBytes, part.end - at));
    if (auto read = journal::read_exactly(*part.file, at, piece_); !read) return read;
    if (auto written = journal::write_all(into, at, piece_); !written) return written;
    unsynced_ += piece_.size();
    progress_.bytes += piece_.size();
    if (unsynced_ >= kSyncEvery) {
      unsynced_ = 0;
      if (auto synced = into.sync(); !synced) return synced;
    }
    return pace_(progress_);
  }

  Result<void> check_unchanged(const Part& part) {
    const auto header = read_header(*part.file);
    if (header && *header == part.header) return {};
    return Error{
        Errc::resource_exhausted,
        part.name() + " was used again by a broker before it was copied; begin a new copy"};
  }

  NewStore& into_;
  StoreId id_;
  bool is_backup_;
  const Pace& pace_;
  CopyProgress progress_;
  std::string piece_;
  std::uint64_t unsynced_ = 0;
};

Result<Verified> copy_to(const std::string& to, Cut cut, const StoreId& id, bool is_backup,
                         const Pace& pace) {
  auto into = NewStore::claim(to);
  if (!into) return into.error();
  if (auto copied = Copy(*into, id, is_backup, pace).run(std::move(cut)); !copied)
    return copied.error();
  auto verified = verify(into->io());
  if (verified) into->keep();
  return verified;
}

StoreId new_id() {
  std::random_device entropy;
  Random random((std::uint64_t{entropy()} << 32) | entropy());
  return StoreId{make_uuid_v4(random)};
}

Cut cut_of(const journal::Recovered& recovered) {
  Cut cut;
  for (const auto& segment : recovered.segments.all()) {
    cut.parts.push_back({segment.header, segment.file, segment.end});
  }
  cut.mark = journal::mark_of(recovered);
  return cut;
}

}  // namespace

Result<Verified> backup(const std::string& from, const StoreId& store, const Announce& announce,
                        const std::string& to, const Pace& pace) {
  const auto io = PosixIo::open_to_read(from);
  if (!io) return io.error();
  std::vector<Part> parts;
  if (auto opened = open_parts(**io, parts); !opened) return opened.error();
  const auto seq = announce();
  if (!seq) return seq.error();
  if (auto opened = open_parts(**io, parts); !opened) return opened.error();
  auto cut = cut_at(std::move(parts), *seq);
  if (!cut) return cut.error();
  if (cut->mark.store != store) {
    return Error{Errc::conflict, from + " holds another store than the broker's"};
  }
  return copy_to(to, std::move(*cut), store, true, pace);
}

Result<Verified> restore(const std::string& from, const std::string& to, const Pace& pace) {
  const auto io = PosixIo::open_to_read(from);
  if (!io) return io.error();
  if (auto locked = (*io)->lock(); !locked) return locked.error();
  Replay replay;
  const auto recovered =
      journal::recover(**io, [&](const Kept& kept) { return replay.take(kept); });
  if (!recovered) return recovered.error();
  if (recovered->segments.empty()) return Error{Errc::not_found, from + " holds no store"};
  if (auto balanced = replay.finish(); !balanced) return balanced.error();
  return copy_to(to, cut_of(*recovered), new_id(), false, pace);
}

}  // namespace drover::broker::upkeep
