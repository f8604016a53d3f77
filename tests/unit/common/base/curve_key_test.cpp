// Which texts are keys, and which keys prove nothing.

#include "common/base/curve_key.hpp"

#include <gtest/gtest.h>

namespace drover {
namespace {

constexpr std::string_view kGood = ">C]44[S#Mb:p9&?ZnX]H.qgz>{+S&WbAQhkEtp([";

TEST(CurveKeyTest, AGeneratedKeyIsGood) {
  EXPECT_TRUE(is_curve_key(kGood));
  EXPECT_TRUE(check_public_key(kGood));
}

TEST(CurveKeyTest, WhatIsNotFortyCharactersOfZ85IsNoKey) {
  const std::string good(kGood);
  for (const auto& text : {std::string(), good.substr(1), good + "0", "\"" + good.substr(1),
                           good.substr(1) + "~", "#####" + good.substr(5), std::string(40, ' ')}) {
    EXPECT_FALSE(is_curve_key(text)) << text;
    const auto refused = check_public_key(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::bad_configuration);
    EXPECT_NE(refused.error().message.find("40 characters"), std::string::npos);
  }
}

TEST(CurveKeyTest, TheKeysOfZeroMQsManualAreRefusedEitherHalf) {
  for (const auto key :
       {"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"}) {
    const auto refused = check_public_key(key);
    ASSERT_FALSE(refused) << key;
    EXPECT_NE(refused.error().message.find("manual"), std::string::npos);
    EXPECT_EQ(refused.error().message.find(key), std::string::npos) << "a message holds no key";
  }
}

TEST(CurveKeyTest, AKeyWhoseSharedSecretEverybodyKnowsIsRefused) {
  for (const auto key :
       {"0000000000000000000000000000000000000000", "0rr9100000000000000000000000000000000000",
        ")eNa=%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSaG", "&oLYpj3*xV7foF([T):m*6J=8OhdwFHggr4uRd:c",
        "u.0y]QFM){VcY:QOp*om1vMIksr9uQ/DK8D^4p[K"}) {
    EXPECT_TRUE(is_curve_key(key)) << key;
    EXPECT_FALSE(check_public_key(key)) << key;
  }
}

// Two spellings of one key would be two names for one owner.
TEST(CurveKeyTest, ASecondSpellingOfAKeyIsRefused) {
  for (const auto key :
       {">C]44[S#Mb:p9&?ZnX]H.qgz>{+S&WbAQhkEtp[z", ")F)j^%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSaG",
        "{w+f)%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSaG"}) {
    EXPECT_TRUE(is_curve_key(key)) << key;
    EXPECT_FALSE(check_public_key(key)) << key;
  }
}

}  // namespace
}  // namespace drover
