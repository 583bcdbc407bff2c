#include <memory>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "adapters/sns/receiver.h"
#include "base/text.h"

namespace tidegate::sns {
namespace {

namespace json = boost::json;

constexpr const char* kCertificateUrl =
    "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem";
constexpr const char* kSubscribeUrl =
    "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn&Token=2336412f37";

class FixedClock final : public Clock {
 public:
  Instant now() const override { return time; }
  Instant time{Millis{1'800'000'000'000}};
};

// A key and its certificate, as SNS has them.
class Signer {
 public:
  Signer() : key_(EVP_RSA_gen(2048)) {
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    ASN1_TIME_set(X509_getm_notBefore(certificate), 1'700'000'000);
    ASN1_TIME_set(X509_getm_notAfter(certificate), 1'900'000'000);
    X509_set_pubkey(certificate, key_);
    X509_sign(certificate, key_, EVP_sha256());
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate);
    const char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    pem_.assign(data, static_cast<std::size_t>(size));
    BIO_free_all(out);
    X509_free(certificate);
  }
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;
  ~Signer() { EVP_PKEY_free(key_); }

  std::string sign(const std::string& text, const std::string& version) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, version == "1" ? EVP_sha1() : EVP_sha256(), nullptr, key_);
    std::string out(512, '\0');
    std::size_t size = out.size();
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    EVP_MD_CTX_free(context);
    out.resize(size);
    return base64_encode(out);
  }
  const std::string& pem() const { return pem_; }

 private:
  EVP_PKEY* key_;
  std::string pem_;
};

json::object notification() {
  return {{"Type", "Notification"},
          {"MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"},
          {"TopicArn", "arn:aws:sns:us-west-2:123456789012:MyTopic"},
          {"Subject", "Amazon S3 Notification"},
          {"Message", "{\"Records\":[]}\nwith a line"},
          {"Timestamp", "2012-05-02T00:54:06.655Z"},
          {"SignatureVersion", "2"},
          {"Signature", ""},
          {"SigningCertURL", kCertificateUrl},
          {"UnsubscribeURL", "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe"}};
}
json::object confirmation() {
  json::object out = notification();
  out["Type"] = "SubscriptionConfirmation";
  out["Token"] = "2336412f37";
  out["SubscribeURL"] = kSubscribeUrl;
  out.erase("Subject");
  return out;
}

class SnsTest : public testing::Test {
 protected:
  std::string signed_text(json::object message) const {
    const auto read = read_message(json::serialize(message)).value().value();
    message["Signature"] = signer.sign(canonical(read), std::string(message["SignatureVersion"].as_string()));
    return json::serialize(message);
  }

  Signer signer;
  FixedClock clock;
  std::vector<std::string> fetched;
  bool down = false;
  Receiver receiver{[this](const std::string& url) -> Result<std::string> {
                      fetched.push_back(url);
                      if (down) return fail(Errc::kUnavailable, "down");
                      return url == kCertificateUrl ? signer.pem() : "<ConfirmSubscriptionResponse/>";
                    },
                    clock};
};

TEST_F(SnsTest, BothSignatureVersions) {
  for (const char* version : {"1", "2"}) {
    json::object message = notification();
    message["SignatureVersion"] = version;
    const auto taken = receiver.take(signed_text(message));
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(taken->value().topic, "arn:aws:sns:us-west-2:123456789012:MyTopic");
    message.erase("Subject");
    EXPECT_TRUE(receiver.take(signed_text(message)));
  }
  EXPECT_EQ(fetched, std::vector<std::string>{kCertificateUrl}) << "the certificate is kept";
}

TEST_F(SnsTest, TheSignedTextIsThatOfTheGuide) {
  const auto read = [](const json::object& m) { return read_message(json::serialize(m)).value().value(); };
  EXPECT_EQ(canonical(read(notification())),
            "Message\n{\"Records\":[]}\nwith a line\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\n"
            "Subject\nAmazon S3 Notification\nTimestamp\n2012-05-02T00:54:06.655Z\n"
            "TopicArn\narn:aws:sns:us-west-2:123456789012:MyTopic\nType\nNotification\n");
  EXPECT_EQ(canonical(read(confirmation())),
            "Message\n{\"Records\":[]}\nwith a line\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\n"
            "SubscribeURL\n" +
                std::string(kSubscribeUrl) +
                "\nTimestamp\n2012-05-02T00:54:06.655Z\nToken\n2336412f37\n"
                "TopicArn\narn:aws:sns:us-west-2:123456789012:MyTopic\nType\nSubscriptionConfirmation\n");
}

// As moto 5.2.5 sends it, with the certificate that it made.
TEST(SnsOfOthers, Moto) {
  const std::string message =
      R"({"Type": "Notification", "MessageId": "209a24f9-69aa-4f5c-a540-c188c8a822e7", "TopicArn": "arn:aws:sns:us-east-1:123456789012:objects", "Message": "{\"Records\":[]}", "Timestamp": "2026-11-30T20:26:55.340Z", "SignatureVersion": "2", "Signature": "MeS2GBkqH7D3nFZBij5LXQ7meSM0dKXh14nEMYi2HdDMr4ws9fF5/k3+AP5K5Z2Firq9BHjEB+VBWwglptfnMzloxXhE6DsW/zT9IUH68kdhe3nOA+ysYqMghBR42enS4p4YM4qR+f6ObO02mKfsHm+jom2bkqGyaSw4A3yw0dvF2dMLGo5upIonJLMufXmgJYbz29KV8yTGLZqb33MsGk7tym9PzvOhG5PYgY8wA3z2ZCwGk4t4icxKxDAUcpziEvhOV1uXaMFKK6n8ljRXPei3G2s2noGWJtBe4fQPrmsHl2jpyPjTnn9kVEn6P/L0flJng1CM6qi4VACjbzjeXA==", "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ed4eb147ae014958b98fbf552b938862.pem", "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:123456789012:objects:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55"})";
  const std::string pem = R"(-----BEGIN CERTIFICATE-----
MIIC5DCCAcygAwIBAgIURwcTqoLmNdxD0BFcb5Kvr3Q7iwkwDQYJKoZIhvcNAQEL
BQAwPDELMAkGA1UEBhMCVVMxDzANBgNVBAoMBkFtYXpvbjEcMBoGA1UEAwwTQW1h
em9uIFJTQSAyMDQ4IE0wMTAeFw0yNjExMzAyMDI2NTVaFw0yNzExMzAyMDI2NTVa
MBwxGjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29tMIIBIjANBgkqhkiG9w0BAQEF
AAOCAQ8AMIIBCgKCAQEAqVse/TSIzx4xsjjzBVFqmUG7aHe0/2xBBPSUgQGKLOL9
5OoqzUTcXR6xAjlahMiMIUrkM/bYOUzfe/uoW1sS2AJS95eBZ8JnXX3t4Gwiw33I
Rbjm7/6GUSBZyINoRhJgiiNK+QPFE7/kpsae9fntb2H0IhGJlJsxXDMdGYj5xFGF
hy5nt+uOVEOZMlwJxQbpGdvxoHMKnX+zazKKVF0yRa7xpKC0MMBF+zGh1/nB1Ye7
RdZujIYKy5CeSWgHUlA7ly+WXCnab5m6AIcuN+EXqRYY/6MckqJjs5lf4pcOQA9l
P5SUSHvaiRxBibfbzCrgonQ/kbIBr24L0K/hvJVnfQIDAQABMA0GCSqGSIb3DQEB
CwUAA4IBAQCKqIZxsTvcawmRXQhDivFLMyn2p9uNlGw0xAeOWFQKZYQJISmazVvi
rRWuYnQpmNL9IRiHShMMe+EFSX503yKsghSfOzFmFEP5RHthPyX2GOLDBgG4D+AZ
ydiwFB333zLIsV4R16Z1vp+l+nHMLMJV+0ZazyGdeIFjdT3E7b/r0mF/4gtgAT43
7oGVb6BzfBWEv/pA/IM11RoXlcBJwjUC7JwTTasOJm81jDFSUzhMJ829lt9q9ETy
1kwhXTgN6UstyVeKi4Baeg8r/gMuxeV96nYuXfUmJjlSGf4u6FdJGpkWmrSIFLZw
W5ss0Z5kFfEKPfLIgWcMr22doE0w0Ell
-----END CERTIFICATE-----
)";
  const Instant now = parse_iso8601("2026-12-01T12:00:00Z").value();
  auto read = read_message(message).value().value();
  const Status good = Receiver::verify(read, pem, now);
  EXPECT_TRUE(good) << good.error().message;
  read.message += " ";
  EXPECT_FALSE(Receiver::verify(read, pem, now));
}

TEST_F(SnsTest, AnySignedMemberThatIsChangedIsRefused) {
  const json::object good = json::parse(signed_text(notification())).as_object();
  for (const char* member : {"Message", "MessageId", "Subject", "Timestamp", "TopicArn"}) {
    json::object changed = good;
    changed[member] = "other";
    const auto taken = receiver.take(json::serialize(changed));
    ASSERT_FALSE(taken) << member;
    EXPECT_EQ(taken.error().code, Errc::kDenied) << member;
  }
  for (const char* signature : {"", "AAAA", "no base64!"}) {
    json::object changed = good;
    changed["Signature"] = signature;
    EXPECT_FALSE(receiver.take(json::serialize(changed))) << signature;
  }
  json::object changed = good;
  changed["SignatureVersion"] = "3";
  EXPECT_FALSE(receiver.take(json::serialize(changed)));
  changed["SignatureVersion"] = "1";
  EXPECT_FALSE(receiver.take(json::serialize(changed)));
}

TEST_F(SnsTest, NothingIsFetchedFromElsewhere) {
  for (const char* url :
       {"http://sns.us-west-2.amazonaws.com/x.pem", "https://evil.example/x.pem",
        "https://sns.us-west-2.amazonaws.com.evil.example/x.pem",
        "https://sns.us-west-2.amazonaws.com@evil.example/x.pem",
        "https://evil.example/sns.us-west-2.amazonaws.com/x.pem",
        "https://sns.us-west-2.amazonaws.com:8443/x.pem", "https://sns.a.b.amazonaws.com/x.pem",
        "https://sns..amazonaws.com/x.pem", "https://s3.us-west-2.amazonaws.com/x.pem",
        "https://xsns.us-west-2.amazonaws.com/x.pem", "https://sns.us-west-2.amazonaws.com",
        "https://sns.us-west-2.amazonaws.com\\@evil.example/x.pem",
        "https://SNS.us-west-2.amazonaws.com/x.pem", "file:///etc/x.pem", ""}) {
    json::object message = notification();
    message["SigningCertURL"] = url;
    const auto taken = receiver.take(signed_text(message));
    ASSERT_FALSE(taken) << url;
    EXPECT_EQ(taken.error().code, Errc::kDenied) << url;
    json::object subscribe = confirmation();
    subscribe["SubscribeURL"] = url;
    EXPECT_FALSE(receiver.take(signed_text(subscribe))) << url;
  }
  for (const std::string& url : fetched) EXPECT_TRUE(check_address(url)) << url;
  EXPECT_TRUE(check_address("https://sns.cn-north-1.amazonaws.com.cn/x.pem"));
}

TEST_F(SnsTest, SubscriptionsAreConfirmedOnceTheSignatureIsRight) {
  json::object forged = json::parse(signed_text(confirmation())).as_object();
  forged["Token"] = "other";
  EXPECT_FALSE(receiver.take(json::serialize(forged)));
  EXPECT_EQ(fetched, std::vector<std::string>{kCertificateUrl});
  const auto taken = receiver.take(signed_text(confirmation()));
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->value().kind, Kind::kSubscriptionConfirmation);
  EXPECT_EQ(fetched.back(), kSubscribeUrl);
}

TEST_F(SnsTest, SnsThatIsDownIsNoRefusal) {
  down = true;
  const auto taken = receiver.take(signed_text(notification()));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::kUnavailable);
}

TEST_F(SnsTest, CertificatesHaveTheirTime) {
  const std::string message = signed_text(notification());
  for (const std::int64_t seconds : {946'684'800, 1'699'999'999, 1'900'000'001}) {
    clock.time = Instant(Seconds(seconds));
    const auto taken = receiver.take(message);
    ASSERT_FALSE(taken) << seconds;
    EXPECT_NE(taken.error().message.find("not valid now"), std::string::npos);
  }
}

TEST_F(SnsTest, OtherBodiesAreNotItsBusiness) {
  for (const char* body :
       {"", "[]", "{}", "no json", R"({"Records":[]})", R"({"Type":"Other","TopicArn":"a"})",
        R"({"Type":"Notification"})", R"({"Type":1,"TopicArn":"a"})"}) {
    const auto taken = receiver.take(body);
    ASSERT_TRUE(taken) << body;
    EXPECT_FALSE(taken->has_value()) << body;
  }
  const auto half = receiver.take(R"({"Type":"Notification","TopicArn":"a","Message":"m"})");
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace tidegate::sns
