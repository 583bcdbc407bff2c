// TestHttpServer: a small HTTP/1.1 server for tests of HTTP clients. Not for production.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <vector>

#include "base/text.h"
#include "sys/unique_fd.h"

namespace tidegate::sys {

/// Listens on 127.0.0.1 (port chosen by the system) or on a Unix socket until it goes. The handler runs on
/// the connection's thread and returns the whole answer, status line included (see `answer`). Bodies of
/// requests: Content-Length only.
class TestHttpServer {
 public:
  struct Request {
    std::string method;
    std::string target;                          ///< as on the wire
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
    int connection = 0;  ///< counted from 1
  };
  using Handler = std::function<std::string(const Request&)>;

  explicit TestHttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    start(reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  TestHttpServer(Handler handler, const std::filesystem::path& unix_socket) : handler_(std::move(handler)) {
    listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, unix_socket.c_str(), sizeof(address.sun_path) - 1);
    start(reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }
  TestHttpServer(const TestHttpServer&) = delete;
  TestHttpServer& operator=(const TestHttpServer&) = delete;
  ~TestHttpServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const UniqueFd& fd : connections_) ::shutdown(fd.get(), SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }

  int port() const { return port_; }
  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }

  /// An answer with its length; `headers` are whole lines.
  static std::string answer(int status, std::string_view body, const std::vector<std::string>& headers = {}) {
    std::string text = "HTTP/1.1 " + std::to_string(status) + " X\r\n";
    for (const std::string& header : headers) text += header + "\r\n";
    return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }

 private:
  void start(const sockaddr* address, socklen_t size) {
    if (::bind(listener_.get(), address, size) != 0 || ::listen(listener_.get(), 16) != 0) std::abort();
    acceptor_ = std::thread([this] { accept_all(); });
  }

  void accept_all() {
    for (int number = 1;; ++number) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      connections_.emplace_back(fd);
      threads_.emplace_back([this, fd, number] { serve(fd, number); });
    }
  }

  void serve(int fd, int number) {
    std::string buffer;
    Request request;
    while (read_request(fd, buffer, request)) {
      request.connection = number;
      const std::string text = handler_(request);
      std::string_view left = text;
      while (!left.empty()) {
        const ssize_t n = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
        if (n <= 0) return;
        left.remove_prefix(static_cast<std::size_t>(n));
      }
      if (text.find("Connection: close") != std::string::npos) break;
      request = {};
    }
    ::shutdown(fd, SHUT_RDWR);
  }

  static bool fill(int fd, std::string& buffer) {
    char chunk[16384];
    const ssize_t n = ::recv(fd, chunk, sizeof(chunk), 0);
    if (n <= 0) return false;
    buffer.append(chunk, static_cast<std::size_t>(n));
    return true;
  }

  static bool read_request(int fd, std::string& buffer, Request& request) {
    std::size_t end = 0;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
      if (!fill(fd, buffer)) return false;
    }
    const std::vector<std::string> lines = split(std::string_view(buffer).substr(0, end), '\n');
    const std::vector<std::string> first = split(trim(lines[0]), ' ');
    if (first.size() < 3) return false;
    request.method = first[0];
    request.target = first[1];
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const std::size_t colon = lines[i].find(':');
      if (colon == std::string::npos) continue;
      request.headers[to_lower(lines[i].substr(0, colon))] = std::string(trim(lines[i].substr(colon + 1)));
    }
    const auto length =
        static_cast<std::size_t>(parse_integer(request.headers["content-length"]).value_or(0));
    buffer.erase(0, end + 4);
    while (buffer.size() < length) {
      if (!fill(fd, buffer)) return false;
    }
    request.body = buffer.substr(0, length);
    buffer.erase(0, length);
    return true;
  }

  Handler handler_;
  UniqueFd listener_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<UniqueFd> connections_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace tidegate::sys
