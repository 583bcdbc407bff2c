#include "sys/http_client.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "sys/file.h"
#include "sys/http_test_server.h"

namespace tidegate::sys {
namespace {

using namespace std::chrono_literals;
using Server = TestHttpServer;

// Answers with what it was asked.
std::string echo(const Server::Request& request) {
  std::string body = request.method + " " + request.target + "\n";
  for (const auto& [name, value] : request.headers) body += name + "=" + value + "\n";
  return Server::answer(200, body + "\n" + request.body,
                        {"X-Connection: " + std::to_string(request.connection)});
}

HttpRequest get(std::string url) {
  HttpRequest request;
  request.url = std::move(url);
  return request;
}

TEST(HttpClient, SendsMethodHeadersAndBodyAsGiven) {
  const Server server(echo);
  HttpClient client;
  HttpRequest request = get(server.url("/a/../b%2Fc?x=1&y=%20"));
  request.method = "PATCH";
  request.headers = {{"X-One", "1"}, {"X-Empty", ""}};
  request.body = std::string("b\0dy", 4);
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_TRUE(response->body.starts_with("PATCH /a/../b%2Fc?x=1&y=%20\n")) << response->body;
  EXPECT_NE(response->body.find("x-one=1\n"), std::string::npos);
  EXPECT_NE(response->body.find("x-empty=\n"), std::string::npos);
  EXPECT_EQ(response->body.find("content-type"), std::string::npos) << "nobody said it was a form";
  EXPECT_TRUE(response->body.ends_with(std::string("\n\nb\0dy", 6)));
}

TEST(HttpClient, AnyStatusIsAValueAndHeaderNamesAreLowered) {
  const Server server(
      [](const Server::Request&) { return Server::answer(404, "no", {"X-Thing: a", "x-THING:  b: c "}); });
  HttpClient client;
  const auto response = client.send(get(server.url()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "no");
  EXPECT_EQ(response->headers.at("x-thing"), "b: c");
}

TEST(HttpClient, KeepsConnectionsAcrossMethods) {
  const Server server(echo);
  HttpClient client;
  for (const char* method : {"GET", "POST", "DELETE", "HEAD", "PUT", "GET"}) {
    HttpRequest request = get(server.url());
    request.method = method;
    if (request.method == "HEAD") continue;  // the echo sends a body, which a HEAD has not
    const auto response = client.send(request);
    ASSERT_TRUE(response);
    EXPECT_TRUE(response->body.starts_with(std::string(method) + " /\n"));
    EXPECT_EQ(response->headers.at("x-connection"), "1");
  }
}

TEST(HttpClient, HeadHasNoBody) {
  const Server server([](const Server::Request& request) {
    return request.method == "HEAD" ? std::string("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
                                    : Server::answer(500, "");
  });
  HttpClient client;
  HttpRequest request = get(server.url());
  request.method = "HEAD";
  const auto response = client.send(request);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.at("content-length"), "99");
}

TEST(HttpClient, UnixSocket) {
  auto folder = TempDirectory::make("/tmp", "tg-http-");
  ASSERT_TRUE(folder);
  const Server server(echo, folder->path() / "s");
  HttpClient client;
  HttpRequest request = get("http://docker/v1.41/info");
  request.unix_socket = folder->path() / "s";
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->body.starts_with("GET /v1.41/info\n"));
}

TEST(HttpClient, BasicAuthAndFileBody) {
  auto folder = TempDirectory::make("/tmp", "tg-http-");
  ASSERT_TRUE(folder);
  const std::string bytes(500'000, 'f');
  ASSERT_TRUE(write_file(folder->path() / "f", bytes));
  const Server server(echo);
  HttpClient client;
  HttpRequest request = get(server.url());
  request.method = "PUT";
  request.user = "u";
  request.password = "p:w";
  request.body_file = folder->path() / "f";
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_NE(response->body.find("authorization=Basic dTpwOnc=\n"), std::string::npos);
  EXPECT_NE(response->body.find("content-length=500000\n"), std::string::npos);
  EXPECT_TRUE(response->body.ends_with(bytes));
  request.body_file = folder->path() / "missing";
  EXPECT_EQ(client.send(request).error().code, Errc::kNotFound);
}

TEST(HttpClient, StreamsGoodBodiesAndKeepsErrorPages) {
  const Server server([](const Server::Request& request) {
    return request.target == "/good" ? Server::answer(200, std::string(1'000'000, 'g'))
                                     : Server::answer(403, "denied");
  });
  HttpClient client;
  std::size_t seen = 0;
  const auto count = [&](std::string_view bytes) {
    seen += bytes.size();
    return true;
  };
  const auto good = client.stream(get(server.url("/good")), count);
  ASSERT_TRUE(good);
  EXPECT_EQ(seen, 1'000'000U);
  EXPECT_TRUE(good->body.empty());
  const auto bad = client.stream(get(server.url("/bad")), count);
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->status, 403);
  EXPECT_EQ(bad->body, "denied");
  EXPECT_EQ(seen, 1'000'000U);
}

TEST(HttpClient, ReaderMayEndTheStream) {
  const Server server(
      [](const Server::Request&) { return Server::answer(200, std::string(1'000'000, 'g')); });
  HttpClient client;
  const auto result = client.stream(get(server.url()), [](std::string_view) { return false; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kCanceled);
}

TEST(HttpClient, RefusesBodiesLargerThanAllowed) {
  const Server server([](const Server::Request&) { return Server::answer(200, std::string(1001, 'x')); });
  HttpClient client;
  HttpRequest request = get(server.url());
  request.max_body = 1000;
  EXPECT_EQ(client.send(request).error().code, Errc::kInvalid);
  request.max_body = 1001;
  EXPECT_TRUE(client.send(request)) << "and the client is still of use";
}

TEST(HttpClient, StopFlagEndsAnExchangeThatHangs) {
  StopFlag stop;
  std::atomic<bool> asked = false;
  const Server server([&](const Server::Request&) {
    asked = true;
    while (!stop.stop_requested()) std::this_thread::yield();
    return std::string();
  });
  HttpClient client;
  std::thread other([&] {
    while (!asked) std::this_thread::yield();
    stop.request_stop();
  });
  HttpRequest request = get(server.url());
  request.timeout.reset();
  const auto result = client.send(request, &stop);
  other.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kCanceled);
}

TEST(HttpClient, TimeoutRefusalAndNonsenseAreErrors) {
  std::atomic<bool> done = false;
  HttpClient client;
  {
    const Server server([&](const Server::Request&) {
      while (!done) std::this_thread::yield();
      return std::string();
    });
    HttpRequest request = get(server.url("/?token=hush"));
    request.timeout = 100ms;
    const auto slow = client.send(request);
    done = true;
    ASSERT_FALSE(slow);
    EXPECT_EQ(slow.error().code, Errc::kUnavailable);
    EXPECT_EQ(slow.error().message.find("hush"), std::string::npos) << "queries may hold tokens";
  }
  EXPECT_EQ(client.send(get("http://127.0.0.1:1/")).error().code, Errc::kUnavailable);
  EXPECT_EQ(client.send(get("file:///etc/passwd")).error().code, Errc::kInvalid);
  EXPECT_EQ(client.send(get("http://127.0.0.1:1/a\nb")).error().code, Errc::kInvalid);
  HttpRequest split = get("http://127.0.0.1:1/");
  split.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(client.send(split).error().code, Errc::kInvalid);
}

TEST(HttpClient, RedirectsOnlyWhenAsked) {
  const Server server([](const Server::Request& request) {
    return request.target == "/old" ? Server::answer(302, "moved", {"Location: /new", "X-Old: 1"})
                                    : echo(request);
  });
  HttpClient client;
  HttpRequest request = get(server.url("/old"));
  EXPECT_EQ(client.send(request).value().status, 302);
  request.follow_redirects = true;
  const auto followed = client.send(request);
  ASSERT_TRUE(followed);
  EXPECT_EQ(followed->status, 200);
  EXPECT_TRUE(followed->body.starts_with("GET /new\n"));
  EXPECT_FALSE(followed->headers.contains("x-old"));
}

TEST(HttpClient, AnswerCutShortIsAnError) {
  const Server server([](const Server::Request&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc");
  });
  HttpClient client;
  const auto result = client.send(get(server.url()));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace tidegate::sys
