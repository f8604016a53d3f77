// What can be set about a journal.
//
// The defaults are those of a broker; tests use segments of a few KiB.
#pragma once

#include <cstdint>
#include <functional>
#include <random>

namespace drover::broker::journal {

struct JournalOptions {
  // The size of a segment's file. 4 KiB to 1 GiB, a multiple of 512. A journal whose segments have
  // another size goes on with the new one from its next segment.
  std::uint64_t segment_bytes = 64 * 1024 * 1024;

  // How much of the log is kept for replay; more where the core needs more (Store::set_live_bytes).
  // At least 4 segments. 0 = 4 GiB, or a tenth of the disk if that is less.
  std::uint64_t retain_bytes = 0;

  // Recent records kept in memory. What is not durable yet is kept beyond it.
  std::uint64_t cache_bytes = 64 * 1024 * 1024;

  // Of the store's id and the segments' salts. The journal mixes in what it finds on disk, so a
  // test may start with the same seed again and again.
  std::uint64_t seed = (std::uint64_t{std::random_device()()} << 32) | std::random_device()();

  // Milliseconds since 1970, for the times in the log. The default is the system's clock.
  std::function<std::int64_t()> clock_ms;
};

// What the journal keeps to, whatever the options say.
inline constexpr std::uint64_t kSegmentBytesMin = 4 * 1024;
inline constexpr std::uint64_t kSegmentBytesMax = 1024 * 1024 * 1024;
inline constexpr std::uint32_t kSegmentsRetainedMin = 4;
inline constexpr std::uint32_t kSpares = 3;  // held ready; below, submissions stop on a full disk

// A group takes no more once it has this many bytes, so that a page of events, which is read by
// whole groups, costs little; the next group of the same turn follows at once.
inline constexpr std::uint64_t kGroupBytes = 512 * 1024;

// The distance of the places at which a segment's reading can begin.
inline constexpr std::uint64_t kLandmarkBytes = 256 * 1024;

}  // namespace drover::broker::journal
