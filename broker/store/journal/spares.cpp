#include "broker/store/journal/spares.hpp"

#include <algorithm>
#include <utility>

namespace drover::broker::journal {
namespace {

Result<void> fill(File& file, std::uint64_t bytes) {
  if (auto reserved = file.preallocate(bytes); !reserved) return reserved;
  // The space is there: a sync that says there is none tells of writes that are lost, whosever.
  if (auto synced = file.sync(); !synced) return Error{Errc::io_failed, synced.error().message};
  return {};
}

// Gives a segment's file the name of a spare. One that a reader holds goes instead: what the reader
// has open stays as it is, and the spare is without a file.
Result<void> reuse(Io& io, const std::string& old, Spare& spare) {
  if (auto renamed = io.rename(old, spare.name); !renamed) return renamed;
  if (!spare.file->is_held()) return {};
  spare.file = nullptr;
  return io.remove(spare.name);
}

}  // namespace

Result<std::shared_ptr<File>> make_spare(Io& io, const std::string& name, std::uint64_t bytes) {
  auto file = io.open(name, OpenMode::create);
  if (!file) return file;
  const auto filled = fill(**file, bytes);
  if (filled) return file;
  (void)io.remove(name);  // what made it fail is what there is to tell
  return filled.error();
}

void Spares::adopt(Spare spare) {
  const auto number = parse_spare_name(spare.name).value_or(0);
  next_number_ = std::max(next_number_, number + 1);
  ready_.push_back(std::move(spare));
}

std::optional<Spare> Spares::take() {
  if (ready_.empty()) return std::nullopt;
  Spare spare = std::move(ready_.front());
  ready_.pop_front();
  return spare;
}

void Spares::tend(std::size_t coming) {
  const auto have = ready_.size() + under_way_;
  // What is coming comes after the next segment: that one must have a file already.
  const bool missing = have + coming < kSpares || have == 0;
  if (!missing && !making_) lacks_space_ = blocked_ = false;
  if (missing && !making_ && !blocked_ && !failure_) make_one();
}

void Spares::make_one() {
  making_ = true;
  ++under_way_;
  auto spare = std::make_shared<Spare>(Spare{spare_name(next_number_++), nullptr});
  auto outcome = std::make_shared<Result<void>>();
  hands_.give(Chore{[spare, outcome, bytes = bytes_](Io& io) {
                      auto made = make_spare(io, spare->name, bytes);
                      if (made) {
                        spare->file = std::move(*made);
                      } else {
                        *outcome = made.error();
                      }
                    },
                    [this, spare, outcome] {
                      making_ = false;
                      came(*spare, *outcome);
                    }});
}

void Spares::recycle(const Segment& segment) {
  const bool wanted = ready_.size() + under_way_ < kSpares && segment.header.bytes == bytes_;
  if (wanted) ++under_way_;
  auto spare = std::make_shared<Spare>();
  if (wanted) *spare = {spare_name(next_number_++), segment.file};
  auto outcome = std::make_shared<Result<void>>();
  hands_.give(Chore{[old = segment_name(segment.number()), spare, outcome](Io& io) {
                      *outcome = spare->file ? reuse(io, old, *spare) : io.remove(old);
                      // Not used again before the old name is gone for good.
                      if (*outcome) *outcome = io.sync_directory();
                    },
                    [this, wanted, spare, outcome] {
                      if (wanted) return came(*spare, *outcome);
                      if (!*outcome) failure_ = outcome->error();
                    }});
}

void Spares::came(const Spare& spare, const Result<void>& outcome) {
  --under_way_;
  if (outcome) {
    if (spare.file) ready_.push_back(spare);
  } else if (outcome.error().code == Errc::storage_full) {
    lacks_space_ = blocked_ = true;
  } else {
    failure_ = outcome.error();
  }
}

}  // namespace drover::broker::journal
