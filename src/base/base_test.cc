#include <gtest/gtest.h>

#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/time.h"

namespace tidegate {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Errc::kInvalid, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  TG_TRY(const int once, half(value));
  TG_TRY(const int twice, half(once));
  return twice;
}

TEST(ResultTest, TryReturnsTheValueOrTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error(), (Error{Errc::kInvalid, "odd"}));
}

TEST(TextTest, ShellQuoteSurvivesQuotesAndNewlines) {
  EXPECT_EQ(shell_quote("it's $(x)\n"), "'it'\\''s $(x)\n'");
  EXPECT_EQ(shell_quote(""), "''");
}

TEST(TextTest, FormDecodingTurnsPlusIntoSpaceBeforePercent) {
  EXPECT_EQ(percent_decode("red+flower%2B1.jpg", true), "red flower+1.jpg");
  EXPECT_EQ(percent_decode("%ED%95%9C"), "한");
  EXPECT_EQ(percent_decode("50%"), std::nullopt);
  EXPECT_EQ(percent_decode("%zz"), std::nullopt);
}

TEST(TextTest, PercentEncodeKeepsUnreservedOnly) {
  EXPECT_EQ(percent_encode("a b/c+한", "/"), "a%20b/c%2B%ED%95%9C");
}

TEST(TextTest, Base64RoundTrips) {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  }
  EXPECT_EQ(base64_encode("AWS:pw"), "QVdTOnB3");
  EXPECT_EQ(base64_decode("a*b="), std::nullopt);
}

TEST(TextTest, Utf8RefusesOverlongAndSurrogates) {
  EXPECT_TRUE(is_utf8("가나다 é 😀"));
  EXPECT_FALSE(is_utf8("\xC0\xAF"));
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));
  EXPECT_FALSE(is_utf8("\xE2\x82"));
}

TEST(TextTest, PrintableHidesControlBytes) {
  EXPECT_EQ(printable("a\nb\x1b[31m\xff"), "a\\x0ab\\x1b[31m\\xff");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

TEST(TextTest, NearestFindsASlipOfTheFinger) {
  EXPECT_EQ(nearest("scirpt", {"script", "stage", "image"}), "script");
  EXPECT_EQ(nearest("zzzzzz", {"script", "stage"}), std::nullopt);
}

TEST(TextTest, SlugFollowsGitLab) {
  EXPECT_EQ(slug("Feature/한 x_1-"), "feature-----x-1");
}

TEST(TextTest, ParseIntegerTakesTheWholeText) {
  EXPECT_EQ(parse_integer("-12"), -12);
  EXPECT_EQ(parse_integer("12a"), std::nullopt);
  EXPECT_EQ(parse_integer(""), std::nullopt);
}

TEST(TimeTest, Iso8601RoundTripsAndReadsOffsets) {
  const auto when = parse_iso8601("2026-08-22T00:44:03.123Z");
  ASSERT_TRUE(when);
  EXPECT_EQ(format_iso8601(*when), "2026-08-22T00:44:03.123Z");
  EXPECT_EQ(parse_iso8601("2026-08-22T09:44:03.123+09:00"), when);
  EXPECT_EQ(format_compact(*when), "20260822T004403Z");
  EXPECT_EQ(parse_iso8601("2026-13-22T00:44:03Z"), std::nullopt);
  EXPECT_EQ(parse_iso8601("yesterday"), std::nullopt);
}

TEST(TimeTest, DurationsAsPeopleWriteThem) {
  EXPECT_EQ(parse_duration("3h 30 minutes").value(), Seconds{12600});
  EXPECT_EQ(parse_duration("1 week").value(), Seconds{604800});
  EXPECT_EQ(parse_duration("90").value(), Seconds{90});
  EXPECT_EQ(parse_duration("2 hrs 20 min").value(), Seconds{8400});
  EXPECT_EQ(parse_duration("47 yrs 6 mos and 4d").value(), Seconds{47LL * 31557600 + 184LL * 86400});
  EXPECT_EQ(parse_duration("3 weeks and 2 days").value(), Seconds{23LL * 86400});
  EXPECT_EQ(parse_duration("1 Hour, plus 5 min with 3s").value(), Seconds{3903});
  EXPECT_EQ(parse_duration("1:30:00").value(), Seconds{5400});
  EXPECT_EQ(parse_duration("10:15").value(), Seconds{615});
  EXPECT_EQ(parse_duration("day").value(), Seconds{86400});
  EXPECT_EQ(parse_duration("hour 30 min").value(), Seconds{5400});
  for (const char* zero : {"0", "0s", "0 days"}) EXPECT_EQ(parse_duration(zero).value(), Seconds{0}) << zero;
  for (const char* none : {",", "and", "-1 day", "1:", "1:2:3:4:5:6:7", "1:30 min", "4 hours tea"})
    EXPECT_FALSE(parse_duration(none).has_value()) << none;
  EXPECT_FALSE(parse_duration("").has_value());
  EXPECT_FALSE(parse_duration("5 parsecs").has_value());
}

TEST(Sha256Test, KnownVectors) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(random_hex(16).size(), 32U);
  EXPECT_NE(random_hex(16), random_hex(16));
}

TEST(SecretTest, ComparesWithoutLeakingWhereTheyDiffer) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
  EXPECT_FALSE(equal_in_constant_time("", "a"));
}

TEST(IdTest, ZeroNamesNothing) {
  EXPECT_FALSE(JobId{});
  EXPECT_LT(JobId{1}, JobId{2});
}

}  // namespace
}  // namespace tidegate
