#include "adapters/signing/p256.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate::signing {
namespace {

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

// What `write` puts into memory; empty when it fails.
template <class Write>
std::string written(Write write) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (write(out.get()) != 1) return {};
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

class P256Signer final : public app::Signer {
 public:
  explicit P256Signer(Key key) : key_(std::move(key)) {
    pem_ = written([&](BIO* out) { return PEM_write_bio_PUBKEY(out, key_.get()); });
    id_ = sha256_hex(written([&](BIO* out) { return i2d_PUBKEY_bio(out, key_.get()); }));
  }

  Result<std::string> sign(std::string_view bytes) override {
    const Digest context(EVP_MD_CTX_new());
    std::size_t size = 0;
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    bool good = EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
                EVP_DigestSign(context.get(), nullptr, &size, data, bytes.size()) == 1;
    std::string out(size, '\0');
    good = good && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, data,
                                  bytes.size()) == 1;
    if (!good) return fail(Errc::kInternal, "a statement could not be signed");
    out.resize(size);
    return out;
  }
  std::string public_key() const override { return pem_; }
  std::string key_id() const override { return id_; }

 private:
  Key key_;
  std::string pem_, id_;
};

bool is_p256(EVP_PKEY* key) {
  char group[64] = {};
  std::size_t size = 0;
  return EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
         std::string_view(group, size) == "prime256v1";
}

Status make_key(const std::filesystem::path& file) {
  const Key key(EVP_EC_gen("P-256"));
  const std::string pem = key ? written([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  })
                              : std::string();
  if (pem.empty()) return fail(Errc::kInternal, "a signing key could not be made");
  return sys::write_file_durably(file, pem, 0600);
}

Key from_pem(const std::string& text) {
  const Bio in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // Never ask anybody for a pass phrase.
  const auto no_phrase = [](char*, int, int, void*) { return 0; };
  return Key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_phrase, nullptr));
}

}  // namespace

Result<std::unique_ptr<app::Signer>> open_signer(const std::filesystem::path& key_file) {
  if (!std::filesystem::exists(key_file)) TG_CHECK(make_key(key_file));
  TG_TRY(const std::string pem, sys::read_file(key_file, 1U << 20U));
  Key key = from_pem(pem);
  if (!key || !is_p256(key.get()))
    return fail(
        Errc::kInvalid,
        key_file.string() + ": expected a private key of the curve P-256 in PEM without a pass phrase");
  return std::unique_ptr<app::Signer>(std::make_unique<P256Signer>(std::move(key)));
}

}  // namespace tidegate::signing
