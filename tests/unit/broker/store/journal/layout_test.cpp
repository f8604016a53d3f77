#include "broker/store/journal/layout.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "common/base/crc32c.hpp"

namespace drover::broker::journal {
namespace {

SegmentHeader some_header() {
  SegmentHeader header;
  header.store = StoreId::from_bytes("0123456789abcdef");
  header.number = 7;
  header.oldest = 3;
  header.salt = 0x1122334455667788;
  header.first_seq = 1'000'000'007;
  header.bytes = 64 * 1024 * 1024;
  header.previous_end = 67'108'000;
  return header;
}

// A header changed by hand, with a checksum that fits again.
std::string with_version(std::uint32_t version) {
  std::string bytes = encode(some_header());
  std::memcpy(bytes.data() + 8, &version, 4);
  const auto crc = crc32c({bytes.data(), kSegmentHeaderBytes - 4});
  std::memcpy(bytes.data() + kSegmentHeaderBytes - 4, &crc, 4);
  return bytes;
}

struct Sealed {
  std::string bytes = std::string(kGroupHeaderBytes, '\0');
  GroupHeader header;
};

Sealed seal(const std::vector<std::string>& records, std::uint32_t segment, std::uint32_t offset) {
  Sealed group;
  for (const auto& record : records)
    append_record(group.bytes, record, record.starts_with("carried"));
  group.header.salt = 0xfeedfacecafebeef;
  group.header.body_bytes = static_cast<std::uint32_t>(group.bytes.size()) - kGroupHeaderBytes;
  group.header.first_seq = 42;
  group.header.time_ms = 1'800'000'000'000;
  group.header.records = static_cast<std::uint32_t>(records.size());
  group.header.numbered = 1;
  group.bytes.resize(group.header.group_bytes());
  seal_group(group.bytes, segment, offset, group.header);
  return group;
}

TEST(Layout, ASegmentHeaderIsReadBackAsItWasWritten) {
  const std::string bytes = encode(some_header());
  EXPECT_EQ(bytes.size(), kSegmentHeaderBytes);
  const auto header = decode_segment_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(*header, some_header());
}

TEST(Layout, AnyFlippedBitOfASegmentHeaderIsFound) {
  std::string bytes = encode(some_header());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const auto header = decode_segment_header(bytes);
    ASSERT_FALSE(header) << "bit " << bit;
    ASSERT_EQ(header.error().code, Errc::store_damaged);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
}

TEST(Layout, AHeaderOfALaterFormatIsTooNewAndOneOfNoneIsDamaged) {
  EXPECT_TRUE(decode_segment_header(with_version(kFormatVersion)));
  EXPECT_EQ(decode_segment_header(with_version(kFormatVersion + 1)).error().code,
            Errc::store_too_new);
  EXPECT_EQ(decode_segment_header(with_version(0)).error().code, Errc::store_damaged);
}

// With a checksum that fits, as a fault of memory would leave it, or somebody's hand.
TEST(Layout, ASegmentHeaderThatContradictsItselfIsDamage) {
  const auto refused = [](auto change) {
    SegmentHeader header = some_header();
    change(header);
    const auto read = decode_segment_header(encode(header));
    return !read && read.error().code == Errc::store_damaged;
  };
  EXPECT_TRUE(refused([](SegmentHeader& h) { h.oldest = h.number + 1; }));
  EXPECT_TRUE(refused([](SegmentHeader& h) { h.oldest = 0; }));
  EXPECT_TRUE(refused([](SegmentHeader& h) { h.salt = 0; }));
  EXPECT_TRUE(refused([](SegmentHeader& h) { h.first_seq = 0; }));
}

// What is on people's disks: a change here is a new format version.
TEST(Layout, TheFormatIsPinned) {
  EXPECT_EQ(kFormatVersion, 1U);
  // All but the checksum at the end, with which every one would have the same.
  const auto pin = [](const std::string& bytes) {
    return crc32c({bytes.data(), bytes.size() - 4});
  };
  EXPECT_EQ(pin(encode(some_header())), 2845483353U);
  EXPECT_EQ(pin(seal({"a record", "carried over"}, 7, 512).bytes), 2614790607U);
  const Mark mark{some_header().store, 7, 1024, some_header().salt, 99, 0x01020304};
  EXPECT_EQ(pin(encode(mark)), 1011958793U);
}

TEST(Layout, NamesAreReadBackAndNothingElseIs) {
  EXPECT_EQ(segment_name(7), "segment-0000000007");
  EXPECT_EQ(parse_segment_name("segment-0000000007"), 7U);
  EXPECT_EQ(parse_segment_name(segment_name(UINT32_MAX)), UINT32_MAX);
  EXPECT_EQ(spare_name(12), "spare-12");
  EXPECT_EQ(parse_spare_name("spare-12"), 12U);
  for (const auto* name : {"segment-7", "segment-0000000000", "segment-00000000071", "segment-",
                           "segment-000000000x", "segment-99999999999", "spare-12", "mark", ""}) {
    EXPECT_FALSE(parse_segment_name(name)) << name;
  }
  for (const auto* name : {"spare-", "spare-012", "spare-1 ", "spare--1", "segment-0000000007"}) {
    EXPECT_FALSE(parse_spare_name(name)) << name;
  }
}

TEST(Layout, ASealedGroupTellsWhatIsInIt) {
  const Sealed group = seal({"a record", "carried over"}, 7, 512);
  EXPECT_EQ(group.bytes.size() % 8, 0U);
  const GroupHeader header = decode_group_header(group.bytes);
  EXPECT_EQ(header.salt, group.header.salt);
  EXPECT_EQ(header.crc, crc_of_group(group.bytes, 7));
  EXPECT_NE(header.crc, crc_of_group(group.bytes, 8)) << "of another segment it is another";
  EXPECT_EQ(header.first_seq, 42U);
  EXPECT_EQ(header.records, 2U);

  RecordWalk walk(std::string_view(group.bytes).substr(kGroupHeaderBytes, header.body_bytes),
                  512 + kGroupHeaderBytes);
  const auto first = walk.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->bytes, "a record");
  EXPECT_EQ(first->offset, 512 + kGroupHeaderBytes + kRecordHeaderBytes);
  EXPECT_FALSE(first->carried);
  const auto second = walk.next();
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->carried);
  EXPECT_FALSE(walk.next());
  EXPECT_FALSE(walk.broken());
}

TEST(Layout, ARecordIsBelievedOnlyAtItsPlace) {
  const Sealed group = seal({"a record"}, 7, 512);
  const auto framed =
      std::string_view(group.bytes).substr(kGroupHeaderBytes, kRecordHeaderBytes + 8);
  const std::uint32_t offset = 512 + kGroupHeaderBytes + kRecordHeaderBytes;
  EXPECT_TRUE(is_record(framed, 7, offset));
  EXPECT_FALSE(is_record(framed, 8, offset));
  EXPECT_FALSE(is_record(framed, 7, offset + 8));
  EXPECT_FALSE(is_record(framed.substr(0, framed.size() - 1), 7, offset));
}

TEST(Layout, AWalkStopsWhereABodyMakesNoSense) {
  std::string body;
  append_record(body, "fine", false);
  append_record(body, "cut off", false);
  for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, std::size_t{14}}) {
    RecordWalk walk(std::string_view(body).substr(0, body.size() - cut), 0);
    EXPECT_EQ(walk.next()->bytes, "fine");
    EXPECT_FALSE(walk.next());
    EXPECT_TRUE(walk.broken());
    EXPECT_FALSE(walk.next());
  }
}

TEST(Layout, AMarkThatIsNotWholeSaysNothing) {
  const Mark mark{some_header().store, 7, 1024, some_header().salt, 99, 0x01020304};
  std::string bytes = encode(mark);
  EXPECT_EQ(bytes.size(), kMarkBytes);
  EXPECT_EQ(decode_mark(bytes), mark);
  EXPECT_FALSE(decode_mark(bytes.substr(0, kMarkBytes - 1)));
  EXPECT_FALSE(decode_mark(std::string(kMarkBytes, '\0')));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    ASSERT_FALSE(decode_mark(bytes)) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
}

}  // namespace
}  // namespace drover::broker::journal
