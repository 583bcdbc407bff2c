// Signatures are checked by the openssl command, which others wrote.
#include "adapters/signing/p256.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "base/text.h"
#include "lineage/dsse.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::signing {
namespace {

class SignerTest : public testing::Test {
 protected:
  std::string at(const char* name) const { return (folder_.path() / name).string(); }
  Status openssl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "openssl");
    sys::Command command;
    command.argv = std::move(arguments);
    const auto done = sys::run_checked(command);
    return done ? Status{} : Status(done.error());
  }
  sys::TempDirectory folder_ = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "sign-");
};

TEST_F(SignerTest, OpensslVerifiesTheSignatureOfAnEnvelope) {
  auto signer = open_signer(at("key"));
  ASSERT_TRUE(signer) << signer.error().message;
  const std::string text = lineage::to_be_signed("application/vnd.in-toto+json", "{\"a\":1}");
  const auto signature = (*signer)->sign(text);
  ASSERT_TRUE(signature) << signature.error().message;
  ASSERT_TRUE(sys::write_file(at("public"), (*signer)->public_key()));
  ASSERT_TRUE(sys::write_file(at("signature"), *signature));
  ASSERT_TRUE(sys::write_file(at("text"), text));
  EXPECT_TRUE(
      openssl({"dgst", "-sha256", "-verify", at("public"), "-signature", at("signature"), at("text")}));
  ASSERT_TRUE(sys::write_file(at("text"), text + "x"));
  EXPECT_FALSE(
      openssl({"dgst", "-sha256", "-verify", at("public"), "-signature", at("signature"), at("text")}));
}

TEST_F(SignerTest, TheKeyStaysAndIsNamedByItsDigest) {
  auto first = open_signer(at("key"));
  ASSERT_TRUE(first);
  auto second = open_signer(at("key"));
  ASSERT_TRUE(second);
  EXPECT_EQ((*first)->public_key(), (*second)->public_key());
  EXPECT_EQ(std::filesystem::status(at("key")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  ASSERT_TRUE(openssl({"pkey", "-in", at("key"), "-pubout", "-outform", "DER", "-out", at("der")}));
  EXPECT_EQ((*first)->key_id(), sha256_hex(*sys::read_file(at("der"))));
}

TEST_F(SignerTest, RefusesOtherKeys) {
  ASSERT_TRUE(sys::write_file(at("none"), "no key"));
  EXPECT_EQ(open_signer(at("none")).error().code, Errc::kInvalid);
  ASSERT_TRUE(
      openssl({"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", at("p384")}));
  EXPECT_EQ(open_signer(at("p384")).error().code, Errc::kInvalid);
  ASSERT_TRUE(openssl({"genpkey", "-algorithm", "ED25519", "-out", at("ed25519")}));
  EXPECT_EQ(open_signer(at("ed25519")).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace tidegate::signing
