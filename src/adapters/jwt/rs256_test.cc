// Tokens are checked by the openssl command, which others wrote.
#include "adapters/jwt/rs256.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::jwt {
namespace {

namespace json = boost::json;

std::string decode(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  return base64_decode(text).value_or("");
}

app::IdTokenClaims claims() {
  return {.issuer = "https://ci.example.com",
          .subject = "project_path:team/coach:ref_type:branch:ref:main",
          .audiences = {"https://vault.example.com"},
          .issued_at = Instant{Millis{1'800'000'000'000}},
          .lifetime = Seconds{600},
          .id = "j1",
          .others = {{"project_path", "team/coach"}, {"ref", "it's \"main\""}}};
}

TEST(Rs256, SignsWhatOpensslVerifies) {
  const auto folder = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "jwt-");
  auto issuer = open_issuer(folder.path() / "id_token.key");
  ASSERT_TRUE(issuer) << issuer.error().message;
  const auto token = (*issuer)->issue(claims());
  ASSERT_TRUE(token) << token.error().message;
  const auto parts = split(*token, '.');
  ASSERT_EQ(parts.size(), 3U);

  const auto header = json::parse(decode(parts[0]));
  const auto payload = json::parse(decode(parts[1]));
  const auto keys = json::parse(*(*issuer)->keys());
  EXPECT_EQ(header.at("alg"), "RS256");
  EXPECT_EQ(header.at("kid"), keys.at("keys").at(0).at("kid"));
  EXPECT_EQ(payload.at("aud"), "https://vault.example.com");
  EXPECT_EQ(payload.at("exp").as_int64() - payload.at("iat").as_int64(), 600);
  EXPECT_EQ(payload.at("nbf").as_int64(), 1'799'999'995);
  EXPECT_EQ(payload.at("ref"), "it's \"main\"");

  ASSERT_TRUE(sys::write_file(folder.path() / "text", parts[0] + "." + parts[1]));
  ASSERT_TRUE(sys::write_file(folder.path() / "signature", decode(parts[2])));
  const auto at = [&](const char* name) { return (folder.path() / name).string(); };
  sys::Command extract;
  extract.argv = {"openssl", "pkey", "-in", at("id_token.key"), "-pubout", "-out", at("public.pem")};
  ASSERT_TRUE(sys::run_checked(extract));
  sys::Command verify;
  verify.argv = {"openssl",        "dgst",       "-sha256",       "-verify",
                 at("public.pem"), "-signature", at("signature"), at("text")};
  EXPECT_TRUE(sys::run_checked(verify));
  ASSERT_TRUE(sys::write_file(folder.path() / "text", parts[0] + "." + parts[1] + "x"));
  EXPECT_FALSE(sys::run_checked(verify));
}

TEST(Rs256, TheKeyStaysAndIsPrivate) {
  const auto folder = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "jwt-");
  const auto file = folder.path() / "id_token.key";
  const auto first = open_issuer(file);
  ASSERT_TRUE(first);
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
  const auto second = open_issuer(file);
  ASSERT_TRUE(second);
  EXPECT_EQ(*(*first)->keys(), *(*second)->keys());
  EXPECT_NE(*(*make_issuer().value()).keys(), *(*first)->keys());
}

TEST(Rs256, SeveralAudiencesAreAnArray) {
  auto several = claims();
  several.audiences = {"a", "b"};
  const auto token = make_issuer().value()->issue(several);
  ASSERT_TRUE(token);
  EXPECT_EQ(json::parse(decode(split(*token, '.')[1])).at("aud").as_array().size(), 2U);
}

TEST(Rs256, AFileThatIsNoKeyIsRefused) {
  const auto folder = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "jwt-");
  for (const char* text :
       {"", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
    ASSERT_TRUE(sys::write_file(folder.path() / "key", text));
    const auto issuer = open_issuer(folder.path() / "key");
    ASSERT_FALSE(issuer) << text;
    EXPECT_EQ(issuer.error().code, Errc::kInvalid);
  }
}

}  // namespace
}  // namespace tidegate::jwt
