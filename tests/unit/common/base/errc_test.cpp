// The catalogue as code. tests/contract/wire holds it against schemas/wire/errors.yaml.

#include "common/base/errc.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace drover {
namespace {

TEST(ErrcTest, ACodeHasOneNameAndOneStatus) {
  EXPECT_EQ(name_of(Errc::stale_lease), "STALE_LEASE");
  EXPECT_EQ(http_status_of(Errc::stale_lease), 409);
  EXPECT_EQ(name_of(Errc::ok), "OK");
  EXPECT_EQ(http_status_of(Errc::ok), 200);
  EXPECT_EQ(name_of(Errc::store_too_new), "STORE_TOO_NEW");
}

TEST(ErrcTest, ANumberFromTheWireIsACodeOnlyIfThisReleaseKnowsIt) {
  EXPECT_EQ(errc_from(0), Errc::ok);
  EXPECT_EQ(errc_from(4004), Errc::stale_lease);
  EXPECT_EQ(errc_from(4000), std::nullopt);
  EXPECT_EQ(errc_from(9999), std::nullopt);
  EXPECT_EQ(errc_from(4004 + 65536), std::nullopt) << "a number is not cut to fit";
  EXPECT_EQ(errc_from(UINT64_MAX), std::nullopt);
}

TEST(ErrcTest, ACodeOfALaterReleaseIsUnknownAndCountsAsOurFault) {
  const auto later = static_cast<Errc>(1999);
  EXPECT_EQ(name_of(later), "UNKNOWN");
  EXPECT_EQ(http_status_of(later), 500);
}

TEST(ErrcTest, NoTwoNumbersShareAName) {
  std::set<std::string> names;
  int known = 0;
  for (std::uint64_t number = 0; number <= UINT16_MAX; ++number) {
    const auto code = errc_from(number);
    if (!code) continue;
    ++known;
    EXPECT_EQ(static_cast<std::uint64_t>(*code), number);
    EXPECT_TRUE(names.insert(std::string(name_of(*code))).second) << name_of(*code);
  }
  EXPECT_GE(known, 48);
}

}  // namespace
}  // namespace drover
