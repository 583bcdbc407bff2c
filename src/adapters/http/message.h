// Requests and responses as our own small values, so that who handles them never sees the HTTP library.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tidegate::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A file that is removed when its last owner goes.
class SpoolFile {
 public:
  explicit SpoolFile(std::filesystem::path path) : path_(std::move(path)) {}
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;
  ~SpoolFile();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What the client sent, whole. Small bodies are in `bytes`; large ones (Options::spool_above) are in `file`
/// and `bytes` is empty. Content-Encoding is not undone.
struct Body {
  std::string bytes;
  std::shared_ptr<const SpoolFile> file;
  std::uint64_t size = 0;

  /// The body in memory wherever it is; kInvalid when it is larger than `max_bytes`.
  Result<std::string> text(std::uint64_t max_bytes = 64U << 20U) const;
};

struct Request {
  std::string method;                 ///< as sent: "GET"
  std::string target;                 ///< as sent: "/a%2Fb?x=1"
  std::string raw_path;               ///< of target, before '?', still encoded
  std::vector<std::string> segments;  ///< of the path, decoded; "%2F" stays inside its segment
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded ('+' is a space), in order
  std::map<std::string, std::string> headers;  ///< names in lower case; equal names joined with ", "
  Body body;
  std::map<std::string, std::string> params;  ///< set by the router
  std::string remote;                         ///< "127.0.0.1:53122"; "unix" over a Unix socket
  bool via_unix_socket = false;

  /// `name` in lower case; nothing when the client did not send it.
  std::optional<std::string> header(std::string_view name) const;
  /// The last of this name.
  std::optional<std::string> query_value(std::string_view name) const;
  /// A router parameter; empty when the pattern has no such name.
  std::string param(std::string_view name) const;
};

/// A whole answer. Content-Length and Date are added by the server.
struct Response {
  unsigned status = 200;
  Headers headers;
  std::string body;

  static Response text(unsigned status, std::string body);
  static Response json(unsigned status, std::string body);  ///< `body` is JSON already
};

/// The answer to one request, owed by whoever holds it. Move-only; used by one thread at a time, any thread.
/// Either send() once, or start(), write()…, finish(). Dropped without an answer: the client gets 500.
/// Dropped between start() and finish(): the connection is cut, so that the client does not take the half for
/// a whole.
class Reply {
 public:
  /// The server's side; made by the server, or by tests.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void send(Response response) = 0;
    virtual void start(unsigned status, Headers headers) = 0;
    virtual bool write(std::string_view bytes) = 0;
    virtual bool try_write(std::string_view bytes) = 0;
    virtual void finish() = 0;
    virtual void abandon() = 0;
    virtual bool gone() const = 0;
    virtual void on_gone(std::function<void()> callback) = 0;
  };

  Reply() = default;
  explicit Reply(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&& other) noexcept;
  ~Reply();

  /// The whole answer. Returns at once.
  void send(Response response);

  /// Status and headers of a streamed answer (chunked, unless `headers` has Content-Length).
  void start(unsigned status, Headers headers);
  /// Waits while the client is slower than the writer (Options::stream_buffer); false when the client is
  /// gone: stop then. Never call it on a thread that must not wait; use try_write there.
  bool write(std::string_view bytes);
  /// Does not wait: false when there is no room for all of it (nothing was taken) or the client is gone.
  bool try_write(std::string_view bytes);
  /// The end of a streamed answer.
  void finish();

  /// The client closed its connection (long polls and streams look here).
  bool gone() const;
  /// Called at most once, on the server's thread, when the client goes before the answer is complete; called
  /// at once if it went already. Must return quickly.
  void on_gone(std::function<void()> callback);

  /// False after send() or finish(), and when default-made.
  explicit operator bool() const { return sink_ != nullptr; }

 private:
  std::shared_ptr<Sink> sink_;
};

/// Takes the request and owes the reply; may keep it and answer later from another thread (long polls).
/// Called on a worker thread of the server, several at once; may block, but each blocked call occupies one
/// worker (Options::workers). What it throws becomes a 500.
using Handler = std::function<void(Request, Reply)>;

}  // namespace tidegate::http
