#include "adapters/sns/receiver.h"

#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/text.h"

namespace tidegate::sns {
namespace {

constexpr std::size_t kMaxCertificates = 16;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

Error denied(std::string why) {
  return fail(Errc::kDenied, "SNS message: " + std::move(why));
}

bool is_valid_at(const X509* certificate, Instant now) {
  std::time_t when = std::chrono::floor<Seconds>(now.time_since_epoch()).count();
  // X509_cmp_time: -1 when the certificate's time is not after `when`.
  return X509_cmp_time(X509_get0_notBefore(certificate), &when) < 0 &&
         X509_cmp_time(X509_get0_notAfter(certificate), &when) > 0;
}

const EVP_MD* digest_of(const std::string& signature_version) {
  if (signature_version == "1") return EVP_sha1();
  return signature_version == "2" ? EVP_sha256() : nullptr;
}

}  // namespace

Status Receiver::verify(const Message& message, const std::string& pem, Instant now) {
  const EVP_MD* digest = digest_of(message.signature_version);
  if (digest == nullptr)
    return denied("its SignatureVersion is not known: " + printable(message.signature_version));
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) return denied("its certificate cannot be read");
  if (!is_valid_at(certificate.get(), now)) return denied("its certificate is not valid now");
  const Key key(X509_get_pubkey(certificate.get()));
  if (!key) return denied("its certificate holds no key");
  const std::string text = canonical(message);
  const auto bytes = [](const std::string& s) { return reinterpret_cast<const unsigned char*>(s.data()); };
  const Digest context(EVP_MD_CTX_new());
  const bool good = EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) == 1 &&
                    EVP_DigestVerify(context.get(), bytes(message.signature), message.signature.size(),
                                     bytes(text), text.size()) == 1;
  ERR_clear_error();
  if (!good) return denied("its signature is wrong");
  return {};
}

Result<std::string> Receiver::certificate(const std::string& url) {
  TG_CHECK(check_address(url));
  if (!url.ends_with(".pem")) return denied("its SigningCertURL names no certificate");
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = certificates_.find(url); known != certificates_.end()) return known->second;
  }
  return fetch_(url);
}

void Receiver::remember(const std::string& url, const std::string& pem) {
  const std::lock_guard lock(mutex_);
  if (certificates_.size() >= kMaxCertificates) certificates_.clear();
  certificates_[url] = pem;
}

Result<std::optional<Message>> Receiver::take(std::string_view body) {
  TG_TRY(auto message, read_message(body));
  if (!message) return std::optional<Message>();
  TG_TRY(const std::string pem, certificate(message->certificate_url));
  TG_CHECK(verify(*message, pem, clock_.now()));
  remember(message->certificate_url, pem);
  if (message->kind == Kind::kSubscriptionConfirmation) {
    TG_CHECK(check_address(message->subscribe_url));
    TG_CHECK(fetch_(message->subscribe_url));
  }
  return message;
}

}  // namespace tidegate::sns
