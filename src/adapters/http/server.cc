#include "adapters/http/server.h"

#include <cerrno>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include "adapters/http/await.h"
#include "adapters/http/session.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::http {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;

namespace {

constexpr int kBacklog = 512;

Result<Tcp::endpoint> parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : parse_integer(std::string_view(text).substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) {
    return fail(Errc::kInvalid,
                fmt::format("{}: not an address with a port, like 127.0.0.1:8080", printable(text)));
  }
  std::string host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return fail(Errc::kInvalid, fmt::format("{}: not an IP address", printable(host)));
  return Tcp::endpoint(address, static_cast<std::uint16_t>(*port));
}

std::string name_of(const Tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  return fmt::format("{}{}{}:{}", address.is_v6() ? "[" : "", address.to_string(), address.is_v6() ? "]" : "",
                     endpoint.port());
}

Error listen_error(const std::string& where, const error_code& error) {
  return fail(Errc::kEnvironment, fmt::format("listen on {}: {}", where, error.message()));
}

// True when somebody accepts on this socket file.
bool is_served(asio::io_context& io, const std::filesystem::path& path) {
  Local::socket probe(io);
  error_code error;
  probe.connect(Local::endpoint(path.string()), error);
  return !error;
}

}  // namespace

struct Server::Impl {
  explicit Impl(Options options, Handler handler)
      : shared(std::move(options), std::move(handler)),
        work(asio::make_work_guard(io)),
        slot(io),
        grace(io) {}

  Status listen();
  Status listen_tcp(const Listen& where);
  Status listen_unix(const Listen& where);
  void start();
  void stop();
  void stop_on_io();
  void session_ended(Session* session);
  void adopt(Socket socket, std::string remote, bool via_unix);
  asio::awaitable<void> wait_for_slot();
  template <class Acceptor>
  asio::awaitable<void> accept(Acceptor* acceptor);
  static std::string remote_of(const Tcp::socket& socket);
  static std::string remote_of(const Local::socket&) { return "unix"; }

  asio::io_context io{1};
  Shared shared;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  asio::steady_timer slot;   // cancelled when a connection ends
  asio::steady_timer grace;  // runs out when stop() has waited long enough
  std::vector<Tcp::acceptor> tcp;
  std::vector<Local::acceptor> local;
  std::vector<std::filesystem::path> socket_files;
  std::vector<std::string> addresses;
  std::map<Session*, std::shared_ptr<Session>> sessions;
  std::thread thread;
};

Status Server::Impl::listen_tcp(const Listen& where) {
  TG_TRY(const auto endpoint, parse_endpoint(where.tcp));
  Tcp::acceptor acceptor(io);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) return listen_error(where.tcp, error);
  addresses.push_back(name_of(acceptor.local_endpoint()));
  tcp.push_back(std::move(acceptor));
  return {};
}

// The socket file appears under its name with its permissions, in one step: nobody connects to one that is
// open to all for a moment.
Status Server::Impl::listen_unix(const Listen& where) {
  const auto& path = where.unix_socket;
  const std::filesystem::path temporary = path.string() + ".new";
  if (temporary.string().size() >= 108) {
    return fail(Errc::kInvalid,
                fmt::format("{}: longer than a socket's path may be (103 bytes)", path.string()));
  }
  if (is_served(io, path))
    return fail(Errc::kEnvironment, fmt::format("{}: another process listens there", path.string()));
  ::unlink(temporary.c_str());
  Local::acceptor acceptor(io);
  error_code error;
  acceptor.open(Local(), error);
  if (!error) acceptor.bind(Local::endpoint(temporary.string()), error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) return listen_error(path.string(), error);
  if (::chmod(temporary.c_str(), where.unix_mode) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    return sys::errno_error("listen on " + path.string(), reason);
  }
  addresses.push_back(path.string());
  socket_files.push_back(path);
  local.push_back(std::move(acceptor));
  return {};
}

Status Server::Impl::listen() {
  for (const auto& where : shared.options.listen) {
    TG_CHECK(where.tcp.empty() ? listen_unix(where) : listen_tcp(where));
  }
  return {};
}

std::string Server::Impl::remote_of(const Tcp::socket& socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  return error ? "unknown" : name_of(endpoint);
}

asio::awaitable<void> Server::Impl::wait_for_slot() {
  while (sessions.size() >= shared.options.max_connections && !shared.stopping) {
    slot.expires_at(asio::steady_timer::time_point::max());
    co_await slot.async_wait(kAwait);
  }
}

template <class Acceptor>
asio::awaitable<void> Server::Impl::accept(Acceptor* acceptor) {
  while (!shared.stopping) {
    co_await wait_for_slot();
    auto [error, socket] = co_await acceptor->async_accept(kAwait);
    if (shared.stopping) co_return;
    if (error) {
      // Out of descriptors or memory: give running connections a moment to end. The client waits in the
      // backlog.
      log::warn("http", "accept: {}", error.message());
      asio::steady_timer pause(io, Millis{100});
      co_await pause.async_wait(kAwait);
      continue;
    }
    if constexpr (std::is_same_v<Acceptor, Tcp::acceptor>) {
      error_code ignored;
      socket.set_option(Tcp::no_delay(true), ignored);
    }
    auto remote = remote_of(socket);
    adopt(Socket(std::move(socket)), std::move(remote), !std::is_same_v<Acceptor, Tcp::acceptor>);
  }
}

void Server::Impl::adopt(Socket socket, std::string remote, bool via_unix) {
  auto session = start_session(io, std::move(socket), std::move(remote), via_unix, shared,
                               [this](Session* ended) { session_ended(ended); });
  auto* key = session.get();
  sessions.emplace(key, std::move(session));
}

void Server::Impl::session_ended(Session* session) {
  sessions.erase(session);
  slot.cancel();
  if (shared.stopping && sessions.empty()) grace.cancel();
}

void Server::Impl::start() {
  for (auto& acceptor : tcp) asio::co_spawn(io, accept(&acceptor), asio::detached);
  for (auto& acceptor : local) asio::co_spawn(io, accept(&acceptor), asio::detached);
  thread = std::thread([this] { io.run(); });
}

void Server::Impl::stop_on_io() {
  shared.stopping = true;
  error_code ignored;
  for (auto& acceptor : tcp) acceptor.close(ignored);
  for (auto& acceptor : local) acceptor.close(ignored);
  slot.cancel();
  work.reset();
  const auto now = sessions;
  for (const auto& [key, session] : now) session->wind_down();
  if (sessions.empty()) return;
  grace.expires_after(shared.options.stop_grace);
  grace.async_wait([this](error_code error) {
    if (error) return;
    const auto late = sessions;
    for (const auto& [key, session] : late) session->cut();
  });
}

void Server::Impl::stop() {
  if (!thread.joinable()) return;
  for (const auto& file : socket_files) ::unlink(file.c_str());
  asio::post(io, [this] { stop_on_io(); });
  thread.join();
  shared.workers.stop();
}

Result<std::unique_ptr<Server>> Server::start(Options options, Handler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  if (const auto listening = impl->listen(); !listening) {
    for (const auto& file : impl->socket_files) ::unlink(file.c_str());
    return listening.error();
  }
  impl->start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  stop();
}

const std::vector<std::string>& Server::addresses() const {
  return impl_->addresses;
}

std::uint16_t Server::port() const {
  error_code ignored;
  return impl_->tcp.empty() ? std::uint16_t{0} : impl_->tcp.front().local_endpoint(ignored).port();
}

void Server::stop() {
  impl_->stop();
}

}  // namespace tidegate::http
