#include "adapters/jwt/rs256.h"

#include <boost/json.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::jwt {
namespace {

namespace json = boost::json;

constexpr int kBits = 2048;
// A clock that is a little behind ours must not refuse a fresh token. Source: GitLab's Gitlab::Ci::JwtBase.
constexpr std::int64_t kBackdate = 5;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;

/// base64url without padding (RFC 4648, section 5).
std::string encode(std::string_view bytes) {
  std::string out = base64_encode(bytes);
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (out.ends_with('=')) out.pop_back();
  return out;
}

/// A parameter of the key as big-endian bytes.
Result<std::string> number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return fail(Errc::kInternal, "the signing key is not RSA");
  const Number number(raw);
  std::string out(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

class Rs256Issuer final : public app::IdTokenIssuer {
 public:
  static Result<std::unique_ptr<app::IdTokenIssuer>> make(Key key) {
    auto issuer = std::make_unique<Rs256Issuer>();
    TG_TRY(const std::string modulus, number_of(key.get(), OSSL_PKEY_PARAM_RSA_N));
    TG_TRY(const std::string exponent, number_of(key.get(), OSSL_PKEY_PARAM_RSA_E));
    issuer->modulus_ = encode(modulus);
    issuer->exponent_ = encode(exponent);
    // The thumbprint of RFC 7638: this very text, without spaces.
    issuer->id_ = encode(*from_hex(
        sha256_hex(R"({"e":")" + issuer->exponent_ + R"(","kty":"RSA","n":")" + issuer->modulus_ + R"("})")));
    issuer->key_ = std::move(key);
    return std::unique_ptr<app::IdTokenIssuer>(std::move(issuer));
  }

  Result<std::string> issue(const app::IdTokenClaims& claims) override {
    const auto now = std::chrono::floor<std::chrono::seconds>(claims.issued_at).time_since_epoch().count();
    json::object payload{{"iss", claims.issuer},
                         {"sub", claims.subject},
                         {"iat", now},
                         {"nbf", now - kBackdate},
                         {"exp", now + claims.lifetime.count()},
                         {"jti", claims.id}};
    if (claims.audiences.size() == 1) {
      payload["aud"] = claims.audiences.front();
    } else {
      payload["aud"] = json::value_from(claims.audiences);
    }
    for (const auto& [name, value] : claims.others) payload[name] = value;
    const json::object header{{"alg", "RS256"}, {"kid", id_}, {"typ", "JWT"}};
    const std::string text = encode(json::serialize(header)) + "." + encode(json::serialize(payload));
    TG_TRY(const std::string signature, sign(text));
    return text + "." + encode(signature);
  }

  Result<std::string> keys() override {
    const json::object key{{"kty", "RSA"},  {"kid", id_},   {"e", exponent_},
                           {"n", modulus_}, {"use", "sig"}, {"alg", "RS256"}};
    return json::serialize(json::object{{"keys", json::array{key}}});
  }

 private:
  Result<std::string> sign(const std::string& text) const {
    const Digest context(EVP_MD_CTX_new());
    std::size_t size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    bool good = EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
                EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1;
    std::string out(size, '\0');
    good = good && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes,
                                  text.size()) == 1;
    if (!good) return fail(Errc::kInternal, "an id token could not be signed");
    out.resize(size);
    return out;
  }

  Key key_;
  std::string modulus_, exponent_, id_;
};

Result<Key> new_key() {
  Key key(EVP_RSA_gen(kBits));
  if (!key) return fail(Errc::kInternal, "a signing key could not be made");
  return key;
}

Result<std::string> to_pem(EVP_PKEY* key) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return fail(Errc::kInternal, "the signing key could not be written");
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Key from_pem(const std::string& text) {
  const Bio in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // Never ask anybody for a pass phrase.
  const auto no_phrase = [](char*, int, int, void*) { return 0; };
  return Key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_phrase, nullptr));
}

}  // namespace

Result<std::unique_ptr<app::IdTokenIssuer>> open_issuer(const std::filesystem::path& key_file) {
  if (!std::filesystem::exists(key_file)) {
    TG_TRY(const Key fresh, new_key());
    TG_TRY(const std::string pem, to_pem(fresh.get()));
    TG_CHECK(sys::write_file_durably(key_file, pem, 0600));
  }
  TG_TRY(const std::string pem, sys::read_file(key_file, 1U << 20U));
  Key key = from_pem(pem);
  if (!key)
    return fail(Errc::kInvalid,
                key_file.string() + ": expected an RSA private key in PEM without a pass phrase");
  return Rs256Issuer::make(std::move(key));
}

Result<std::unique_ptr<app::IdTokenIssuer>> make_issuer() {
  TG_TRY(Key key, new_key());
  return Rs256Issuer::make(std::move(key));
}

}  // namespace tidegate::jwt
