#include "adapters/s3/messages.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace tidegate::s3 {
namespace {

namespace json = boost::json;

json::object record(std::string_view key) {
  return {
      {"eventVersion", "2.5"},
      {"eventSource", "aws:s3"},
      {"eventTime", "2026-11-30T12:00:00.000Z"},
      {"eventName", "ObjectCreated:Put"},
      {"s3",
       {{"bucket", {{"name", "team"}}},
        {"object", {{"key", key}, {"size", 3}, {"eTag", "e"}, {"versionId", "v"}, {"sequencer", "0A"}}}}}};
}
std::string text(const json::value& value) {
  return json::serialize(value);
}
json::value s3(std::string_view key) {
  return json::object{{"Records", {record(key)}}};
}
json::value event_bridge(std::string_view key) {
  return json::object{{"version", "0"},
                      {"id", "17793124-05d4-b198-2fde-7ededc63b103"},
                      {"detail-type", "Object Created"},
                      {"source", "aws.s3"},
                      {"account", "111122223333"},
                      {"time", "2021-11-12T00:00:00Z"},
                      {"region", "ca-central-1"},
                      {"resources", {"arn:aws:s3:::team"}},
                      {"detail",
                       {{"version", "0"},
                        {"bucket", {{"name", "team"}}},
                        {"object",
                         {{"key", key},
                          {"size", 5},
                          {"etag", "b1946ac92492d2347c6235b4d2611184"},
                          {"version-id", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"},
                          {"sequencer", "617f08299329d189"}}},
                        {"request-id", "N4N7GDK58NMKJ12R"},
                        {"requester", "123456789012"},
                        {"source-ip-address", "1.2.3.4"},
                        {"reason", "PutObject"}}}};
}

// The envelopes, each around a text.
std::string sns(const std::string& message) {
  return text(json::object{{"Type", "Notification"},
                           {"MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"},
                           {"TopicArn", "arn:aws:sns:us-west-2:123456789012:MyTopic"},
                           {"Subject", "Amazon S3 Notification"},
                           {"Message", message},
                           {"Timestamp", "2012-05-02T00:54:06.655Z"}});
}
std::string sns_in_lambda(const std::string& message) {
  return text(json::object{
      {"Records", {{{"EventSource", "aws:sns"}, {"EventVersion", "1.0"}, {"Sns", {{"Message", message}}}}}}});
}
std::string sqs_in_lambda(const std::string& body) {
  return text(json::object{{"Records",
                            {{{"messageId", "059f36b4-87a3-44ab-83d2-661975830a7d"},
                              {"receiptHandle", "AQEBwJnK"},
                              {"body", body},
                              {"attributes", {{"ApproximateReceiveCount", "1"}}},
                              {"eventSource", "aws:sqs"}}}}});
}
std::string sqs_received(const std::string& body) {
  return text(json::object{{"MessageId", "m"}, {"ReceiptHandle", "r"}, {"Body", body}});
}
std::string sqs_answer(const std::string& body) {
  return text(json::object{{"Messages", {{{"MessageId", "m"}, {"Body", body}}}}});
}

std::string key_in(const std::string& message) {
  const auto found = parse_message(message);
  if (!found) return found.error().message;
  return found->events.size() == 1 ? found->events[0].key : "not one event";
}

TEST(Messages, EveryWayFromS3) {
  const std::string plain = text(s3("a+b%2Bc"));
  EXPECT_EQ(key_in(plain), "a b+c");
  EXPECT_EQ(key_in(sns(plain)), "a b+c");
  EXPECT_EQ(key_in(sns_in_lambda(plain)), "a b+c");
  EXPECT_EQ(key_in(sqs_in_lambda(plain)), "a b+c") << "raw delivery too";
  EXPECT_EQ(key_in(sqs_in_lambda(sns(plain))), "a b+c") << "S3, SNS, SQS, Lambda";
  EXPECT_EQ(key_in(sqs_received(plain)), "a b+c");
  EXPECT_EQ(key_in(sqs_answer(sns(plain))), "a b+c");
  const std::string bridge = text(event_bridge("a+b%2Bc"));
  EXPECT_EQ(key_in(bridge), "a+b%2Bc") << "EventBridge's keys are plain";
  EXPECT_EQ(key_in(sqs_in_lambda(bridge)), "a+b%2Bc");
  EXPECT_EQ(key_in(sns_in_lambda(bridge)), "a+b%2Bc");
  EXPECT_EQ(key_in("[" + bridge + "]"), "a+b%2Bc");
}

TEST(Messages, EventBridgeNamesItsMembersOtherwise) {
  const auto event = parse_message(text(event_bridge("example-key"))).value().events.at(0);
  EXPECT_EQ(event.provider, "aws:s3");
  EXPECT_EQ(event.bucket, "team");
  EXPECT_EQ(event.version_id, "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e");
  EXPECT_EQ(event.etag, "b1946ac92492d2347c6235b4d2611184");
  EXPECT_EQ(event.size, 5U);
  EXPECT_EQ(event.sequencer, "617F08299329D189");
  for (const char* type :
       {"Object Deleted", "Object Tags Added", "Object ACL Updated", "Object Restore Completed"}) {
    json::value other = event_bridge("k");
    other.as_object()["detail-type"] = type;
    EXPECT_EQ(parse_message(text(other)).value().ignored, 1U) << type;
  }
  json::value foreign = event_bridge("k");
  foreign.as_object()["source"] = "aws.ec2";
  EXPECT_FALSE(parse_message(text(foreign)));
}

TEST(Messages, OneObjectByTwoWaysIsOneEvent) {
  json::value bridge = event_bridge("k");
  auto& object = bridge.as_object()["detail"].as_object()["object"].as_object();
  object["version-id"] = "v";
  const auto a = parse_message(text(bridge)).value().events.at(0);
  const auto b = parse_message(text(s3("k"))).value().events.at(0);
  EXPECT_EQ(dataset::identity(a), dataset::identity(b));
  EXPECT_EQ(a.provider, b.provider);
}

TEST(Messages, TestEventsInEnvelopes) {
  const std::string test =
      R"({"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b"})";
  for (const std::string& way : {test, sns(test), sqs_received(test), sqs_in_lambda(sns(test))}) {
    const auto found = parse_message(way);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->tests.size(), 1U);
    EXPECT_EQ(found->tests.at(0).bucket, "b");
    EXPECT_TRUE(found->events.empty());
  }
}

TEST(Messages, DepthIsLimited) {
  std::string message = text(s3("k"));
  for (int i = 0; i < kMaxEnvelopes; ++i) message = i % 2 == 0 ? sns(message) : sqs_received(message);
  EXPECT_EQ(key_in(message), "k");
  const auto refused = parse_message(sns(message));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("envelopes deep"), std::string::npos) << refused.error().message;
  EXPECT_FALSE(parse_message(std::string(100'000, '[') + std::string(100'000, ']')));
  EXPECT_FALSE(parse_message(sns(std::string(100'000, '['))));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_FALSE(parse_message(objects + "1" + std::string(100'000, '}')));
}

TEST(Messages, RecordsAreCountedOverAllEnvelopes) {
  json::array records;
  for (std::size_t i = 0; i < 3000; ++i) records.push_back(json::value{});
  records.clear();
  for (std::size_t i = 0; i < 101; ++i) {
    json::array inner(100, json::object{{"detail-type", "Object Deleted"}, {"source", "aws.s3"}});
    records.push_back(json::object{{"messageId", "m"}, {"body", text(json::object{{"Records", inner}})}});
  }
  const auto refused = parse_message(text(json::object{{"Records", records}}));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("records, more than"), std::string::npos) << refused.error().message;
}

TEST(Messages, OneBadRecordRefusesTheWholeAndIsNamed) {
  json::object bad = record("k");
  bad["eventVersion"] = "3.0";
  const std::string inner = text(json::object{{"Records", {record("good"), bad}}});
  const auto refused = parse_message(sqs_in_lambda(sns(inner)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalid);
  EXPECT_EQ(refused.error().message, "Records[0].body.Message.Records[1].eventVersion is not 2.x: 3.0");
  for (const std::string& message :
       {std::string("{}"), std::string("1"), std::string("\"{}\""), sns("no json"), sns("{}"),
        sqs_received("null"), std::string(R"({"Type":"Notification","Message":{"Records":[]}})"),
        std::string(R"({"Records":{}})"), std::string(R"({"Sns":{"Message":1}})"),
        std::string(R"({"Body":"{}"})"), std::string("\xff\xfe")}) {
    EXPECT_FALSE(parse_message(message)) << message;
  }
}

TEST(Messages, KeysArriveAsTheyAre) {
  const std::vector<std::pair<std::string, std::string>> keys = {
      {"with+space", "with space"},
      {"plus%2Bsign", "plus+sign"},
      {"100%25", "100%"},
      {"%2522quoted%2522%22%27", "%22quoted%22\"'"},
      {"%24%28touch+pwned%29", "$(touch pwned)"},
      {"new%0Aline", "new\nline"},
      {"..%2F..%2Fescape", "../../escape"},
      {"%ED%95%9C%EA%B5%AD", "\xED\x95\x9C\xEA\xB5\xAD"},                       // NFC
      {"%E1%84%92%E1%85%A1%E1%86%AB", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"},  // NFD
      {"-rf", "-rf"},
      {"nul%00byte", std::string("nul\0byte", 8)},
      {"bytes%FF%FE", "bytes\xFF\xFE"},
      {std::string(1024, 'k'), std::string(1024, 'k')},
  };
  for (const auto& [encoded, plain] : keys) {
    EXPECT_EQ(key_in(text(s3(encoded))), plain);
    EXPECT_EQ(key_in(sqs_in_lambda(sns(text(s3(encoded))))), plain);
    if (plain.find('\xFF') == std::string::npos) EXPECT_EQ(key_in(text(event_bridge(plain))), plain);
  }
}

TEST(Messages, LargeOnesAreRefusedUnread) {
  EXPECT_FALSE(parse_message(std::string(kMaxMessage + 1, ' ')));
  EXPECT_FALSE(parse_message(R"({"Records":[")" + std::string(100U << 20U, 'x') + R"("]})"));
}

}  // namespace
}  // namespace tidegate::s3
