#include "adapters/sqlite/vault.h"

#include <memory>

#include <openssl/evp.h>

#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::sqlite {
namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::string_view kPrefix = "v1:";

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
Context make_context() {
  return {EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

Result<Vault> Vault::open(const std::filesystem::path& key_file) {
  if (!std::filesystem::exists(key_file)) {
    TG_CHECK(sys::write_file_durably(key_file, random_hex(32) + "\n", 0600));
  }
  TG_TRY(const std::string text, sys::read_file(key_file));
  const auto key = from_hex(trim(text));
  if (!key || key->size() != 32) {
    return fail(Errc::kInvalid,
                key_file.string() + ": expected 64 hex digits; restore the key this data was sealed with");
  }
  return Vault(Secret(*key));
}

std::string Vault::seal(std::string_view text) const {
  const std::string nonce = *from_hex(random_hex(kNonce));
  std::string cipher(text.size(), '\0');
  std::string tag(kTag, '\0');
  const Context context = make_context();
  int length = 0;
  EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(key_.reveal()), bytes(nonce));
  EVP_EncryptUpdate(context.get(), bytes(cipher), &length, bytes(text), static_cast<int>(text.size()));
  EVP_EncryptFinal_ex(context.get(), bytes(cipher) + length, &length);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag, tag.data());
  return std::string(kPrefix) + base64_encode(nonce + cipher + tag);
}

Result<std::string> Vault::unseal(std::string_view sealed) const {
  const Error wrong = fail(Errc::kInternal, "sealed text does not fit the key file, or has been altered");
  if (!sealed.starts_with(kPrefix)) return wrong;
  auto raw = base64_decode(sealed.substr(kPrefix.size()));
  if (!raw || raw->size() < kNonce + kTag) return wrong;
  std::string tag = raw->substr(raw->size() - kTag);
  const std::string cipher = raw->substr(kNonce, raw->size() - kNonce - kTag);
  std::string text(cipher.size(), '\0');
  const Context context = make_context();
  int length = 0;
  EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(key_.reveal()), bytes(*raw));
  EVP_DecryptUpdate(context.get(), bytes(text), &length, bytes(cipher), static_cast<int>(cipher.size()));
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data());
  if (EVP_DecryptFinal_ex(context.get(), bytes(text) + length, &length) != 1) return wrong;
  return text;
}

}  // namespace tidegate::sqlite
