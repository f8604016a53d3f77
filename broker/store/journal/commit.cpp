#include "broker/store/journal/commit.hpp"

#include "broker/core/planted.hpp"

namespace drover::broker::journal {

void Commit::write(Io& io) {
  if (group->begins) outcome = begin_segment(io, *file, spare, *group->begins);
  if (!outcome) return;
  group->finish();
  outcome = write_all(*file, group->offset(), group->bytes());
}

void Commit::sync() {
  if (!planted(Planted::sync_skipped)) outcome = file->sync();
  if (!outcome) return;
  const GroupHeader& header = group->header();
  outcome = write_mark(
      *mark, {store, group->segment(), group->end(), header.salt, group->next_seq(), header.crc});
}

Result<void> write_mark(File& mark, const Mark& value) { return write_all(mark, 0, encode(value)); }

Result<void> begin_segment(Io& io, File& file, const std::string& spare,
                           const SegmentHeader& header) {
  if (auto written = write_all(file, 0, encode(header)); !written) return written;
  if (auto synced = file.sync(); !synced) return synced;
  if (auto renamed = io.rename(spare, segment_name(header.number)); !renamed) return renamed;
  return io.sync_directory();
}

}  // namespace drover::broker::journal
