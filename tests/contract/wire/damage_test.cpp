// Every golden frame, torn, flipped and grown: refused or read, never trusted.
// Run with the sanitizers, this is where a read beyond a frame would show.

#include <gtest/gtest.h>

#include <memory>

#include "common/base/random.hpp"
#include "common/wire/reader.hpp"
#include "common/wire/writer.hpp"
#include "tests/contract/wire/message_json.hpp"
#include "tests/contract/wire/vectors.hpp"

namespace drover::wire::contract {
namespace {

// Reads the bytes from memory that ends where they end, and writes what was read.
Result<std::string> read_exactly(std::string_view family, std::string_view bytes) {
  const auto exact = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  return rewrite(family, {exact.get(), bytes.size()});
}

std::vector<Vector> all_frames() {
  auto frames = golden();
  for (const auto* file : {"tolerated", "refused"}) {
    for (auto& vector : load_vectors(file)) frames.push_back(std::move(vector));
  }
  return frames;
}

// Whatever was read can be written, and that is read and written as the same bytes.
void expect_stable(const std::string& family, const std::string& first, const std::string& name) {
  const auto second = read_exactly(family, first);
  ASSERT_TRUE(second) << name << ": " << second.error().message;
  ASSERT_EQ(to_hex(*second), to_hex(first)) << name;
}

TEST(DamageTest, ATornFrameIsRefusedWhereverItIsTorn) {
  for (const auto& v : golden()) {
    for (std::size_t size = 0; size < v.frame.size(); ++size) {
      const auto torn = read_exactly(v.family, std::string_view(v.frame).substr(0, size));
      ASSERT_FALSE(torn) << v.name << " at " << size;
      ASSERT_EQ(torn.error().code, Errc::malformed) << v.name << " at " << size;
    }
  }
}

TEST(DamageTest, AFlippedBitIsReadAsSomethingOrRefused) {
  std::size_t was_read = 0, was_refused = 0;
  for (const auto& v : all_frames()) {
    std::string frame = v.frame;
    for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
      const auto flip = [&] {
        frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ (1 << (bit % 8)));
      };
      flip();
      const auto flipped = read_exactly(v.family, frame);
      ++(flipped ? was_read : was_refused);
      if (flipped) expect_stable(v.family, *flipped, v.name);
      if (HasFatalFailure()) return;
      flip();
    }
  }
  EXPECT_GT(was_read, 1000u);
  EXPECT_GT(was_refused, 1000u);
}

TEST(DamageTest, AByteReplacedByAnyHeadOfAValueIsReadAsSomethingOrRefused) {
  // Heads that claim much: the longest texts, blobs, lists and maps, and what is no value.
  for (const auto& v : all_frames()) {
    std::string frame = v.frame;
    for (std::size_t at = 0; at < frame.size(); ++at) {
      const char before = frame[at];
      for (const int head : {0xc0, 0xc1, 0xc6, 0xc9, 0xcb, 0xcf, 0xd3, 0xdb, 0xdd, 0xdf, 0xff, 0x8f,
                             0x9f, 0xbf, 0x00, 0x7f}) {
        frame[at] = static_cast<char>(head);
        const auto damaged = read_exactly(v.family, frame);
        if (damaged) expect_stable(v.family, *damaged, v.name);
        if (HasFatalFailure()) return;
      }
      frame[at] = before;
    }
  }
}

TEST(DamageTest, AnyBytesAtAllAreReadAsSomethingOrRefused) {
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string frame(random.below(64), '\0');
    for (char& c : frame) c = static_cast<char>(random.next());
    for (const auto family : kFamilies) (void)read_exactly(family, frame);
  }
}

TEST(DamageTest, APieceOfAFrameCutOutOrDoubledIsReadAsSomethingOrRefused) {
  Random random(2);
  for (const auto& v : all_frames()) {
    for (int i = 0; i < 20 && !v.frame.empty(); ++i) {
      const std::size_t from = random.below(v.frame.size());
      const std::size_t count = 1 + random.below(v.frame.size() - from);
      std::string cut = v.frame, doubled = v.frame;
      cut.erase(from, count);
      doubled.insert(from, v.frame, from, count);
      (void)read_exactly(v.family, cut);
      (void)read_exactly(v.family, doubled);
    }
  }
}

TEST(DamageTest, FieldsAddedByALaterReleaseAreIgnoredInEveryMessage) {
  for (const auto& v : golden()) {
    Reader r(v.frame);
    const auto fields = r.array();
    const std::size_t all = v.family == "task" ? 26 : fields;
    std::string frame;
    Writer w(frame);
    w.array(all + 2).raw(r.rest());
    for (std::size_t i = fields; i < all; ++i) w.nil();
    w.map(1).str("added").array(2).nil().real(0.5).bin("later");
    const auto grown = read_exactly(v.family, frame);
    ASSERT_TRUE(grown) << v.name << ": " << grown.error().message;
    EXPECT_EQ(to_hex(*grown), to_hex(v.frame)) << v.name;
  }
}

TEST(DamageTest, AMessageWithoutItsLastFieldIsRefusedUnlessAnEarlierReleaseHadNone) {
  for (const auto& v : golden()) {
    if (v.family == "task") continue;
    Reader r(v.frame);
    const auto fields = r.array();
    std::string frame;
    Writer w(frame);
    w.array(fields - 1);
    for (std::uint32_t i = 1; i < fields; ++i) w.raw(r.raw());
    const auto shortened = read_exactly(v.family, frame);
    if (v.message.at("kind") == "connected") {
      EXPECT_TRUE(shortened) << v.name << " of a broker that does not know tenant";
    } else {
      ASSERT_FALSE(shortened) << v.name;
      EXPECT_EQ(shortened.error().code, Errc::malformed) << v.name;
    }
    const auto behind = read_exactly(v.family, frame + std::string(r.raw()));
    ASSERT_FALSE(behind) << v.name << " with its last field behind the array";
    EXPECT_EQ(behind.error().code, Errc::malformed) << v.name;
  }
}

}  // namespace
}  // namespace drover::wire::contract
