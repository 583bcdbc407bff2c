#include <mutex>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "adapters/sqs/queue_reader.h"
#include "sys/http_test_server.h"

namespace tidegate::sqs {
namespace {

namespace json = boost::json;

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant(Millis{1'800'000'000'000}); }
};

// Answers as the API reference shows it; what was asked is kept.
class Queue {
 public:
  Queue() : server_([this](const auto& request) { return answer(request); }) {}

  QueueSettings settings() const {
    return {server_.url("/123456789012/events"), "us-east-1", {"key", Secret("secret"), {}}, {}};
  }
  std::vector<std::string> calls(const std::string& action) const {
    std::vector<std::string> out;
    for (const auto& [name, body] : asked_) {
      if (name == "AmazonSQS." + action) out.push_back(body);
    }
    return out;
  }

  std::string receive = "{}";
  int status = 200;
  std::string removed = R"({"Successful":[],"Failed":[]})";
  std::string authorization;

 private:
  std::string answer(const sys::TestHttpServer::Request& request) {
    const std::string action = request.headers.at("x-amz-target");
    asked_.emplace_back(action, request.body);
    authorization = request.headers.at("authorization");
    if (status != 200) return sys::TestHttpServer::answer(status, receive);
    if (action == "AmazonSQS.ReceiveMessage") return sys::TestHttpServer::answer(200, receive);
    return sys::TestHttpServer::answer(200, action == "AmazonSQS.DeleteMessageBatch" ? removed : "{}");
  }

  std::vector<std::pair<std::string, std::string>> asked_;
  sys::TestHttpServer server_;
};

std::string messages(const std::vector<std::string>& bodies) {
  json::array list;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    list.push_back({{"MessageId", "m" + std::to_string(i)},
                    {"ReceiptHandle", "r" + std::to_string(i)},
                    {"Body", bodies[i]},
                    {"Attributes", {{"ApproximateReceiveCount", "2"}}}});
  }
  return json::serialize(json::object{{"Messages", list}});
}

class SqsTest : public testing::Test {
 protected:
  Queue queue;
  FixedClock clock;
  std::vector<std::string> taken;
  std::vector<std::string> refused;
  QueueReader reader{
      queue.settings(), clock,
      [this](const QueueMessage& m) -> Status {
        if (m.body == "later") return fail(Errc::kUnavailable, "not now");
        if (m.body == "bad") return fail(Errc::kInvalid, "not JSON");
        taken.push_back(m.body);
        return {};
      },
      [this](const QueueMessage& m, const Error& why) { refused.push_back(m.id + ": " + why.message); }};
};

TEST_F(SqsTest, EachMessageHasItsOwnFate) {
  queue.receive = messages({"a", "bad", "b", "later", "c"});
  const Round round = reader.round(Seconds{0});
  EXPECT_EQ(taken, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(refused, std::vector<std::string>{"m1: not JSON"});
  EXPECT_EQ(std::tuple(round.taken, round.refused, round.postponed), std::tuple(3U, 1U, 1U));
  ASSERT_EQ(queue.calls("DeleteMessageBatch").size(), 1U);
  const std::string removed = queue.calls("DeleteMessageBatch")[0];
  for (const char* receipt : {"\"r0\"", "\"r2\"", "\"r4\""})
    EXPECT_NE(removed.find(receipt), std::string::npos);
  for (const char* receipt : {"\"r1\"", "\"r3\""}) EXPECT_EQ(removed.find(receipt), std::string::npos);
  ASSERT_EQ(queue.calls("ChangeMessageVisibility").size(), 1U);
  EXPECT_NE(queue.calls("ChangeMessageVisibility")[0].find(R"("ReceiptHandle":"r3")"), std::string::npos);
}

TEST_F(SqsTest, RequestsAreLongPollsAndSigned) {
  EXPECT_TRUE(reader.round(Seconds{20}).answered);
  const auto body = json::parse(queue.calls("ReceiveMessage").at(0)).as_object();
  EXPECT_EQ(body.at("WaitTimeSeconds").as_int64(), 20);
  EXPECT_EQ(body.at("MaxNumberOfMessages").as_int64(), 10);
  EXPECT_EQ(std::string(body.at("QueueUrl").as_string()), queue.settings().url);
  EXPECT_NE(queue.authorization.find("/us-east-1/sqs/aws4_request"), std::string::npos)
      << queue.authorization;
  EXPECT_TRUE(queue.calls("DeleteMessageBatch").empty()) << "nothing to delete, nothing asked";
}

TEST_F(SqsTest, WhatIsWrongWithTheQueue) {
  QueueApi api(queue.settings(), clock);
  const sys::StopFlag stop;
  const auto code = [&](int status, const std::string& body) {
    queue.status = status;
    queue.receive = body;
    const auto result = api.receive(Seconds{0}, stop);
    return result ? Errc::kFailed : result.error().code;
  };
  EXPECT_EQ(code(400, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"})"), Errc::kNotFound);
  EXPECT_EQ(code(403, R"({"__type":"com.amazon.coral.service#AccessDeniedException"})"), Errc::kDenied);
  EXPECT_EQ(code(400, R"({"__type":"InvalidSignatureException"})"), Errc::kDenied);
  EXPECT_EQ(code(503, "<html>"), Errc::kUnavailable);
  EXPECT_EQ(code(400, R"({"__type":"ThrottlingException"})"), Errc::kUnavailable);
  EXPECT_EQ(code(200, "[]"), Errc::kInvalid);
  EXPECT_EQ(code(200, R"({"Messages":1})"), Errc::kInvalid);
  EXPECT_EQ(code(200, R"({"Messages":[{}]})"), Errc::kInvalid);
  EXPECT_EQ(code(200, R"({"Messages":null})"), Errc::kFailed) << "no error: nothing there";
  queue.receive = "{}";
  queue.removed = R"({"Failed":[{"Id":"0","Code":"ReceiptHandleIsInvalid"}]})";
  EXPECT_EQ(api.remove({{"m", "r", "", 1}, {"m2", "r2", "", 1}}).value(), 1U);
}

TEST_F(SqsTest, StopsWhileItWaits) {
  queue.status = 500;
  reader.start();
  reader.stop();
  EXPECT_TRUE(taken.empty());
}

TEST(SqsPause, GrowsWhileItIsBadAndIsGoneWhenItIsGood) {
  EXPECT_EQ(next_pause({.taken = 3}, 5), Millis{0});
  EXPECT_EQ(next_pause({}, 5), Millis{0}) << "an empty poll has waited already";
  EXPECT_EQ(next_pause({.taken = 1, .refused = 1}, 0), Millis{0})
      << "one bad message does not slow the others";
  EXPECT_EQ(next_pause({.refused = 1}, 0), Millis{1000});
  EXPECT_EQ(next_pause({.answered = false}, 3), Millis{8000});
  EXPECT_EQ(next_pause({.taken = 1, .postponed = 1}, 100), Millis{60'000});
}

}  // namespace
}  // namespace tidegate::sqs
