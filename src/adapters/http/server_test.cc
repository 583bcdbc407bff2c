#include "adapters/http/server.h"

#include <arpa/inet.h>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "adapters/http/router.h"
#include "sys/file.h"
#include "sys/http_client.h"
#include "sys/unique_fd.h"

namespace tidegate::http {
namespace {

// A client that sends exactly the bytes it is told. Reading gives up after five seconds.
class Raw {
 public:
  explicit Raw(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{5, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // Until the server closes; "TIMEOUT" at the end when it does not.
  std::string read_all() const {
    std::string text;
    char buffer[65536];
    for (;;) {
      const auto n = ::recv(fd_.get(), buffer, sizeof(buffer), 0);
      if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
      if (n == 0) return text;
      if (n < 0) return errno == EAGAIN ? text + "TIMEOUT" : text;
    }
  }
  std::string read_until(std::string_view end) const {
    std::string text;
    char byte = 0;
    while (!text.ends_with(end) && ::recv(fd_.get(), &byte, 1, 0) == 1) text += byte;
    return text;
  }
  std::string ask(std::string_view bytes) const {
    send(bytes);
    return read_all();
  }
  void close() { fd_.reset(); }

 private:
  sys::UniqueFd fd_;
};

std::string status_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

Options local_options() {
  Options options;
  options.listen = {{"127.0.0.1:0", {}}};
  options.stop_grace = Millis{2000};
  return options;
}

std::unique_ptr<Server> must_start(Options options, Handler handler) {
  auto server = Server::start(std::move(options), std::move(handler));
  EXPECT_TRUE(server) << server.error().message;
  return *std::move(server);
}

// Answers with what it was asked.
void echo(Request request, Reply reply) {
  std::string text = fmt::format("{} {} body={}", request.method, request.target, request.body.size);
  if (!request.body.bytes.empty()) text += " " + request.body.bytes.substr(0, 20);
  if (request.body.file) text += " spooled";
  reply.send(Response::text(200, std::move(text)));
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  const auto server = must_start(local_options(), echo);
  sys::HttpClient client;
  sys::HttpRequest request;
  request.url = fmt::format("http://{}/a%2Fb?x=1", server->addresses().at(0));
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.send(request);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "GET /a%2Fb?x=1 body=0");
    EXPECT_EQ(answer->headers.at("content-type"), "text/plain; charset=utf-8");
  }
  const Raw raw(server->port());
  const auto both =
      raw.ask("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(both.find("GET /1 body=0"), std::string::npos) << "pipelined";
  EXPECT_NE(both.find("GET /2 body=0"), std::string::npos);
  EXPECT_FALSE(both.ends_with("TIMEOUT"));
  const auto old = Raw(server->port()).ask("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.starts_with("HTTP/1.0 200 OK\r\n")) << old;
}

TEST(HttpServer, HeadHasLengthAndNoBody) {
  const auto server = must_start(local_options(), echo);
  const auto answer = Raw(server->port()).ask("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 14\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST(HttpServer, BodiesInMemoryInFilesChunkedAndTooLarge) {
  auto options = local_options();
  const auto folder = sys::TempDirectory::make(std::filesystem::temp_directory_path(), "tg-http-");
  ASSERT_TRUE(folder);
  options.spool_directory = folder->path();
  options.body_limit = [](std::string_view, std::string_view path) {
    return path == "/big" ? 8U << 20U : 1000U;
  };
  std::atomic<bool> spooled_right = false;
  auto server = must_start(options, [&](Request request, Reply reply) {
    if (request.body.file) {
      spooled_right = *request.body.text() == std::string(3U << 20U, 'x');
    }
    echo(std::move(request), std::move(reply));
  });
  sys::HttpClient client;
  sys::HttpRequest request;
  request.method = "POST";
  request.url = fmt::format("http://{}/small", server->addresses().at(0));
  request.body = "hello";
  EXPECT_EQ(client.send(request)->body, "POST /small body=5 hello");
  request.body = std::string(1001, 'x');
  EXPECT_EQ(client.send(request)->status, 413);
  request.body = std::string(3U << 20U, 'x');
  request.url = fmt::format("http://{}/big", server->addresses().at(0));
  EXPECT_EQ(client.send(request)->body, "POST /big body=3145728 spooled");
  EXPECT_TRUE(spooled_right);

  const auto chunked =
      Raw(server->port())
          .ask(
              "POST /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_NE(chunked.find("POST /c body=5 abcde"), std::string::npos) << chunked;
  const auto too_large = Raw(server->port())
                             .ask("POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                                  std::string(1001, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(status_line(too_large), "HTTP/1.1 413 Payload Too Large");
  server->stop();
  EXPECT_TRUE(std::filesystem::is_empty(folder->path())) << "spool files go with their request";

  options.spool_directory = folder->path() / "missing";
  server = must_start(options, echo);
  request.url = fmt::format("http://{}/big", server->addresses().at(0));
  EXPECT_EQ(client.send(request)->status, 507) << "nowhere to put it";
}

TEST(HttpServer, ContinueIsSaidOnlyWhenTheBodyIsWanted) {
  const auto server = must_start(local_options(), echo);
  const Raw raw(server->port());
  raw.send(
      "POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_EQ(raw.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_NE(raw.ask("ab").find("body=2 ab"), std::string::npos);
  const auto refused =
      Raw(server->port())
          .ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(status_line(refused), "HTTP/1.1 413 Payload Too Large");
}

TEST(HttpServer, RefusesWhatIsNotHttp) {
  const auto server = must_start(local_options(), echo);
  const auto status = [&](std::string_view bytes) { return status_line(Raw(server->port()).ask(bytes)); };
  EXPECT_EQ(status("garbage\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status("GET /../x HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nBig: " + std::string(20000, 'x') + "\r\n\r\n"),
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(
      status(
          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      "HTTP/1.1 400 Bad Request")
      << "two lengths are how requests are smuggled";
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
            "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n"),
            "HTTP/1.1 417 Expectation Failed");
}

TEST(HttpServer, SlowClientsAreCut) {
  auto options = local_options();
  options.header_timeout = Millis{50};
  options.body_timeout = Millis{50};
  options.idle_timeout = Millis{50};
  const auto server = must_start(options, echo);
  EXPECT_EQ(Raw(server->port()).ask("GET / HT"), "");
  EXPECT_EQ(Raw(server->port()).ask("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"), "");
  EXPECT_EQ(Raw(server->port()).ask(""), "");
  const auto kept = Raw(server->port()).ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(kept.starts_with("HTTP/1.1 200 OK")) << kept;
  EXPECT_FALSE(kept.ends_with("TIMEOUT")) << "an idle connection is closed";
}

TEST(HttpServer, StreamsChunkedWithBackPressure) {
  auto options = local_options();
  options.stream_buffer = 64U << 10U;
  constexpr std::size_t kTotal = 32U << 20U;
  std::atomic<std::size_t> written = 0;
  const auto server = must_start(options, [&](Request, Reply reply) {
    reply.start(200, {{"Content-Type", "application/octet-stream"}});
    const std::string piece(16U << 10U, 'x');
    for (std::size_t sent = 0; sent < kTotal; sent += piece.size()) {
      if (!reply.write(piece)) return;
      written = sent + piece.size();
    }
    reply.finish();
  });
  sys::HttpClient client;
  sys::HttpRequest request;
  request.url = fmt::format("http://{}/", server->addresses().at(0));
  std::size_t got = 0;
  std::size_t furthest_ahead = 0;
  const auto answer = client.stream(request, [&](std::string_view bytes) {
    got += bytes.size();
    furthest_ahead = std::max(furthest_ahead, written - std::min<std::size_t>(got, written));
    return true;
  });
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(got, kTotal);
  EXPECT_LT(furthest_ahead, 16U << 20U) << "the writer does not run away from its reader";
  const auto old = Raw(server->port()).ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_GT(old.size(), kTotal) << "unchunked, to the end of the connection";
  EXPECT_EQ(old.find("chunked"), std::string::npos);
}

TEST(HttpServer, LongPollsAreAnsweredFromAnotherThread) {
  std::promise<Reply> kept;
  const auto server =
      must_start(local_options(), [&](Request, Reply reply) { kept.set_value(std::move(reply)); });
  auto answer = std::async(std::launch::async, [&] {
    return Raw(server->port()).ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  });
  auto reply = kept.get_future().get();
  EXPECT_FALSE(reply.gone());
  reply.send(Response::json(201, "{}"));
  EXPECT_EQ(status_line(answer.get()), "HTTP/1.1 201 Created");
}

TEST(HttpServer, ManyLongPollsNeedNoWorkerEach) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<Reply> polls;
  auto options = local_options();
  options.workers = 2;
  const auto server = must_start(options, [&](Request, Reply reply) {
    const std::lock_guard lock(mutex);
    polls.push_back(std::move(reply));
    arrived.notify_one();
  });
  std::vector<Raw> clients;
  for (int i = 0; i < 200; ++i) {
    clients.emplace_back(server->port()).send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  std::unique_lock lock(mutex);
  ASSERT_TRUE(arrived.wait_for(lock, std::chrono::seconds(10), [&] { return polls.size() == 200; }));
  for (auto& poll : polls) poll.send(Response::text(204, ""));
  lock.unlock();
  for (const auto& client : clients) EXPECT_EQ(status_line(client.read_all()), "HTTP/1.1 204 No Content");
}

TEST(HttpServer, TellsWhenAWaitingClientGoes) {
  std::promise<void> gone;
  std::promise<Reply> kept;
  const auto server = must_start(local_options(), [&](Request, Reply reply) {
    reply.on_gone([&] { gone.set_value(); });
    kept.set_value(std::move(reply));
  });
  Raw raw(server->port());
  raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  auto reply = kept.get_future().get();
  raw.close();
  EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
  EXPECT_TRUE(reply.gone());
}

TEST(HttpServer, HandlersThatThrowOrForgetAre500AndHalvesAreCut) {
  const auto server = must_start(local_options(), [](Request request, Reply reply) {
    if (request.raw_path == "/throw") throw std::runtime_error("oh");
    if (request.raw_path == "/half") {
      reply.start(200, {});
      reply.write("half");
    }
  });
  const auto get = [&](std::string_view path) {
    return Raw(server->port())
        .ask(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path));
  };
  EXPECT_EQ(status_line(get("/throw")), "HTTP/1.1 500 Internal Server Error");
  EXPECT_EQ(status_line(get("/forget")), "HTTP/1.1 500 Internal Server Error");
  const auto half = get("/half");
  EXPECT_NE(half.find("4\r\nhalf\r\n"), std::string::npos) << half;
  EXPECT_FALSE(half.ends_with("0\r\n\r\n")) << "nobody takes it for the whole";
}

TEST(HttpServer, HeadersCannotBeSplit) {
  const auto server = must_start(local_options(), [](Request, Reply reply) {
    auto response = Response::text(200, "x");
    response.headers.emplace_back("Location", "a\r\nSet-Cookie: evil=1");
    reply.send(std::move(response));
  });
  const auto answer = Raw(server->port()).ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer.find("evil"), std::string::npos) << answer;
}

TEST(HttpServer, UnixSockets) {
  const auto folder = sys::TempDirectory::make(std::filesystem::temp_directory_path(), "tg-http-");
  ASSERT_TRUE(folder);
  auto options = local_options();
  const auto path = folder->path() / "s.sock";
  options.listen.push_back({"", path, 0600});
  const auto handler = [](Request request, Reply reply) {
    reply.send(Response::text(200, request.remote + (request.via_unix_socket ? " local" : " tcp")));
  };
  auto server = must_start(options, handler);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  sys::HttpClient client;
  sys::HttpRequest request;
  request.url = "http://localhost/";
  request.unix_socket = path;
  EXPECT_EQ(client.send(request)->body, "unix local");

  auto second = options;
  second.listen = {{"", path, 0600}};
  const auto refused = Server::start(second, handler);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kEnvironment);
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
  {  // what a killed process leaves: a socket file that nobody serves
    const sys::UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  EXPECT_TRUE(Server::start(second, handler));
  second.listen = {{"", folder->path() / std::string(120, 'x')}};
  EXPECT_EQ(Server::start(second, handler).error().code, Errc::kInvalid);
}

TEST(HttpServer, AddressesThatAreTakenOrWrong) {
  const auto server = must_start(local_options(), echo);
  auto options = local_options();
  options.listen = {{server->addresses().at(0), {}}};
  EXPECT_EQ(Server::start(options, echo).error().code, Errc::kEnvironment);
  for (const std::string bad :
       {"nonsense", "127.0.0.1", "127.0.0.1:99999", "host.invalid:80", "127.0.0.1:x"}) {
    options.listen = {{bad, {}}};
    EXPECT_EQ(Server::start(options, echo).error().code, Errc::kInvalid) << bad;
  }
}

TEST(HttpServer, StopLetsAnswersUnderWayEndAndCutsTheRest) {
  std::promise<Reply> first;
  std::promise<Reply> second;
  std::atomic<int> calls = 0;
  auto options = local_options();
  options.stop_grace = Millis{300};
  auto server = must_start(
      options, [&](Request, Reply reply) { (calls++ == 0 ? first : second).set_value(std::move(reply)); });
  const Raw idle(server->port());
  const Raw polite(server->port());
  polite.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  auto reply = first.get_future().get();
  const Raw stubborn(server->port());
  stubborn.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  auto late = second.get_future().get();
  std::thread stopper([&] { server->stop(); });
  EXPECT_EQ(idle.read_all(), "");
  reply.send(Response::text(200, "done"));
  const auto answer = polite.read_all();
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("done"));
  EXPECT_EQ(stubborn.read_all(), "") << "cut after the grace";
  stopper.join();
  EXPECT_TRUE(late.gone());
  server.reset();
  late.send(Response::text(200, "to nobody"));
}

TEST(HttpServer, MoreConnectionsThanAllowedWait) {
  auto options = local_options();
  options.max_connections = 2;
  const auto server = must_start(options, echo);
  auto first = std::make_unique<Raw>(server->port());
  const Raw second(server->port());
  first->send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  second.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(first->read_until("body=0").substr(0, 12), "HTTP/1.1 200");
  EXPECT_EQ(second.read_until("body=0").substr(0, 12), "HTTP/1.1 200");
  const Raw third(server->port());
  third.send("GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  first.reset();
  EXPECT_NE(third.read_all().find("GET /3"), std::string::npos) << "served when a place is free";
}

TEST(HttpServer, RoutesThroughARouter) {
  Router router;
  router.add("GET", "/p/:id/x",
             [](Request request, Reply reply) { reply.send(Response::text(200, request.param("id"))); });
  const auto server = must_start(local_options(), router);
  sys::HttpClient client;
  sys::HttpRequest request;
  request.url = fmt::format("http://{}/p/a%2Fb/x/", server->addresses().at(0));
  EXPECT_EQ(client.send(request)->body, "a/b");
  request.method = "DELETE";
  const auto wrong = client.send(request);
  EXPECT_EQ(wrong->status, 405);
  EXPECT_EQ(wrong->headers.at("allow"), "GET, HEAD");
  request.method = "GET";
  request.url = fmt::format("http://{}/q", server->addresses().at(0));
  EXPECT_EQ(client.send(request)->body, R"({"message":"404 Not Found"})");
}

}  // namespace
}  // namespace tidegate::http
