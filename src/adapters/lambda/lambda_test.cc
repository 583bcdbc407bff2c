#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "adapters/lambda/forward.h"
#include "base/sha256.h"
#include "base/signed_body.h"

namespace tidegate::lambda {
namespace {

TEST(LambdaUrl, TakenApart) {
  const auto show = [](std::string_view url) {
    const auto a = parse_url(url);
    return a ? std::string(a->tls ? "tls " : "tcp ") + a->host + " " + a->port + " " + a->target : "refused";
  };
  EXPECT_EQ(show("https://ci.example.com/hooks/s3/training?x=1#f"),
            "tls ci.example.com 443 /hooks/s3/training?x=1");
  EXPECT_EQ(show("http://127.0.0.1:9001"), "tcp 127.0.0.1 9001 /");
  EXPECT_EQ(show("http://h?x"), "tcp h 80 /?x");
  EXPECT_EQ(show("https://[::1]:8443/a"), "tls ::1 8443 /a");
  for (const char* bad :
       {"", "h", "ftp://h/", "https://", "https://user@h/", "http://h:0/", "http://h:65536/", "http://h:x/",
        "http://h/a b", "http://h/\r\nX: y", "https://[::1", "http://a b/"}) {
    EXPECT_EQ(show(bad), "refused") << bad;
  }
}

TEST(LambdaWire, Requests) {
  HttpRequest request;
  request.method = "POST";
  request.to = parse_url("http://h:9001/a").value();
  request.headers = {{"A", "b"}, {"Bad", "c\r\nInjected: yes"}};
  request.body = "{}";
  EXPECT_EQ(to_wire(request),
            "POST /a HTTP/1.1\r\nHost: h:9001\r\nConnection: close\r\nA: b\r\nContent-Length: 2\r\n\r\n{}");
}

// The whole answer, and byte by byte: the same.
std::string read(std::string_view wire, bool ends = false) {
  const auto one = [&](std::size_t step) -> std::string {
    ResponseReader reader;
    for (std::size_t i = 0; i < wire.size(); i += step) {
      if (const Status fed = reader.feed(wire.substr(i, step)); !fed) return "refused";
    }
    if (ends && !reader.finish()) return "broken";
    if (!reader.is_whole()) return "more";
    const auto response = reader.take();
    return std::to_string(response.status) + " " + response.body;
  };
  EXPECT_EQ(one(wire.size() + 1), one(1)) << wire;
  return one(1);
}

TEST(LambdaWire, Answers) {
  EXPECT_EQ(read("HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabc"), "202 abc");
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n"), "204 ");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n"), "200 ");
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), "200 x");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"),
            "200 abc0123456789");
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nall", true), "200 all") << "to the end of the connection";
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"), "more");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", true), "broken");
  EXPECT_EQ(read("HTTP/1.1 200", true), "broken");
  EXPECT_EQ(read("SSH-2.0-OpenSSH\r\n\r\n"), "refused");
  EXPECT_EQ(read("HTTP/1.1 999 X\r\n\r\n"), "refused");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), "refused");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "refused");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n"), "refused");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n"), "refused");
  ResponseReader reader;
  EXPECT_FALSE(reader.feed(std::string(kMaxHead + 1, 'x')));
}

class FixedClock final : public Clock {
 public:
  Instant now() const override { return time; }
  Instant time{Millis{1'800'000'000'000}};
};

class Forwarding : public testing::Test {
 protected:
  Forwarder forwarder(const std::map<std::string, std::string>& environment) {
    return {read_target(environment).value(), clock,
            [this](const HttpRequest& request, Millis budget) -> Result<HttpResponse> {
              sent.push_back(request);
              budgets.push_back(budget);
              if (request.body.find("unreachable") != std::string::npos)
                return fail(Errc::kUnavailable, "refused");
              const bool bad = request.body.find("poison") != std::string::npos;
              return HttpResponse{bad ? 400 : status, {}, bad ? "no event" : R"({"new":1})"};
            },
            [](const std::string& message) -> Result<dataset::Announcement> {
              if (message.find("poison") != std::string::npos) return fail(Errc::kInvalid, "no event");
              dataset::ObjectEvent event;
              event.bucket = "team";
              event.key = "training/a b&c=$(x)\n한";
              event.version_id = "v1";
              event.etag = "e";
              return dataset::Announcement{{event, event}, {}, 0};
            }};
  }
  Invocation invocation(std::string event, Millis left = Millis{30'000}) const {
    return {"id", clock.now() + left, std::move(event)};
  }

  const std::map<std::string, std::string> hook{
      {"TIDEGATE_HOOK_URL", "https://ci.example.com/hooks/s3/training"}, {"TIDEGATE_HOOK_TOKEN", "tghook-1"}};
  FixedClock clock;
  int status = 202;
  std::vector<HttpRequest> sent;
  std::vector<Millis> budgets;
};

TEST_F(Forwarding, TheEventGoesAsItCameAndSigned) {
  EXPECT_EQ(forwarder(hook).handle(invocation(R"({"Records":[]})")), R"({"new":1})");
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].body, R"({"Records":[]})");
  std::map<std::string, std::string> headers(sent[0].headers.begin(), sent[0].headers.end());
  EXPECT_EQ(headers["X-Tidegate-Key"], sha256_hex("tghook-1"));
  EXPECT_TRUE(verify_body("tghook-1", headers["X-Tidegate-Timestamp"], headers["X-Tidegate-Signature"],
                          sent[0].body, clock.now()));
  EXPECT_EQ(to_wire(sent[0]).find("tghook-1"), std::string::npos) << "the token itself does not travel";
  EXPECT_EQ(budgets[0], Millis{29'500});
}

TEST_F(Forwarding, WhatIsNotAcceptedIsAnErrorSoThatItComesAgain) {
  const auto type = [&](const std::string& event, Millis left = Millis{30'000}) {
    const auto outcome = forwarder(hook).handle(invocation(event, left));
    return outcome ? std::string("good") : outcome.error().type;
  };
  EXPECT_EQ(type("poison"), "Tidegate.Refused");
  EXPECT_EQ(type("unreachable"), "Tidegate.Unreachable");
  status = 503;
  EXPECT_EQ(type("x"), "Tidegate.Unavailable");
  status = 302;
  EXPECT_EQ(type("x"), "Tidegate.Unavailable") << "what is behind a redirect has accepted nothing";
  sent.clear();
  EXPECT_EQ(type("x", Millis{600}), "Tidegate.NoTime");
  EXPECT_EQ(type("x", Millis{-5}), "Tidegate.NoTime");
  EXPECT_TRUE(sent.empty());
}

TEST_F(Forwarding, OfAQueuesBatchOnlyWhatFailedComesAgain) {
  const std::string batch =
      R"({"Records":[{"messageId":"a","body":"{}","eventSource":"aws:sqs"},)"
      R"({"messageId":"b","body":"poison","eventSource":"aws:sqs"},{"messageId":"c","body":"{}","eventSource":"aws:sqs"}]})";
  auto environment = hook;
  environment["TIDEGATE_BATCH_ITEM_FAILURES"] = "true";
  EXPECT_EQ(forwarder(environment).handle(invocation(batch)),
            R"({"batchItemFailures":[{"itemIdentifier":"b"}]})");
  EXPECT_EQ(sent.size(), 3U);
  EXPECT_FALSE(forwarder(hook).handle(invocation(batch)))
      << "all of it, when the mapping does not ask for items";
  EXPECT_TRUE(queue_records(R"({"Records":[{"eventSource":"aws:s3"}]})").empty());
  EXPECT_TRUE(queue_records("[").empty());
}

TEST_F(Forwarding, GitLabGetsOnePipelineForEachObject) {
  std::map<std::string, std::string> environment{
      {"GITLAB_TRIGGER_URL", "https://gitlab.example.com/api/v4/projects/7/trigger/pipeline"},
      {"GITLAB_TRIGGER_TOKEN", "glptt-1"}};
  EXPECT_EQ(forwarder(environment).handle(invocation("{}")), R"({"pipelines":2})");
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(
      sent[0].body,
      "token=glptt-1&ref=main&variables%5BTIDEGATE_BUCKET%5D=team&variables%5BTIDEGATE_KEY%5D="
      "training%2Fa%20b%26c%3D%24%28x%29%0A%ED%95%9C&variables%5BTIDEGATE_VERSION_ID%5D=v1&"
      "variables%5BTIDEGATE_ETAG%5D=e&variables%5BTIDEGATE_URI%5D="
      "s3%3A%2F%2Fteam%2Ftraining%2Fa%2520b%2526c%253D%2524%2528x%2529%250A%25ED%2595%259C%3FversionId%3Dv1");
  environment["GITLAB_SEND"] = "inputs";
  environment["GITLAB_REF"] = "data";
  EXPECT_TRUE(forwarder(environment).handle(invocation("{}")));
  EXPECT_TRUE(
      sent.back().body.starts_with("token=glptt-1&ref=data&inputs%5Bbucket%5D=team&inputs%5Bkey%5D="));
  const auto poison = forwarder(environment).handle(invocation("poison"));
  ASSERT_FALSE(poison);
  EXPECT_EQ(poison.error().type, "Tidegate.NoEvent");
}

TEST(LambdaTarget, WhatIsMissingIsNamedWithoutItsValue) {
  const auto why = [](const std::map<std::string, std::string>& environment) {
    const auto target = read_target(environment);
    return target ? std::string("good") : target.error().message;
  };
  EXPECT_EQ(why({}), "neither TIDEGATE_HOOK_URL nor GITLAB_TRIGGER_URL is set");
  EXPECT_EQ(why({{"TIDEGATE_HOOK_URL", "secret"}}), "TIDEGATE_HOOK_URL is no http(s) address");
  EXPECT_EQ(why({{"TIDEGATE_HOOK_URL", "http://h/"}}), "TIDEGATE_HOOK_TOKEN is not set");
  EXPECT_EQ(why({{"GITLAB_TRIGGER_URL", "http://h/"}, {"GITLAB_TRIGGER_TOKEN", "t"}, {"GITLAB_SEND", "x"}}),
            "GITLAB_SEND is variables or inputs");
}

TEST(LambdaFault, AsTheRuntimeApiWantsIt) {
  EXPECT_EQ(to_json({"A.B", "a \"b\"\n"}),
            R"({"errorMessage":"a \"b\"\n","errorType":"A.B","stackTrace":[]})");
}

}  // namespace
}  // namespace tidegate::lambda
