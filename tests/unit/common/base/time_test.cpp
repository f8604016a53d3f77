// Instants and durations as people write them.

#include "common/base/time.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/random.hpp"

namespace drover {
namespace {

constexpr std::int64_t kEndOf9999 = 253'402'300'799'999;

std::string written(std::int64_t ms) { return to_rfc3339(instant_from_ms(ms)); }

// What an instant reads as, in ms; a refusal fails the test.
std::int64_t read(const std::string& text) {
  const auto instant = parse_rfc3339(text);
  EXPECT_TRUE(instant) << text;
  return instant ? to_ms(*instant) : -1;
}

std::int64_t read_span(const std::string& text) {
  const auto span = parse_duration(text);
  EXPECT_TRUE(span) << text;
  return span ? span->count() : -1;
}

// --- instants

TEST(InstantTest, IsWrittenInUtcWithMilliseconds) {
  EXPECT_EQ(written(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(written(1'769'846'709'007), "2026-01-31T08:05:09.007Z");
  EXPECT_EQ(written(2'147'483'648'000), "2038-01-19T03:14:08.000Z");
  EXPECT_EQ(written(kEndOf9999), "9999-12-31T23:59:59.999Z");
}

TEST(InstantTest, KnowsTheLeapYears) {
  EXPECT_EQ(written(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(written(1'709'210'096'000), "2024-02-29T12:34:56.000Z");
  EXPECT_EQ(written(4'107'542'399'999), "2100-02-28T23:59:59.999Z");
  EXPECT_EQ(written(4'107'542'400'000), "2100-03-01T00:00:00.000Z") << "2100 has no 29 February";
  EXPECT_EQ(read("2000-02-29T00:00:00Z"), 951'782'400'000);
  EXPECT_FALSE(parse_rfc3339("2100-02-29T00:00:00Z"));
  EXPECT_FALSE(parse_rfc3339("2025-02-29T00:00:00Z"));
}

TEST(InstantTest, WhatIsWrittenReadsBackAsTheSameMillisecond) {
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto ms = random.between(0, kEndOf9999);
    ASSERT_EQ(read(written(ms)), ms);
  }
}

TEST(InstantTest, ReadsEverySpellingOfTheRfc) {
  const std::int64_t noon = 1'769'860'800'000;
  EXPECT_EQ(read("2026-01-31T12:00:00Z"), noon);
  EXPECT_EQ(read("2026-01-31t12:00:00z"), noon);
  EXPECT_EQ(read("2026-01-31 12:00:00Z"), noon);
  EXPECT_EQ(read("2026-01-31T13:30:00+01:30"), noon);
  EXPECT_EQ(read("2026-01-31T04:00:00-08:00"), noon);
  EXPECT_EQ(read("2026-02-01T11:59:00+23:59"), noon);
  EXPECT_EQ(read("2026-01-31T12:00:00-00:00"), noon);
  EXPECT_EQ(read("2026-01-31T11:59:60Z"), noon) << "a leap second is the next minute's first";
}

TEST(InstantTest, FractionsAreCutToMilliseconds) {
  const std::int64_t noon = 1'769'860'800'000;
  EXPECT_EQ(read("2026-01-31T12:00:00.5Z"), noon + 500);
  EXPECT_EQ(read("2026-01-31T12:00:00.05Z"), noon + 50);
  EXPECT_EQ(read("2026-01-31T12:00:00.007Z"), noon + 7);
  EXPECT_EQ(read("2026-01-31T12:00:00.0079Z"), noon + 7) << "cut, not rounded";
  EXPECT_EQ(read("2026-01-31T12:00:00.123456789012345678901234567890Z"), noon + 123);
}

TEST(InstantTest, WhatIsNoInstantIsRefusedAndQuoted) {
  const std::vector<std::string> bad = {"",
                                        "now",
                                        "2026-01-31",
                                        "2026-01-31T12:00Z",
                                        "2026-01-31T12:00:00",
                                        "2026-01-31T12:00:00.Z",
                                        "2026-01-31T12:00:00Zx",
                                        "2026-01-31T12:00:00Z ",
                                        " 2026-01-31T12:00:00Z",
                                        "2026-1-31T12:00:00Z",
                                        "26-01-31T12:00:00Z",
                                        "2026-13-01T12:00:00Z",
                                        "2026-00-01T12:00:00Z",
                                        "2026-01-00T12:00:00Z",
                                        "2026-01-32T12:00:00Z",
                                        "2026-04-31T12:00:00Z",
                                        "2026-01-31T24:00:00Z",
                                        "2026-01-31T12:60:00Z",
                                        "2026-01-31T12:00:61Z",
                                        "2026-01-31T12:00:00+01",
                                        "2026-01-31T12:00:00+0100",
                                        "2026-01-31T12:00:00+24:00",
                                        "2026-01-31T12:00:00+01:60",
                                        "2026-01-31T12:00:00+-1:00",
                                        "2026-01-31_12:00:00Z",
                                        "-026-01-31T12:00:00Z",
                                        "2026-01-31T12:00:-1Z",
                                        "1769860800000"};
  for (const auto& text : bad) {
    const auto instant = parse_rfc3339(text);
    ASSERT_FALSE(instant) << text;
    EXPECT_EQ(instant.error().code, Errc::invalid_argument) << text;
    EXPECT_NE(instant.error().message.find("'" + text + "'"), std::string::npos);
  }
}

TEST(InstantTest, NeverComesAfterEveryInstant) { EXPECT_GT(kNever, instant_from_ms(kEndOf9999)); }

// --- durations

TEST(DurationTest, ReadsEachUnitAndSumsOfThem) {
  EXPECT_EQ(read_span("250ms"), 250);
  EXPECT_EQ(read_span("5s"), 5'000);
  EXPECT_EQ(read_span("2m"), 120'000);
  EXPECT_EQ(read_span("1h"), 3'600'000);
  EXPECT_EQ(read_span("7d"), 604'800'000);
  EXPECT_EQ(read_span("1h30m"), 5'400'000);
  EXPECT_EQ(read_span("1d2h3m4s5ms"), 93'784'005);
  EXPECT_EQ(read_span("0s"), 0);
  EXPECT_EQ(read_span("0"), 0) << "nothing of any unit is nothing";
}

TEST(DurationTest, WhatHasNoUnitOrIsNoDurationIsRefusedAndQuoted) {
  for (const std::string text : {"", "5", "-5s", "+5s", "s", "5 s", " 5s", "5s ", "1.5s", "5S",
                                 "5x", "5min", "5sec", "s5", "1h30", "1e3s", "0x5s", "\n"}) {
    const auto span = parse_duration(text);
    ASSERT_FALSE(span) << text;
    EXPECT_EQ(span.error().code, Errc::invalid_argument) << text;
    EXPECT_NE(span.error().message.find("'" + text + "'"), std::string::npos);
  }
}

TEST(DurationTest, AHundredYearsIsTheMostAndNothingOverflows) {
  EXPECT_EQ(read_span("36600d"), 3'162'240'000'000);
  for (const auto* text :
       {"36601d", "36600d1ms", "1ms36600d", "3162240000001ms", "9223372036854775807ms",
        "9223372036854775808ms", "18446744073709551616ms", "213503982335d" /* 2^64 ms and a bit */,
        "106751991167300d", "99999999999999999999999999999999d",
        "3162240000000ms3162240000000ms"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(DurationTest, IsWrittenInTheGreatestUnitsThatFit) {
  EXPECT_EQ(to_string(Duration(0)), "0s");
  EXPECT_EQ(to_string(1ms), "1ms");
  EXPECT_EQ(to_string(90s), "1m30s");
  EXPECT_EQ(to_string(24h), "1d");
  EXPECT_EQ(to_string(Duration(93'784'005)), "1d2h3m4s5ms");
  EXPECT_EQ(to_string(Duration(86'400'001)), "1d1ms");
}

TEST(DurationTest, WhatIsWrittenReadsBackAsTheSame) {
  Random random(2);
  for (int i = 0; i < 20'000; ++i) {
    const auto ms = random.between(0, random.between(0, 3'162'240'000'000));
    ASSERT_EQ(read_span(to_string(Duration(ms))), ms);
  }
}

}  // namespace
}  // namespace drover
