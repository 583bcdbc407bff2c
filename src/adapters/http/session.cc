#include "adapters/http/session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <optional>
#include <sys/socket.h>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "adapters/http/await.h"
#include "adapters/http/body_reader.h"
#include "adapters/http/exchange.h"
#include "adapters/http/target.h"
#include "adapters/http/wire.h"
#include "base/log.h"
#include "base/text.h"

namespace tidegate::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;
using Parser = bhttp::request_parser<bhttp::buffer_body>;

constexpr std::size_t kSlice = 64U << 10U;
constexpr std::size_t kProgress = 4096;        // bytes of a body that earn another body_timeout
constexpr std::size_t kMaxDrain = 16U << 20U;  // of a refused body that is read: the refusal arrives
constexpr Millis kDrainTimeout{2000};

std::string_view reason_of(unsigned status) {
  const auto reason = bhttp::obsolete_reason(bhttp::int_to_status(status));
  return {reason.data(), reason.size()};
}

class Connection final : public Session, public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& io, Socket socket, std::string remote, bool via_unix, Shared& shared,
             std::function<void(Session*)> on_end)
      : io_(io),
        socket_(std::move(socket)),
        deadline_(io),
        signal_(io),
        remote_(std::move(remote)),
        via_unix_(via_unix),
        shared_(shared),
        on_end_(std::move(on_end)),
        buffer_(shared.options.max_header + kSlice) {}

  static asio::awaitable<void> run(std::shared_ptr<Connection> self) {
    co_await self->serve();
    self->end();
  }

  void wind_down() override {
    keep_ = false;
    if (idle_) close();
  }
  void cut() override { close(); }

 private:
  void end() {
    close();
    if (auto callback = std::exchange(on_end_, nullptr)) callback(this);
  }

  void close() {
    closed_ = true;
    deadline_.cancel();
    error_code ignored;
    socket_.close(ignored);
    signal_.cancel();
  }

  // Cuts the connection unless limit() or unlimit() is called before.
  void limit(Millis timeout) {
    deadline_.expires_after(timeout);
    deadline_.async_wait([weak = weak_from_this()](error_code error) {
      if (error) return;
      if (const auto self = weak.lock();
          self && self->deadline_.expiry() <= asio::steady_timer::clock_type::now()) {
        self->close();
      }
    });
  }
  void unlimit() { deadline_.cancel(); }

  asio::awaitable<void> serve() {
    while (keep_ && !closed_ && !shared_.stopping) {
      const bool more = co_await serve_one();
      if (!more) break;
    }
  }

  // One request and its answer; false when the connection is to end.
  asio::awaitable<bool> serve_one() {
    if (!co_await first_byte()) co_return false;
    Parser parser;
    parser.header_limit(shared_.options.max_header);
    parser.body_limit(boost::none);
    limit(shared_.options.header_timeout);
    auto [error, size] = co_await bhttp::async_read_header(socket_, buffer_, parser, kAwait);
    if (error) co_return co_await refuse_head(error);
    version_ = parser.get().version();
    keep_ = keep_ && parser.get().keep_alive() && !shared_.stopping;
    head_only_ = parser.get().method() == bhttp::verb::head;

    Request request;
    if (auto fault = read_head(parser.get(), request)) co_return co_await refuse(400, *fault);
    const int status = co_await read_body(&parser, &request);
    if (status == kGone) co_return false;
    if (status != 0) co_return co_await refuse(static_cast<unsigned>(status), "");
    co_return co_await answer(std::move(request));
  }

  asio::awaitable<bool> first_byte() {
    if (buffer_.size() > 0) co_return true;
    idle_ = true;
    limit(shared_.options.idle_timeout);
    auto [error, size] = co_await socket_.async_read_some(buffer_.prepare(4096), kAwait);
    idle_ = false;
    if (error) co_return false;
    buffer_.commit(size);
    co_return true;
  }

  std::optional<std::string> read_head(const bhttp::request_header<>& head, Request& request) {
    request.method = std::string(head.method_string());
    request.target = std::string(head.target());
    auto target = parse_target(request.target);
    if (!target) return target.error().message;
    request.raw_path = std::move(target->raw_path);
    request.segments = std::move(target->segments);
    request.query = std::move(target->query);
    for (const auto& field : head) {
      auto& value =
          request.headers[to_lower(std::string_view(field.name_string().data(), field.name_string().size()))];
      if (!value.empty()) value += ", ";
      value.append(field.value().data(), field.value().size());
    }
    request.remote = remote_;
    request.via_unix_socket = via_unix_;
    return std::nullopt;
  }

  static constexpr int kGone = -1;

  // 0: read. kGone: the client went or was too slow. Else the status to refuse with.
  asio::awaitable<int> read_body(Parser* parser, Request* request) {
    if (parser->is_done()) co_return 0;
    const auto& options = shared_.options;
    const auto most = options.body_limit ? options.body_limit(request->method, request->raw_path) : 1U << 20U;
    const auto length = parser->content_length();
    if (length && *length > most) co_return 413;
    const auto expect = request->header("expect");
    if (expect && to_lower(*expect) == "100-continue" && version_ >= 11) {
      if (!co_await write_all("HTTP/1.1 100 Continue\r\n\r\n")) co_return kGone;
    } else if (expect && to_lower(*expect) != "100-continue") {
      co_return 417;
    }
    BodyReader reader(options.spool_above, options.spool_directory);
    std::size_t earned = kProgress;
    while (!parser->is_done()) {
      if (earned >= kProgress) limit(options.body_timeout), earned = 0;
      parser->get().body().data = slice_.data();
      parser->get().body().size = slice_.size();
      auto [error, size] = co_await bhttp::async_read_some(socket_, buffer_, *parser, kAwait);
      const std::size_t got = slice_.size() - parser->get().body().size;
      if (error == bhttp::error::need_buffer) error = {};
      if (error) co_return is_protocol_error(error) ? 400 : kGone;
      earned += got;
      if (reader.size() + got > most) co_return 413;
      if (const auto taken = reader.take({slice_.data(), got}); !taken) {
        log::error("http", "{} {}: body: {}", request->method, request->raw_path, taken.error().message);
        co_return 507;
      }
    }
    unlimit();
    auto body = reader.finish();
    if (!body) {
      log::error("http", "{} {}: body: {}", request->method, request->raw_path, body.error().message);
      co_return 507;
    }
    request->body = *std::move(body);
    co_return 0;
  }

  static bool is_protocol_error(const error_code& error) {
    return error.category() == bhttp::make_error_code(bhttp::error::bad_method).category() &&
           error != bhttp::error::end_of_stream && error != bhttp::error::partial_message;
  }

  asio::awaitable<bool> refuse_head(error_code error) {
    if (!is_protocol_error(error)) co_return false;
    const bool large = error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow;
    co_return co_await refuse(large ? 431 : 400, large ? "" : error.message());
  }

  // An answer of our own, then the end: what follows on the wire is not known to be a request.
  asio::awaitable<bool> refuse(unsigned status, std::string detail) {
    keep_ = false;
    auto response = Response::json(status, error_json(status, reason_of(status), detail));
    if (!co_await write_whole(std::move(response))) co_return false;
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    limit(kDrainTimeout);
    for (std::size_t drained = 0; drained < kMaxDrain;) {
      auto [error, size] = co_await socket_.async_read_some(asio::buffer(slice_), kAwait);
      if (error) break;
      drained += size;
    }
    co_return false;
  }

  // Hands the request to a worker and writes what the Reply says, until it is complete.
  asio::awaitable<bool> answer(Request request) {
    unlimit();
    const auto started = asio::steady_timer::clock_type::now();
    const std::string what = request.method + " " + request.raw_path;
    auto exchange =
        std::make_shared<Exchange>(shared_.options.stream_buffer, [weak = weak_from_this(), &io = io_] {
          asio::post(io, [weak] {
            if (const auto self = weak.lock()) self->signal_.cancel();
          });
        });
    shared_.workers.post([handler = &shared_.handler, request = std::move(request), reply = Reply(exchange),
                          what]() mutable { call(*handler, std::move(request), std::move(reply), what); });
    watch(exchange);
    const bool complete = co_await write_answer(exchange.get());
    exchange->detach();
    ++watched_;  // the watch, if it is still there, has nothing to say any more
    error_code ignored;
    socket_.cancel(ignored);
    log::debug("http", "{} {} {} ms{}", what, status_,
               std::chrono::duration_cast<Millis>(asio::steady_timer::clock_type::now() - started).count(),
               complete ? "" : " (cut)");
    co_return complete&& keep_;
  }

  static void call(const Handler& handler, Request request, Reply reply, const std::string& what) {
    try {
      handler(std::move(request), std::move(reply));
    } catch (const std::exception& fault) {
      log::error("http", "{}: {}", what, fault.what());
    }
  }

  // Tells the exchange when the client closes while its answer is made. Bytes that come instead are the next
  // request (pipelining); they end the watch.
  void watch(const std::shared_ptr<Exchange>& exchange) {
    const auto number = ++watched_;
    socket_.async_wait(Socket::wait_read, [weak = weak_from_this(), exchange, number](error_code error) {
      const auto self = weak.lock();
      if (!self || self->watched_ != number || error) return;
      char byte = 0;
      const auto got = ::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) return;
      self->keep_ = false;
      exchange->client_gone();
    });
  }

  asio::awaitable<bool> write_answer(Exchange* exchange) {
    using Kind = Exchange::Step::Kind;
    bool chunked = false;
    for (;;) {
      auto step = exchange->take();
      bool good = true;
      switch (step.kind) {
        case Kind::kWait:
          signal_.expires_at(asio::steady_timer::time_point::max());
          co_await signal_.async_wait(kAwait);
          if (closed_) co_return false;
          break;
        case Kind::kWhole:
          co_return co_await write_whole(std::move(step.response));
        case Kind::kHead:
          chunked = co_await write_stream_head(&step.response, &good);
          if (!good) co_return false;
          break;
        case Kind::kBytes:
          good = co_await write_piece(&step.bytes, chunked);
          if (!good) co_return false;
          break;
        case Kind::kEnd:
          co_return !chunked || co_await write_all("0\r\n\r\n");
        case Kind::kCut:
          co_return false;
      }
    }
  }

  AnswerHead head_of(unsigned status) {
    status_ = status;
    AnswerHead head;
    head.version = version_;
    head.status = status;
    head.reason = reason_of(status);
    head.now = std::time(nullptr);
    return head;
  }

  asio::awaitable<bool> write_whole(Response response) {
    auto head = head_of(response.status);
    head.keep_alive = keep_;
    const bool has_body = status_has_body(response.status);
    if (has_body) head.content_length = response.body.size();
    std::string text = head_text(head, response.headers);
    // Small answers leave in one piece.
    const bool together = has_body && !head_only_ && response.body.size() <= kSlice;
    if (together) text += response.body;
    const bool good = co_await write_all(text);
    if (!good || together || head_only_ || !has_body) co_return good;
    co_return co_await write_all(response.body);
  }

  // True when the body is to be chunked. A client of HTTP/1.0 reads until the end of the connection instead.
  asio::awaitable<bool> write_stream_head(const Response* response, bool* good) {
    auto head = head_of(response->status);
    const bool has_length = std::ranges::any_of(
        response->headers, [](const auto& header) { return to_lower(header.first) == "content-length"; });
    const bool framed = has_length || !status_has_body(response->status);
    head.chunked = !framed && version_ >= 11;
    if (!framed && !head.chunked) keep_ = false;
    head.keep_alive = keep_;
    const std::string text = head_text(head, response->headers);
    *good = co_await write_all(text);
    co_return head.chunked && !head_only_;
  }

  asio::awaitable<bool> write_piece(const std::string* bytes, bool chunked) {
    if (head_only_) co_return true;
    if (!chunked) co_return co_await write_all(*bytes);
    const std::string size = fmt::format("{:x}\r\n", bytes->size());
    const std::array<asio::const_buffer, 3> buffers{asio::buffer(size), asio::buffer(*bytes),
                                                    asio::buffer("\r\n", 2)};
    limit(shared_.options.write_timeout);
    auto [error, written] = co_await asio::async_write(socket_, buffers, kAwait);
    unlimit();
    co_return !error;
  }

  // In slices, so that the time limit is one of progress and not of the whole.
  asio::awaitable<bool> write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto slice = bytes.substr(0, kSlice);
      limit(shared_.options.write_timeout);
      auto [error, size] =
          co_await asio::async_write(socket_, asio::buffer(slice.data(), slice.size()), kAwait);
      if (error) co_return false;
      bytes.remove_prefix(slice.size());
    }
    unlimit();
    co_return true;
  }

  asio::io_context& io_;
  Socket socket_;
  asio::steady_timer deadline_;
  asio::steady_timer signal_;
  std::string remote_;
  bool via_unix_;
  Shared& shared_;
  std::function<void(Session*)> on_end_;
  beast::flat_buffer buffer_;
  std::array<char, kSlice> slice_{};
  unsigned version_ = 11;
  unsigned status_ = 0;
  std::uint64_t watched_ = 0;
  bool keep_ = true;
  bool head_only_ = false;
  bool idle_ = false;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<Session> start_session(asio::io_context& io, Socket socket, std::string remote, bool via_unix,
                                       Shared& shared, std::function<void(Session*)> on_end) {
  auto connection = std::make_shared<Connection>(io, std::move(socket), std::move(remote), via_unix, shared,
                                                 std::move(on_end));
  asio::co_spawn(io, Connection::run(connection), asio::detached);
  return connection;
}

}  // namespace tidegate::http
