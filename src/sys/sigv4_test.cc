#include "sys/sigv4.h"

#include <gtest/gtest.h>

namespace tidegate::sys {
namespace {

// Keys and time of the examples in the S3 API reference, "Signature Calculations for the Authorization
// Header". The signatures below were made by botocore's S3SigV4Auth for the same requests.
const Credentials kCredentials{
    "AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), {}};
const Instant kTime{std::chrono::sys_days(std::chrono::year(2013) / 5 / 24)};

std::string signature_of(const Signed& request) {
  const std::string& text = request.headers.back().second;
  return text.substr(text.rfind('=') + 1);
}

TEST(SigV4, ExampleOfTheReferenceListObjects) {
  // GET /?max-keys=2&prefix=J of bucket examplebucket: the published example.
  const Unsigned request{
      "GET", "examplebucket.s3.amazonaws.com", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}};
  const Signed result = sign(request, kCredentials, {"us-east-1", "s3"}, kTime);
  EXPECT_EQ(result.target, "/?max-keys=2&prefix=J");
  EXPECT_EQ(signature_of(result), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, KeysAreEncodedOnceAndDotSegmentsStay) {
  const Unsigned request{"GET", "h:9000", "/b/a b+c/../%2F/한\n\"$(x)~*'", {{"versionId", "a+/=&b"}}, {}};
  const Signed result = sign(request, kCredentials, {"eu-west-1", "s3"}, kTime);
  EXPECT_EQ(result.target, "/b/a%20b%2Bc/../%252F/%ED%95%9C%0A%22%24%28x%29~%2A%27?versionId=a%2B%2F%3D%26b");
  EXPECT_EQ(signature_of(result), "cc72a8a4aadbcb873c2c0c08b6ce1803064032bb4545ee917f3ffa22e0a8a573");
}

TEST(SigV4, TemporaryCredentialsSendTheirToken) {
  Credentials temporary = kCredentials;
  temporary.session_token = Secret("TOKEN");
  const Signed result =
      sign({"GET", "h", "/b/k", {}, {{"If-Match", "\"e\""}}}, temporary, {"us-east-1", "s3"}, kTime);
  EXPECT_EQ(result.headers.front().first, "If-Match");
  EXPECT_NE(result.headers.back().second.find(
                "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"),
            std::string::npos);
  EXPECT_EQ(signature_of(result), "49e718bda9f3cc23248d6b3ffcb9c0105701a9d0fb1a5267b7e34d01fc4225a6");
}

// The signature that botocore's SigV4Auth makes for the same request.
TEST(SigV4, BodiesOfOtherServicesAreSigned) {
  const Unsigned request{"POST", "sqs.us-east-1.amazonaws.com", "/", {}, {}, R"({"QueueUrl":"u"})"};
  const Signed result = sign(request, kCredentials, {"us-east-1", "sqs"}, kTime);
  EXPECT_EQ(signature_of(result), "e785a5eee96abe99952fc41f46d0aab177f2995ac07489967e611c159efb799c");
}

}  // namespace
}  // namespace tidegate::sys
