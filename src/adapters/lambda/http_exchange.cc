#include "adapters/lambda/http_exchange.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <poll.h>
#include <sys/socket.h>

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "sys/unique_fd.h"

namespace tidegate::lambda {
namespace {

using Steady = std::chrono::steady_clock;

// Where distributions keep the bundle: Amazon Linux, Debian, Alpine.
constexpr std::array kBundles = {"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt",
                                 "/etc/ssl/cert.pem"};

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using Tls = std::unique_ptr<SSL, Freer<SSL_free>>;
using Addresses = std::unique_ptr<addrinfo, Freer<freeaddrinfo>>;

Error unavailable(std::string what) {
  return fail(Errc::kUnavailable, std::move(what));
}

class Deadline {
 public:
  explicit Deadline(std::optional<Millis> budget)
      : end_(budget ? std::optional(Steady::now() + *budget) : std::nullopt) {}

  /// Waits until the socket can be read or written.
  Status wait(int fd, short events) const {
    while (true) {
      int left = -1;
      if (end_) {
        left = static_cast<int>(std::chrono::ceil<Millis>(*end_ - Steady::now()).count());
        if (left <= 0) return unavailable("no answer in the time that was left");
      }
      pollfd one{fd, events, 0};
      const int ready = ::poll(&one, 1, left);
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return unavailable(std::string("poll: ") + std::strerror(errno));
    }
  }

 private:
  std::optional<Steady::time_point> end_;
};

Result<sys::UniqueFd> connect_one(const addrinfo& address, const Deadline& deadline) {
  sys::UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return unavailable(std::string("socket: ") + std::strerror(errno));
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return fd;
  if (errno != EINPROGRESS) return unavailable(std::string("connect: ") + std::strerror(errno));
  TG_CHECK(deadline.wait(fd.get(), POLLOUT));
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return unavailable(std::string("connect: ") + std::strerror(error));
  return fd;
}

Result<sys::UniqueFd> connect_to(const Address& to, const Deadline& deadline) {
  // A static program must not load the C library's modules of a system that has another one.
  static std::once_flag once;
  std::call_once(once, [] { __nss_configure_lookup("hosts", "files dns"); });
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* raw = nullptr;
  const int failed = ::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &raw);
  const Addresses addresses(raw);
  if (failed != 0) return unavailable(fmt::format("{}: {}", to.host, gai_strerror(failed)));
  Result<sys::UniqueFd> fd = unavailable(to.host + " has no address");
  for (const addrinfo* one = addresses.get(); one != nullptr && !fd; one = one->ai_next) {
    fd = connect_one(*one, deadline);
  }
  return fd;
}

Result<Context> make_context(const Trust& trust) {
  Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(Errc::kInternal, "TLS could not be initialised");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // A peer that just closes its connection has ended its answer; whether it is whole, HTTP says.
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  std::string bundle = trust.ca_file.string();
  for (const char* known : kBundles) {
    std::error_code failed;
    if (bundle.empty() && std::filesystem::exists(known, failed)) bundle = known;
  }
  if (bundle.empty() || SSL_CTX_load_verify_file(context.get(), bundle.c_str()) != 1) {
    ERR_clear_error();
    return fail(Errc::kEnvironment, "no certificate authorities can be read from \"" + bundle + "\"");
  }
  return context;
}

// Bytes over TCP, or over TLS on it.
class Stream {
 public:
  Stream(sys::UniqueFd fd, const Deadline& deadline) : fd_(std::move(fd)), deadline_(deadline) {}

  Status start_tls(SSL_CTX* context, const std::string& host) {
    tls_.reset(SSL_new(context));
    if (!tls_ || SSL_set_fd(tls_.get(), fd_.get()) != 1) return fail(Errc::kInternal, "TLS");
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_.get()), host.c_str()) != 1) {
      SSL_set1_host(tls_.get(), host.c_str());
      SSL_set_tlsext_host_name(tls_.get(), host.c_str());
    }
    ERR_clear_error();
    TG_TRY(const int done, repeat([this] { return SSL_connect(tls_.get()); }));
    if (done == 1) return {};
    const long verdict = SSL_get_verify_result(tls_.get());
    if (verdict != X509_V_OK) {
      return fail(Errc::kDenied, host + ": " + X509_verify_cert_error_string(verdict));
    }
    return unavailable(host + ": the TLS handshake failed");
  }

  Status write(std::string_view bytes) {
    while (!bytes.empty()) {
      int sent = 0;
      if (tls_) {
        TG_TRY(sent,
               repeat([&] { return SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())); }));
      } else {
        TG_CHECK(deadline_.wait(fd_.get(), POLLOUT));
        sent = static_cast<int>(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      }
      if (sent <= 0) return unavailable("the connection broke while the request was sent");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
  }

  /// 0: the end.
  Result<std::size_t> read(char* to, std::size_t size) {
    int got = 0;
    if (tls_) {
      TG_TRY(got, repeat([&] { return SSL_read(tls_.get(), to, static_cast<int>(size)); }));
      return got <= 0 ? std::size_t{0} : static_cast<std::size_t>(got);
    }
    do {
      TG_CHECK(deadline_.wait(fd_.get(), POLLIN));
      got = static_cast<int>(::recv(fd_.get(), to, size, 0));
    } while (got < 0 && (errno == EAGAIN || errno == EINTR));
    if (got < 0) return unavailable(std::string("recv: ") + std::strerror(errno));
    return static_cast<std::size_t>(got);
  }

 private:
  template <class Step>
  Result<int> repeat(Step step) {
    while (true) {
      ERR_clear_error();
      const int done = step();
      if (done > 0) return done;
      const int why = SSL_get_error(tls_.get(), done);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return done;
      TG_CHECK(deadline_.wait(fd_.get(), why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT));
    }
  }

  sys::UniqueFd fd_;
  const Deadline& deadline_;
  Tls tls_;
};

}  // namespace

Result<HttpResponse> exchange(const HttpRequest& request, const Trust& trust, std::optional<Millis> budget) {
  const Deadline deadline(budget);
  Context context;
  if (request.to.tls) {
    TG_TRY(context, make_context(trust));
  }
  TG_TRY(auto fd, connect_to(request.to, deadline));
  Stream stream(std::move(fd), deadline);
  if (context) TG_CHECK(stream.start_tls(context.get(), request.to.host));
  TG_CHECK(stream.write(to_wire(request)));
  ResponseReader reader;
  std::array<char, 16384> buffer{};
  while (!reader.is_whole()) {
    TG_TRY(const std::size_t got, stream.read(buffer.data(), buffer.size()));
    TG_CHECK(got == 0 ? reader.finish() : reader.feed({buffer.data(), got}));
  }
  return reader.take();
}

}  // namespace tidegate::lambda
