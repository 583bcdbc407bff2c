// HTTP/1.1 server on TCP and Unix sockets. One I/O thread owns all connections; handlers run on workers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/message.h"
#include "base/result.h"
#include "base/time.h"

namespace tidegate::http {

/// Where to listen. Exactly one of both.
struct Listen {
  std::string tcp;                    ///< "127.0.0.1:8080", "[::1]:8080"; port 0: any free one
  std::filesystem::path unix_socket;  ///< replaced when it is there and nobody listens on it
  unsigned unix_mode = 0660;          ///< permissions of the socket file
};

struct Options {
  std::vector<Listen> listen;
  unsigned workers = 8;  ///< handlers that may run at once
  std::uint32_t max_header = 16U << 10U;
  /// Largest body for this path in bytes; asked before the body is read, larger is 413. Empty: 1 MiB for all.
  /// Called on the I/O thread; must return at once.
  std::function<std::uint64_t(std::string_view method, std::string_view raw_path)> body_limit;
  std::uint64_t spool_above = 1U << 20U;    ///< larger bodies go to a file in `spool_directory`
  std::filesystem::path spool_directory;    ///< empty: the system's temporary folder
  std::size_t max_connections = 4096;       ///< more wait in the kernel's backlog
  std::size_t stream_buffer = 256U << 10U;  ///< bytes that a streamed answer may be ahead of its client
  Millis header_timeout{
      15000};  ///< from the first byte of a request (or the connection) to the end of its head
  Millis body_timeout{30000};   ///< for each further 4 KiB of a body
  Millis idle_timeout{75000};   ///< between requests on a kept connection
  Millis write_timeout{60000};  ///< without any progress of the client's reading
  Millis stop_grace{10000};     ///< for answers under way when stop() is called
};

/// Running until destroyed.
class Server {
 public:
  /// Binds all addresses or none; kEnvironment when one is taken or not allowed.
  static Result<std::unique_ptr<Server>> start(Options options, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// What it listens on, in the order of Options::listen: "127.0.0.1:40123" or the socket's path.
  const std::vector<std::string>& addresses() const;
  /// Of the first TCP address; 0 when there is none.
  std::uint16_t port() const;

  /// Accepts nothing more, lets answers under way end (Options::stop_grace, then cuts), joins all threads and
  /// removes the socket files. Replies kept by others stay valid and answer nobody. Idempotent; not from a
  /// handler.
  void stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::http
