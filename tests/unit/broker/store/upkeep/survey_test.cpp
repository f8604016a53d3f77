// What a walk over a damaged store brings back: everything that the damage did not touch, in order,
// and a gap wherever it did.

#include "broker/store/upkeep/survey.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/store/journal/inline_journal_store.hpp"
#include "broker/store/record_codec.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::broker::upkeep {
namespace {

using journal::InlineJournalStore;
using test::SimDisk;

constexpr std::uint64_t kSegment = 4 * 1024;

std::string record_of(std::uint64_t number) {
  Record record;
  record.kind = number % 5 == 0 ? RecordKind::whole : RecordKind::created;
  record.task.bytes.fill(static_cast<std::uint8_t>(number));
  record.tenant = record.queue = "default";
  record.type = "work";
  record.admission = number;
  const std::string blob(number % 90, 'b');
  record.blob = blob;
  std::string bytes;
  encode_record(record, bytes);
  return bytes;
}

struct Seen {
  std::uint64_t seq;
  Locator where;
  std::string bytes;

  bool operator==(const Seen&) const = default;
};

struct Walked {
  std::vector<Seen> records;
  std::vector<Gap> gaps;
};

class Survey : public testing::Test {
 protected:
  // Some segments of groups with one, two or three records.
  Survey() {
    journal::JournalOptions options;
    options.segment_bytes = kSegment;
    options.retain_bytes = 1024 * kSegment;
    options.seed = 3;
    options.clock_ms = [] { return std::int64_t{1'800'000'000'000}; };
    InlineJournalStore store(disk, options);
    EXPECT_TRUE(store.open([](const Kept&) { return Result<void>(); }));
    for (std::uint64_t number = 1; store.figures().segments < 4; ++number) {
      const auto bytes = record_of(number);
      const std::string_view one[] = {bytes};
      if (number % 5 == 0) {
        store.carry(bytes);
      } else {
        store.append(one);
      }
      if (number % 3 == 0) store.flush();
      store.pump_all();
    }
    store.close();
    whole = walk(disk);
  }

  static Walked walk(SimDisk& damaged) {
    Walked walked;
    const auto surveyed = survey(
        damaged, {[&](const Kept& kept) {
                    walked.records.push_back({kept.seq, kept.where, std::string(kept.bytes)});
                  },
                  [&](const Gap& gap) { walked.gaps.push_back(gap); }});
    EXPECT_TRUE(surveyed) << surveyed.error().message;
    return walked;
  }

  static bool overlaps(const Seen& record, std::uint32_t segment, std::uint64_t from,
                       std::uint64_t to) {
    const auto begin = record.where.offset - journal::kRecordHeaderBytes;
    return record.where.segment == segment && begin < to &&
           from < record.where.offset + record.where.length;
  }

  // All that the damage did not touch is there, in order; what is missing lies in a named gap.
  void expect_salvaged(const Walked& walked, std::uint32_t segment, std::uint64_t from,
                       std::uint64_t to) const {
    auto at = walked.records.begin();
    for (const auto& record : whole.records) {
      const bool here = at != walked.records.end() && at->where == record.where;
      if (here) {
        ASSERT_EQ(at->bytes, record.bytes);
        ++at;
        continue;
      }
      ASSERT_TRUE(overlaps(record, segment, from, to))
          << "a record at " << record.where.segment << "/" << record.where.offset << " is gone";
      ASSERT_TRUE(is_named(walked, record)) << "event " << record.seq << " is missing, unnamed";
    }
    ASSERT_EQ(at, walked.records.end()) << "a record came from nowhere";
  }

  static bool is_named(const Walked& walked, const Seen& record) {
    for (const auto& gap : walked.gaps) {
      const bool holds_event = gap.may_hold_events && gap.first_seq <= record.seq &&
                               (gap.last_seq == 0 || record.seq <= gap.last_seq);
      if (gap.file == journal::segment_name(record.where.segment) &&
          (record.seq == 0 || holds_event)) {
        return true;
      }
    }
    return false;
  }

  SimDisk disk{1};
  Walked whole;
};

TEST_F(Survey, OfAWholeStoreFindsEverythingAndNoGap) {
  EXPECT_TRUE(whole.gaps.empty());
  EXPECT_GT(whole.records.size(), 60u);
  std::uint64_t seq = 0;
  for (const auto& record : whole.records) {
    if (record.seq != 0) {
      EXPECT_EQ(record.seq, ++seq);
    }
  }
}

TEST_F(Survey, LosesNoMoreThanTheRecordThatABitWasFlippedIn) {
  for (const auto& name : disk.names()) {
    const auto segment = journal::parse_segment_name(name);
    if (!segment) continue;
    for (std::uint64_t byte = 0; byte < kSegment; byte += 7) {
      SimDisk damaged = disk;
      damaged.flip_bit(name, byte * 8 + byte % 8);
      SCOPED_TRACE(name + " byte " + std::to_string(byte));
      expect_salvaged(walk(damaged), *segment, byte, byte + 1);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(Survey, LosesNoMoreThanTheSectorsThatWereZeroed) {
  for (std::uint64_t from = 512; from < kSegment; from += 512) {
    SimDisk damaged = disk;
    auto bytes = damaged.contents(journal::segment_name(2));
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), 512, '\0');
    damaged.set_contents(journal::segment_name(2), bytes);
    SCOPED_TRACE(from);
    expect_salvaged(walk(damaged), 2, from, from + 512);
  }
}

TEST_F(Survey, NamesASegmentThatIsMissingAndTheEventsInIt) {
  for (std::uint32_t number = 1; number <= 4; ++number) {
    SimDisk damaged = disk;
    damaged.erase(journal::segment_name(number));
    const auto walked = walk(damaged);
    expect_salvaged(walked, number, 0, kSegment);
    ASSERT_EQ(walked.gaps.size(), 1u);
    EXPECT_EQ(walked.gaps[0].what, "the segment is missing");
    EXPECT_NE(walked.gaps[0].last_seq, 0u)
        << "what is behind it, or the mark, tells how far it went";
  }
}

TEST_F(Survey, GoesOnBehindASegmentThatWasCutOff) {
  for (std::uint64_t size : {0u, 100u, 600u, 2048u}) {
    SimDisk damaged = disk;
    damaged.set_contents(journal::segment_name(3),
                         damaged.contents(journal::segment_name(3)).substr(0, size));
    SCOPED_TRACE(size);
    expect_salvaged(walk(damaged), 3, size < 512 ? 0 : size, kSegment);
  }
}

TEST_F(Survey, KnowsByTheMarkThatTheEndIsGone) {
  SimDisk damaged = disk;
  auto bytes = damaged.contents(journal::segment_name(4));
  std::fill(bytes.begin() + 512, bytes.end(), '\0');
  damaged.set_contents(journal::segment_name(4), bytes);
  const auto walked = walk(damaged);
  ASSERT_EQ(walked.gaps.size(), 1u);
  EXPECT_EQ(walked.gaps[0].file, journal::segment_name(4));
  EXPECT_EQ(walked.gaps[0].last_seq, whole.records.back().seq);
}

TEST_F(Survey, SaysWhereThereIsNoStore) {
  SimDisk empty;
  EXPECT_EQ(survey(empty, {[](const Kept&) {}, [](const Gap&) {}}).error().code, Errc::not_found);
}

}  // namespace
}  // namespace drover::broker::upkeep
