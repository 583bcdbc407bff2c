#include "base/signed_body.h"

#include <gtest/gtest.h>

namespace tidegate {
namespace {

const Instant kNow{Millis{1'700'000'000'500}};

// openssl: printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key
constexpr const char* kSignature = "sha256=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03";

TEST(SignedBody, IsWhatOpensslSays) {
  EXPECT_EQ(sign_body("key", "1700000000", R"({"a":1})"), kSignature);
  EXPECT_TRUE(verify_body("key", "1700000000", kSignature, R"({"a":1})", kNow));
}

TEST(SignedBody, AnythingElseIsRefused) {
  const auto refused = [](const std::string& key, std::string_view time, const std::string& signature,
                          std::string_view body, Instant now = kNow) {
    const Status status = verify_body(key, time, signature, body, now);
    return !status && status.error().code == Errc::kDenied;
  };
  const std::string body = R"({"a":1})";
  EXPECT_TRUE(refused("kez", "1700000000", kSignature, body));
  EXPECT_TRUE(refused("", "1700000000", sign_body("", "1700000000", body), body)) << "no key, no signature";
  EXPECT_TRUE(refused("key", "1700000001", kSignature, body)) << "the time is signed too";
  EXPECT_TRUE(refused("key", "1700000000", kSignature, body + " "));
  EXPECT_TRUE(refused("key", "1700000000", "", body));
  EXPECT_TRUE(refused("key", "1700000000", std::string(kSignature).substr(7), body));
  for (const char* time : {"", "now", "1700000000x", "-1", "99999999999999999999", "-9223372036854775808",
                           "9223372036854775807"}) {
    EXPECT_TRUE(refused("key", time, sign_body("key", time, body), body)) << time;
  }
}

TEST(SignedBody, OldOnesAreNotTakenAgain) {
  const auto at = [](Seconds since) {
    return verify_body("key", "1700000000", kSignature, R"({"a":1})",
                       Instant(Seconds(1'700'000'000) + since));
  };
  EXPECT_TRUE(at(Seconds(300)));
  EXPECT_TRUE(at(Seconds(-300)));
  EXPECT_FALSE(at(Seconds(301)));
  EXPECT_FALSE(at(Seconds(-301)));
}

TEST(SignedBody, ClocksOfOtherCenturies) {
  for (const auto year : {2000, 2100}) {
    const Instant now{std::chrono::sys_days(std::chrono::year(year) / 1 / 1)};
    const std::string time = std::to_string(std::chrono::floor<Seconds>(now.time_since_epoch()).count());
    EXPECT_TRUE(verify_body("key", time, sign_body("key", time, "b"), "b", now)) << year;
    EXPECT_FALSE(verify_body("key", time, sign_body("key", time, "b"), "b", kNow)) << year;
  }
}

}  // namespace
}  // namespace tidegate
