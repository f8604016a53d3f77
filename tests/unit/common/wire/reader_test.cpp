// The reader: walks any msgpack in place, and stops at the first fault for good.

#include "common/wire/reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <msgpack.hpp>
#include <string>
#include <vector>

#include "common/base/random.hpp"
#include "common/wire/map_writer.hpp"
#include "tests/support/msgpack_text.hpp"

namespace drover::wire {
namespace {

using drover::testing::spell_msgpack;

std::string written(auto write) {
  std::string bytes;
  Writer w(bytes);
  write(w);
  return bytes;
}

// --- numbers

TEST(ReaderTest, NumbersAreReadInEveryWidthThatOthersWrite) {
  for (const std::string& five :
       {std::string("\x05"), std::string("\xcc\x05"), std::string("\xcd\x00\x05", 3),
        std::string("\xce\x00\x00\x00\x05", 5),
        std::string("\xcf\x00\x00\x00\x00\x00\x00\x00\x05", 9), std::string("\xd0\x05"),
        std::string("\xd1\x00\x05", 3), std::string("\xd2\x00\x00\x00\x05", 5),
        std::string("\xd3\x00\x00\x00\x00\x00\x00\x00\x05", 9)}) {
    EXPECT_EQ(Reader(five).uint(), 5u);
    EXPECT_EQ(Reader(five).sint(), 5);
    EXPECT_EQ(Reader(five).real(), 5.0);
  }
  for (const std::string& minus_two :
       {std::string("\xfe"), std::string("\xd0\xfe"), std::string("\xd1\xff\xfe"),
        std::string("\xd2\xff\xff\xff\xfe"), std::string("\xd3\xff\xff\xff\xff\xff\xff\xff\xfe")}) {
    EXPECT_EQ(Reader(minus_two).sint(), -2);
    EXPECT_EQ(Reader(minus_two).real(), -2.0);
    Reader r(minus_two);
    r.uint();
    EXPECT_EQ(r.error().code, Errc::malformed) << "no number of zero or more";
  }
}

TEST(ReaderTest, EveryNumberComesBackAtTheEdgesOfItsWidth) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const std::int64_t off : {-1, 0, 1}) {
      const std::uint64_t u = (std::uint64_t{1} << shift) + static_cast<std::uint64_t>(off);
      EXPECT_EQ(Reader(written([&](Writer& w) { w.uint(u); })).uint(), u);
      for (const auto s : {static_cast<std::int64_t>(u), static_cast<std::int64_t>(0 - u)}) {
        EXPECT_EQ(Reader(written([&](Writer& w) { w.sint(s); })).sint(), s);
      }
    }
  }
  const std::string too_great = written([](Writer& w) { w.uint(std::uint64_t{1} << 63); });
  Reader r(too_great);
  r.sint();
  EXPECT_TRUE(r.failed()) << "above INT64_MAX";
}

TEST(ReaderTest, ABoundIsHeldOnceAndNamedAsAnArgument) {
  EXPECT_EQ(Reader("\x05").uint(5), 5u);
  Reader r("\x06");
  EXPECT_EQ(r.uint(5), 0u);
  EXPECT_EQ(r.error().code, Errc::invalid_argument);
}

TEST(ReaderTest, RealsComeBackAndIntegersArriveAsReals) {
  for (const double value :
       {0.0, -0.0, 1.5, -1e300, 5e-324, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(Reader(written([&](Writer& w) { w.real(value); })).real(), value);
  }
  EXPECT_TRUE(std::isnan(Reader(written([](Writer& w) { w.real(NAN); })).real()));
  EXPECT_EQ(Reader(std::string("\xca\x3f\xc0\x00\x00", 5)).real(), 1.5) << "32 bits wide";
}

// --- texts, blobs and ids

TEST(ReaderTest, TextsAndBlobsAreViewsIntoTheFrame) {
  for (const std::size_t size : {0u, 1u, 31u, 32u, 255u, 256u, 65535u, 65536u}) {
    const std::string value(size, 'x');
    const std::string text = written([&](Writer& w) { w.str(value); });
    const std::string blob = written([&](Writer& w) { w.bin(value); });
    const auto seen = Reader(text).str();
    EXPECT_EQ(seen, value);
    EXPECT_TRUE(size == 0 ||
                (seen.data() >= text.data() && seen.end() <= text.data() + text.size()));
    EXPECT_EQ(Reader(blob).bin(), value);
    EXPECT_EQ(Reader(text).bin(), value) << "a text will do for a blob";
    Reader r(blob);
    r.str();
    EXPECT_TRUE(r.failed()) << "a blob is no text";
  }
}

TEST(ReaderTest, ABlobMayBeSpelledAsATextThatIsNoUtf8) {
  const std::string old_encoder = written([](Writer& w) { w.str("\xff\x00"); });
  EXPECT_EQ(Reader(old_encoder).bin(), "\xff");
  Reader r(old_encoder);
  EXPECT_EQ(r.str(), "");
  EXPECT_EQ(r.error().code, Errc::malformed);
}

TEST(ReaderTest, NothingSaidIsNilAndNilIsNotNothing) {
  const std::string nil = "\xc0";
  EXPECT_EQ(Reader(nil).instant(), kNever);
  EXPECT_EQ(Reader(nil).str_or_nil(), "");
  EXPECT_EQ(Reader(nil).span_or_nil(), std::nullopt);
  for (const bool as_number : {true, false}) {
    Reader r(nil);
    if (as_number) {
      r.uint();
    } else {
      r.str();
    }
    EXPECT_TRUE(r.failed());
  }
}

// --- the first fault

TEST(ReaderTest, TheFirstFaultSticksAndNothingMovesAfterIt) {
  const std::string bytes = written([](Writer& w) { w.str("text").uint(5).uint(6); });
  Reader r(bytes);
  EXPECT_EQ(r.uint(), 0u);
  const auto first = r.error();
  EXPECT_EQ(r.uint(), 0u);
  EXPECT_EQ(r.sint(), 0);
  EXPECT_EQ(r.str(), "");
  EXPECT_EQ(r.bin(), "");
  EXPECT_EQ(r.real(), 0.0);
  EXPECT_FALSE(r.boolean());
  EXPECT_EQ(r.array(), 0u);
  EXPECT_EQ(r.map(), 0u);
  EXPECT_TRUE(r.id<TaskTag>().is_nil());
  EXPECT_EQ(r.raw(), "");
  EXPECT_FALSE(r.take_nil());
  EXPECT_EQ(r.error().message, first.message);
  r.fail(Errc::internal, "another");
  EXPECT_EQ(r.error().code, Errc::malformed) << "the first is what is told";
}

TEST(ReaderTest, AnEmptyFrameHasNothing) {
  Reader r("");
  EXPECT_TRUE(r.at_end());
  EXPECT_EQ(r.peek(), Reader::Type::none);
  r.skip();
  EXPECT_TRUE(r.failed());
}

TEST(ReaderTest, ExtensionsAndTheByteThatIsNoValueAreRefused) {
  for (const std::string& bytes :
       {std::string("\xc1"), std::string("\xd4\x01x"), std::string("\xd6\xff\x00\x00\x00\x01", 6),
        std::string("\xc7\x01\x01x"), std::string("\xd8\x01" + std::string(16, 'x'))}) {
    Reader r(bytes);
    EXPECT_EQ(r.raw(), "");
    EXPECT_EQ(r.error().code, Errc::malformed);
  }
}

TEST(ReaderTest, ACountIsHeldAgainstTheBytesThatAreLeft) {
  EXPECT_EQ(Reader("\x92\x01\x02").array(), 2u);
  Reader list("\x93\x01\x02");
  EXPECT_EQ(list.array(), 0u);
  EXPECT_EQ(list.error().code, Errc::malformed);
  EXPECT_EQ(Reader("\x81\x01\x02").map(), 1u);
  Reader map("\x82\x01\x02\x03");
  EXPECT_EQ(map.map(), 0u) << "an entry has two values";
  EXPECT_EQ(map.error().code, Errc::malformed);
}

TEST(ReaderTest, AListMayHaveAMost) {
  const std::string three("\x93\x01\x02\x03");
  EXPECT_EQ(Reader(three).array(3), 3u);
  Reader r(three);
  EXPECT_EQ(r.array(2), 0u);
  EXPECT_EQ(r.error().code, Errc::too_many_elements);
  const std::string two("\x82\x01\x02\x03\x04");
  Reader map(two);
  EXPECT_EQ(map.map(1), 0u);
  EXPECT_EQ(map.error().code, Errc::too_many_elements);
}

// --- any value at all

// Writes a random value with msgpack-c, and what it is as spell_msgpack would say it.
class AnyValue {
 public:
  explicit AnyValue(std::uint64_t seed) : random_(seed) {}

  std::string bytes() { return {buffer_.data(), buffer_.size()}; }
  std::string text;

  void write(int depth = 0) {
    switch (random_.below(depth < 5 ? 12 : 10)) {
      case 0: packer_.pack_nil(), text += "null"; return;
      case 1: packer_.pack_true(), text += "true"; return;
      case 2: packer_.pack_false(), text += "false"; return;
      case 3: return write_uint(random_.next() >> random_.below(64));
      case 4:
        return write_sint(-static_cast<std::int64_t>(random_.next() >> (1 + random_.below(63))));
      case 5: return write_fixed_width();
      case 6: {
        const double value = static_cast<double>(random_.between(-1000, 1000)) / 8;
        if (random_.one_in(2)) {
          packer_.pack_float(static_cast<float>(value));
        } else {
          packer_.pack_double(value);
        }
        return spell_real(value);
      }
      case 7: {
        const std::string value = letters();
        packer_.pack_str(static_cast<std::uint32_t>(value.size()));
        packer_.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
        text += '"' + value + '"';
        return;
      }
      case 8: {
        const std::string value = letters();
        packer_.pack_bin(static_cast<std::uint32_t>(value.size()));
        packer_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
        text += "b\"" + value + '"';
        return;
      }
      case 9: return write_uint(random_.below(3));
      case 10: {
        const auto count = size();
        packer_.pack_array(count);
        text += '[';
        for (std::uint32_t i = 0; i < count; ++i) {
          if (i > 0) text += ", ";
          write(depth + 1);
        }
        text += ']';
        return;
      }
      default: {
        const auto count = size();
        packer_.pack_map(count);
        text += '{';
        for (std::uint32_t i = 0; i < count; ++i) {
          if (i > 0) text += ", ";
          write(depth + 1);
          text += ": ";
          write(depth + 1);
        }
        text += '}';
        return;
      }
    }
  }

 private:
  std::uint32_t size() {
    return static_cast<std::uint32_t>(random_.one_in(20) ? 15 + random_.below(4)
                                                         : random_.below(4));
  }
  std::string letters() {
    const std::size_t edges[] = {0, 1, 5, 31, 32, 255, 256, 300};
    std::string value = std::string(edges[random_.below(std::size(edges))], 'a');
    for (char& c : value) c = static_cast<char>('a' + random_.below(26));
    return value;
  }
  void write_uint(std::uint64_t value) {
    packer_.pack_uint64(value);
    text += std::to_string(value);
  }
  void write_sint(std::int64_t value) {
    packer_.pack_int64(value);
    text += std::to_string(value);
  }
  // Wider than it need be, as some encoders write.
  void write_fixed_width() {
    const auto value = static_cast<std::int8_t>(random_.next());
    switch (random_.below(4)) {
      case 0: packer_.pack_fix_int8(value); break;
      case 1: packer_.pack_fix_int16(value); break;
      case 2: packer_.pack_fix_int32(value); break;
      default: packer_.pack_fix_int64(value); break;
    }
    text += std::to_string(value);
  }
  void spell_real(double value) {
    std::string digits = std::to_string(value);
    while (digits.back() == '0') digits.pop_back();
    if (digits.back() == '.') digits.pop_back();
    text += digits;
  }

  Random random_;
  msgpack::sbuffer buffer_;
  msgpack::packer<msgpack::sbuffer> packer_{buffer_};
};

TEST(ReaderPropertyTest, WalksWhateverMsgpackCWritesToTheSameValues) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    AnyValue any(seed);
    any.write();
    ASSERT_EQ(spell_msgpack(any.bytes()), any.text) << "seed " << seed;
  }
}

TEST(ReaderPropertyTest, AValueCarriedUnreadEndsWhereMsgpackCEndsIt) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    AnyValue any(seed);
    any.write();
    const std::string bytes = any.bytes() + "\xa4more";
    std::size_t end = 0;
    const auto handle = msgpack::unpack(bytes.data(), bytes.size(), end);
    Reader r(bytes);
    ASSERT_EQ(r.raw().size(), end) << "seed " << seed;
    ASSERT_EQ(r.str(), "more") << "seed " << seed;
  }
}

TEST(ReaderPropertyTest, ATornValueIsRefusedAndNeverReadBeyond) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    AnyValue any(seed);
    any.write();
    const std::string bytes = any.bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::vector<char> torn(bytes.begin(),
                                   bytes.begin() + static_cast<std::ptrdiff_t>(size));
      Reader r(std::string_view(torn.data(), torn.size()));
      ASSERT_EQ(r.raw(), "") << "seed " << seed << " at " << size;
      ASSERT_EQ(r.error().code, Errc::malformed);
    }
  }
}

// Walks with msgpack-c and keeps nothing: its `unpack` would allocate what a lying count asks for.
struct SeesExtensions : msgpack::null_visitor {
  bool visit_ext(const char*, std::uint32_t) {
    extension = true;
    return true;
  }
  void parse_error(std::size_t, std::size_t) { torn = true; }
  void insufficient_bytes(std::size_t, std::size_t) { torn = true; }

  bool extension = false;
  bool torn = false;
};

TEST(ReaderPropertyTest, RandomBytesAreWalkedOrRefusedAsMsgpackCDoes) {
  Random random(1);
  int walked = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(1 + random.below(24), '\0');
    for (char& c : bytes) c = static_cast<char>(random.next());
    SeesExtensions seen;
    std::size_t end = 0;
    const bool theirs = msgpack::parse(bytes.data(), bytes.size(), end, seen) && !seen.torn;
    Reader r(bytes);
    const auto ours = r.raw();
    ASSERT_EQ(!r.failed(), theirs && !seen.extension) << spell_msgpack(bytes) << " in round " << i;
    if (!r.failed()) {
      ASSERT_EQ(ours.size(), end);
      ++walked;
    }
  }
  EXPECT_GT(walked, 5000) << "enough of them were values";
}

// --- writing

TEST(WriterTest, EveryNumberTakesTheFewestBytes) {
  const auto bytes = [](std::uint64_t value) {
    return written([&](Writer& w) { w.uint(value); }).size();
  };
  EXPECT_EQ(bytes(127), 1u);
  EXPECT_EQ(bytes(128), 2u);
  EXPECT_EQ(bytes(255), 2u);
  EXPECT_EQ(bytes(256), 3u);
  EXPECT_EQ(bytes(65535), 3u);
  EXPECT_EQ(bytes(65536), 5u);
  EXPECT_EQ(bytes(UINT32_MAX), 5u);
  EXPECT_EQ(bytes(std::uint64_t{UINT32_MAX} + 1), 9u);
  for (const std::int64_t value : {0L, 5L, 127L, 128L, 70'000L, 5'000'000'000L}) {
    EXPECT_EQ(written([&](Writer& w) { w.sint(value); }),
              written([&](Writer& w) { w.uint(static_cast<std::uint64_t>(value)); }))
        << "one number, one spelling";
  }
  EXPECT_EQ(written([](Writer& w) { w.sint(-32); }).size(), 1u);
  EXPECT_EQ(written([](Writer& w) { w.sint(-33); }).size(), 2u);
}

TEST(MapWriterTest, WhatIsNotSaidIsLeftOutAndTheRestIsCounted) {
  std::string bytes;
  MapWriter(bytes)
      .str("a", "text")
      .str("b", "")
      .instant("c", kNever)
      .instant("d", instant_from_ms(7))
      .span("e", 0ms)
      .uint("f", 0)
      .boolean("g", false)
      .raw("h", "")
      .raw("i", "\x90")
      .nil("j")
      .bin("k", "")
      .real("l", 1.5)
      .finish();
  EXPECT_EQ(
      spell_msgpack(bytes),
      R"({"a": "text", "d": 7, "e": 0, "f": 0, "g": false, "i": [], "j": null, "k": b"", "l": 1.5})");
}

TEST(MapWriterTest, AMapOfAnySizeIsAnnounced) {
  for (const std::size_t size : {0u, 15u, 16u, 70'000u}) {
    std::string bytes;
    MapWriter m(bytes);
    for (std::size_t i = 0; i < size; ++i) m.uint("k", i);
    m.finish();
    Reader r(bytes);
    EXPECT_EQ(r.map(), size);
  }
}

}  // namespace
}  // namespace drover::wire
