#include <gtest/gtest.h>

#include "adapters/s3/messages.h"

namespace tidegate::s3 {
namespace {

// As the S3 user guide shows it ("Event message structure").
std::string aws(std::string_view key, std::string_view more = "",
                std::string_view name = "ObjectCreated:Put") {
  return R"({"Records":[{"eventVersion":"2.5","eventSource":"aws:s3","awsRegion":"us-west-2",)"
         R"("eventTime":"1970-01-01T00:00:00.123Z","eventName":")" +
         std::string(name) +
         R"(","userIdentity":{"principalId":"AIDAJDPLRKLG7UEXAMPLE"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},)"
         R"("responseElements":{"x-amz-request-id":"C3D13FE58DE4C810","x-amz-id-2":"FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD"},)"
         R"("s3":{"s3SchemaVersion":"1.0","configurationId":"testConfigRule","bucket":{"name":"amzn-s3-demo-bucket",)"
         R"("ownerIdentity":{"principalId":"A3NL1KOZZKExample"},"arn":"arn:aws:s3:::amzn-s3-demo-bucket"},"object":{"key":")" +
         std::string(key) + R"(","size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e",)" +
         std::string(more) + R"("sequencer":"0055aed6DCD90281E5"}}}]})";
}

TEST(Records, AwsKeysAreFormEncoded) {
  const auto result =
      parse_message(aws("a+b%2Bc%20d/%ED%95%9C%0A%22%24%28x%29.jpg", R"("versionId":"v/1",)"));
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->events.size(), 1U);
  const auto& event = result->events[0];
  EXPECT_EQ(event.provider, "aws:s3");
  EXPECT_EQ(event.bucket, "amzn-s3-demo-bucket");
  EXPECT_EQ(event.key, "a b+c d/한\n\"$(x).jpg");
  EXPECT_EQ(event.version_id, "v/1");
  EXPECT_EQ(event.etag, "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(event.size, 1024U);
  EXPECT_EQ(event.sequencer, "0055AED6DCD90281E5");
  EXPECT_EQ(event.occurred_at, Instant(Millis(123)));
  EXPECT_EQ(event.origin, dataset::Origin::kHook);
}

TEST(Records, OnlyCreationsAreData) {
  for (const char* name : {"ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:Copy",
                           "ObjectCreated:CompleteMultipartUpload"}) {
    EXPECT_EQ(parse_message(aws("k", "", name)).value().events.size(), 1U) << name;
  }
  for (const char* name : {"ObjectRemoved:Delete", "ObjectTagging:Put", "ObjectRestore:Post",
                           "ObjectCreated:PutTagging", "LifecycleTransition", ""}) {
    const auto result = parse_message(aws("k", "", name));
    ASSERT_TRUE(result) << name;
    EXPECT_TRUE(result->events.empty()) << name;
    EXPECT_EQ(result->ignored, 1U) << name;
  }
}

TEST(Records, MinioDialect) {
  const std::string body =
      R"({"EventName":"s3:ObjectCreated:Put","Key":"b/a b","Records":[{"eventVersion":"2.0","eventSource":"minio:s3",)"
      R"("awsRegion":"","eventTime":"2026-11-23T14:07:23.5Z","eventName":"s3:ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0",)"
      R"("configurationId":"Config","bucket":{"name":"b"},"object":{"key":"a+b","size":5,"eTag":"e","contentType":"text/plain",)"
      R"("userMetadata":{"content-type":"text/plain"},"sequencer":"1755D7E6F3B0A2C8"}},"source":{"host":"127.0.0.1","port":"","userAgent":"x"}}]})";
  const auto result = parse_message(body);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->events.at(0).key, "a b");
  EXPECT_EQ(result->events.at(0).provider, "minio:s3");
  EXPECT_EQ(result->events.at(0).sequencer, "1755D7E6F3B0A2C8");
  for (const char* name : {"PutTagging", "DeleteTagging", "PutRetention", "PutLegalHold"}) {
    std::string edit = body;
    edit.replace(edit.rfind("ObjectCreated:Put") + 14, 3, name);
    EXPECT_EQ(parse_message(edit).value().ignored, 1U) << "an edit of metadata is no data: " << name;
  }
}

// Bodies as versitygw 1.8.0 sent them.
TEST(Records, VersitygwDialect) {
  const auto body = [](std::string_view name, std::string_view object) {
    return R"({"Records":[{"eventVersion":"2.2","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-11-23T14:07:23Z",)"
           R"("eventName":")" +
           std::string(name) +
           R"(","userIdentity":{"PrincipalId":"k"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},)"
           R"("responseElements":{"x-amz-request-id":"","x-amz-id-2":""},"s3":{"s3SchemaVersion":"1.0","configurationId":"webhook-global",)"
           R"("bucket":{"name":"team-data","ownerIdentity":{"PrincipalId":"k"},"arn":"arn:aws:s3:::/team-data/empty"},"object":)" +
           std::string(object) +
           R"(},"glacierEventData":{"restoreEventData":{"lifecycleRestorationExpiryTime":"","lifecycleRestoreStorageClass":""}}}]})";
  };
  const auto put = parse_message(
      body("s3:ObjectCreated:Put",
           R"({"key":"a+b %2F 100%","size":5,"eTag":"\"5d41\"","versionId":null,"sequencer":"10"})"));
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(put->events.at(0).key, "a+b %2F 100%") << "not encoded";
  EXPECT_EQ(put->events.at(0).etag, "5d41");
  EXPECT_EQ(put->events.at(0).version_id, "");
  EXPECT_EQ(put->events.at(0).size, 5U);
  EXPECT_EQ(put->events.at(0).sequencer, "") << "a counter that starts anew orders nothing";
  EXPECT_EQ(put->events.at(0).provider, "versitygw:s3");
  const auto copy =
      parse_message(body("s3:ObjectCreated:Copy",
                         R"({"key":"c","size":0,"eTag":"\"5d41\"","versionId":"01M8","sequencer":"12"})"));
  EXPECT_EQ(copy.value().events.at(0).version_id, "01M8");
  EXPECT_FALSE(copy.value().events.at(0).size) << "0 is not its size";
  EXPECT_EQ(parse_message(body("s3:ObjectRemoved:Delete",
                               R"({"key":"c","size":0,"eTag":null,"versionId":null,"sequencer":"14"})"))
                .value()
                .ignored,
            1U);
  const auto test = parse_message(
      R"({"Bucket":"Test-Bucket","Event":"s3:TestEvent","Service":"S3","Time":"2026-11-23T14:07:20Z"})");
  EXPECT_EQ(test.value().tests.at(0).provider, "S3");
}

TEST(Records, TestEventIsNoData) {
  const auto result = parse_message(
      R"({"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR"})");
  ASSERT_TRUE(result);
  EXPECT_EQ(
      result->tests,
      (std::vector<dataset::ConnectionTest>{{"Amazon S3", "b", parse_iso8601("2014-10-13T15:57:02.089Z")}}));
  EXPECT_TRUE(result->events.empty());
}

TEST(Records, EveryVersion2) {
  for (const char* version : {"2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.17"}) {
    std::string body = aws("k");
    body.replace(body.find("2.5"), 3, version);
    EXPECT_EQ(parse_message(body).value().events.size(), 1U) << version;
  }
}

TEST(Records, UnknownFieldsAreLeftAside) {
  EXPECT_TRUE(parse_message(aws("k", R"("new":{"deep":[1,2]},)")));
  EXPECT_EQ(parse_message(R"({"Records":[]})").value().events.size(), 0U);
}

TEST(Records, WhatIsWrongIsNamed) {
  const auto message = [](std::string_view body) {
    const auto result = parse_message(body);
    if (result) return std::string("accepted");
    EXPECT_EQ(result.error().code, Errc::kInvalid);
    return result.error().message;
  };
  const auto has = [&](std::string_view body, std::string_view word) {
    EXPECT_NE(message(body).find(word), std::string::npos) << message(body);
  };
  has("", "not JSON");
  has("hello", "not JSON");
  has("{\"Records\":[", "not JSON");
  has(std::string(100'000, '['), "not JSON");
  has("{}", "Records");
  has("\"Records\"", "Records");
  has("{\"Records\":{}}", "Records");
  has("{\"Records\":[1]}", "Records[0]");
  has("{\"Records\":[{}]}", "Records[0].eventVersion is missing");
  has(std::string(kMaxMessage + 1, ' '), "more than");
  has(aws("a%zz"), "object.key");
  has(aws(std::string(5000, 'k')), "object.key");
  const auto with = [](std::string from, std::string to) {
    std::string body = aws("k");
    body.replace(body.find(from), from.size(), to);
    return body;
  };
  has(with("\"2.5\"", "\"3.0\""), "eventVersion");
  has(with("\"2.5\"", "\"2.\""), "eventVersion");
  has(with("\"2.5\"", "\"20.1\""), "eventVersion");
  has(with("\"2.5\"", "2.5"), "eventVersion is not a string");
  has(with("1970-01-01T00:00:00.123Z", "yesterday"), "eventTime");
  has(with("1024", "-1"), "size");
  has(with("1024", "1e3"), "size");
  has(with("0055aed6DCD90281E5", "xyz"), "sequencer");
  has(with("\"amzn-s3-demo-bucket\",", "\"\","), "bucket");
  has(with("\"object\":{", "\"objects\":{"), "object");
}

TEST(Records, TooManyRecordsAreRefused) {
  std::string body = "[";
  for (std::size_t i = 0; i <= kMaxRecords; ++i) body += i == 0 ? "0" : ",0";
  const auto result = parse_message(body + "]");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("10001 records"), std::string::npos);
}

}  // namespace
}  // namespace tidegate::s3
