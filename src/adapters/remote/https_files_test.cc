#include "adapters/remote/https_files.h"

#include <gtest/gtest.h>

#include "sys/http_test_server.h"

namespace tidegate::remote {
namespace {

using sys::TestHttpServer;

TEST(CheckUrl, TakesHttpsAndLoopbackOnlyWhereItIsAllowed) {
  struct Case {
    std::string url;
    bool strict;
    bool loopback;
  };
  const Case cases[] = {
      {"https://a.example/x.yml", true, true},
      {"http://a.example/x.yml", false, false},
      {"http://127.0.0.1:80/x.yml", false, true},
      {"https://localhost/x.yml", false, true},
      {"https://LOCALHOST./x.yml", false, true},
      {"http://[::1]:80/x.yml", false, true},
      {"https://[2001:db8::1]/x.yml", true, true},
      {"https://user:secret@a.example/x.yml", false, false},
      {"http://127.0.0.1@a.example/x.yml", false, false},
      {"http://127.0.0.1\\@a.example/x.yml", false, false},
      {"https:///x.yml", false, false},
      {"file:///etc/passwd", false, false},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(check_url(one.url, false).has_value(), one.strict) << one.url;
    EXPECT_EQ(check_url(one.url, true).has_value(), one.loopback) << one.url;
  }
}

TEST(HttpsFiles, ReadsEachFileOnce) {
  int asked = 0;
  TestHttpServer server([&](const TestHttpServer::Request& request) {
    ++asked;
    return request.target == "/a.yml" ? TestHttpServer::answer(200, "a: {script: x}")
                                      : TestHttpServer::answer(404, "no");
  });
  HttpsFiles files({.loopback = true});
  EXPECT_EQ(files.read(server.url("/a.yml")).value_or(""), "a: {script: x}");
  EXPECT_EQ(files.read(server.url("/a.yml")).value_or(""), "a: {script: x}");
  EXPECT_EQ(files.read(server.url("/b.yml")).error().code, Errc::kNotFound);
  EXPECT_EQ(files.read(server.url("/b.yml")).error().code, Errc::kNotFound);
  EXPECT_EQ(asked, 2);
}

TEST(HttpsFiles, FollowsNoRedirectAndTakesNoHugeFile) {
  TestHttpServer server([](const TestHttpServer::Request& request) {
    if (request.target == "/moved.yml")
      return TestHttpServer::answer(302, "", {"Location: http://169.254.169.254/"});
    return TestHttpServer::answer(200, std::string(2000, 'x'));
  });
  HttpsFiles files({.max_bytes = 1000, .loopback = true});
  const auto moved = files.read(server.url("/moved.yml"));
  ASSERT_FALSE(moved);
  EXPECT_NE(moved.error().message.find("169.254.169.254"), std::string::npos);
  EXPECT_FALSE(files.read(server.url("/big.yml")));
}

TEST(HttpsFiles, GivesUpWhenAllFilesTogetherTookTooLong) {
  TestHttpServer server([](const TestHttpServer::Request&) { return TestHttpServer::answer(200, "x"); });
  HttpsFiles files({.total = Millis{0}, .loopback = true});
  const auto text = files.read(server.url("/a.yml"));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace tidegate::remote
