#include "app/server/id_token_claims.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/text.h"

namespace tidegate::app {
namespace {

IdTokenSubject subject() {
  IdTokenSubject out;
  out.issuer = "https://ci";
  out.project_path = "team/sub/coach";
  out.ref = "main";
  out.ref_protected = true;
  out.job = 7;
  out.now = Instant{Millis{1000}};
  out.job_timeout = Seconds{60};
  return out;
}

std::string claim(const IdTokenClaims& claims, std::string_view name) {
  const auto found = std::ranges::find(claims.others, name, [](const auto& pair) { return pair.first; });
  return found == claims.others.end() ? "(absent)" : found->second;
}

TEST(IdTokenClaims, SayWhoseJobItIs) {
  auto who = subject();
  who.environment.emplace().name = "production";
  const auto claims = claims_of(who, {"a"}, "id");
  EXPECT_EQ(claims.subject, "project_path:team/sub/coach:ref_type:branch:ref:main");
  EXPECT_EQ(claim(claims, "namespace_path"), "team/sub");
  EXPECT_EQ(claim(claims, "ref_path"), "refs/heads/main");
  EXPECT_EQ(claim(claims, "ref_protected"), "true");
  EXPECT_EQ(claim(claims, "job_id"), "7");
  EXPECT_EQ(claim(claims, "deployment_tier"), "production");
  EXPECT_EQ(claims.lifetime, Seconds{300}) << "never shorter than five minutes";
  EXPECT_EQ(claim(claims_of(subject(), {"a"}, "id"), "environment"), "(absent)");
}

TEST(IdTokenClaims, ACandidateIsNotTakenForItsBranch) {
  auto who = subject();
  who.is_candidate = true;
  const auto claims = claims_of(who, {"a"}, "id");
  EXPECT_EQ(claims.subject, "project_path:team/sub/coach:ref_type:candidate:ref:main");
  EXPECT_EQ(claim(claims, "ref_protected"), "false");
}

class FakeIssuer : public IdTokenIssuer {
 public:
  Result<std::string> issue(const IdTokenClaims& claims) override {
    if (broken) return fail(Errc::kInternal, "no key");
    ids.push_back(claims.id);
    return "for " + join(claims.audiences, " ");
  }
  Result<std::string> keys() override { return std::string(); }
  std::vector<std::string> ids;
  bool broken = false;
};

TEST(IdTokens, BecomeMaskedVariables) {
  FakeIssuer issuer;
  pipeline::JobVariables variables = {{.key = "HOST", .value = "vault"}};
  ASSERT_TRUE(append_id_tokens(issuer, subject(), {{"A", {"https://$HOST"}}, {"B", {"x", "y"}}}, variables));
  ASSERT_EQ(variables.size(), 3U);
  EXPECT_EQ(variables[1].value, "for https://vault");
  EXPECT_TRUE(variables[1].masked && variables[1].raw && !variables[1].file);
  EXPECT_EQ(variables[2].value, "for x y");
  EXPECT_NE(issuer.ids.at(0), issuer.ids.at(1));
  issuer.broken = true;
  EXPECT_FALSE(append_id_tokens(issuer, subject(), {{"A", {"x"}}}, variables));
}

}  // namespace
}  // namespace tidegate::app
