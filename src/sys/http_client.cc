#include "sys/http_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <curl/curl.h>
#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"

namespace tidegate::sys {
namespace {

constexpr int kStopPollMillis = 50;

struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// One exchange: what libcurl's callbacks write to.
struct Exchange {
  HttpResponse response;
  const HttpClient::OnBody* on_body = nullptr;
  std::uint64_t max_body = 0;
  bool too_large = false;
  bool refused = false;  ///< by on_body
  std::unique_ptr<std::FILE, FileCloser> upload;

  bool take_body(std::string_view bytes) {
    const bool good = response.status >= 200 && response.status < 300;
    if (on_body != nullptr && good) {
      refused = !(*on_body)(bytes);
      return !refused;
    }
    too_large = response.body.size() + bytes.size() > max_body;
    if (!too_large) response.body.append(bytes);
    return !too_large;
  }

  void take_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // of a 1xx, a redirect or the answer: the last one counts
      response = {};
      const std::size_t space = line.find(' ');
      if (space != std::string_view::npos) {
        response.status = static_cast<long>(parse_integer(line.substr(space + 1, 3)).value_or(0));
      }
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    response.headers.insert_or_assign(to_lower(trim(line.substr(0, colon))),
                                      std::string(trim(line.substr(colon + 1))));
  }
};

std::size_t on_write(char* data, std::size_t size, std::size_t count, void* user) {
  return static_cast<Exchange*>(user)->take_body({data, size * count}) ? size * count : 0;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  static_cast<Exchange*>(user)->take_header({data, size * count});
  return size * count;
}

std::size_t on_read(char* data, std::size_t size, std::size_t count, void* user) {
  std::FILE* file = static_cast<Exchange*>(user)->upload.get();
  const std::size_t n = std::fread(data, size, count, file);
  return n == 0 && std::ferror(file) != 0 ? CURL_READFUNC_ABORT : n * size;
}

int on_seek(void* user, curl_off_t offset, int origin) {
  std::FILE* file = static_cast<Exchange*>(user)->upload.get();
  return ::fseeko(file, offset, origin) == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; });
}

Errc code_of(CURLcode code) {
  switch (static_cast<int>(code)) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_TOO_MANY_REDIRECTS:
      return Errc::kInvalid;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
      return Errc::kEnvironment;
    default:
      return Errc::kUnavailable;
  }
}

}  // namespace

struct HttpClient::Impl {
  // The multi handle is destroyed after the easy handle and keeps the connections.
  std::unique_ptr<CURLM, MultiDeleter> multi;
  std::unique_ptr<CURL, EasyDeleter> easy;
  std::unique_ptr<curl_slist, SlistDeleter> headers;
  std::array<char, CURL_ERROR_SIZE> error_text{};

  Impl() {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(initialised);
    multi.reset(curl_multi_init());
    easy.reset(curl_easy_init());
  }

  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(easy.get(), option, value);
  }

  Result<HttpResponse> exchange(const HttpRequest& request, const OnBody* on_body, const StopFlag* stop);
  Status prepare(const HttpRequest& request, Exchange& exchange);
  void prepare_connection(const HttpRequest& request);
  Status prepare_headers(const HttpRequest& request);
  Status prepare_body(const HttpRequest& request, Exchange& exchange);
  Result<CURLcode> drive(const StopFlag* stop);
};

Status HttpClient::Impl::prepare(const HttpRequest& request, Exchange& exchange) {
  if (!easy || !multi) return fail(Errc::kEnvironment, "libcurl could not be initialised");
  if (has_control(request.url) || has_control(request.method)) {
    return fail(Errc::kInvalid, "a URL with control characters: " + printable(request.url));
  }
  curl_easy_reset(easy.get());
  error_text.fill('\0');
  set(CURLOPT_ERRORBUFFER, error_text.data());
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_WRITEFUNCTION, &on_write);
  set(CURLOPT_WRITEDATA, &exchange);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &exchange);
  prepare_connection(request);
  TG_CHECK(prepare_headers(request));
  return prepare_body(request, exchange);
}

void HttpClient::Impl::prepare_connection(const HttpRequest& request) {
  set(CURLOPT_NOSIGNAL, 1L);    // other threads live here
  set(CURLOPT_PATH_AS_IS, 1L);  // "a/../b" is a fine object key
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  set(CURLOPT_MAXREDIRS, 10L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, request.timeout ? static_cast<long>(request.timeout->count()) : 0L);
  if (request.stall) {
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall->count()));
  }
  if (request.unix_socket) {
    set(CURLOPT_UNIX_SOCKET_PATH, request.unix_socket->c_str());
    set(CURLOPT_PROXY, "");  // the environment's proxy is no way to a local socket
  }
  if (request.ca_file) set(CURLOPT_CAINFO, request.ca_file->c_str());
  if (!request.user.empty()) {
    set(CURLOPT_USERNAME, request.user.c_str());
    set(CURLOPT_PASSWORD, request.password.c_str());
  }
  if (!request.aws_sigv4.empty()) set(CURLOPT_AWS_SIGV4, request.aws_sigv4.c_str());
}

Status HttpClient::Impl::prepare_headers(const HttpRequest& request) {
  headers.reset();
  const auto append = [this](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  bool has_type = false;
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || has_control(name) || has_control(value) || name.find(':') != std::string::npos) {
      return fail(Errc::kInvalid, "a header that cannot be sent: " + printable(name));
    }
    has_type = has_type || to_lower(name) == "content-type";
    append(value.empty() ? name + ";" : name + ": " + value);  // curl's notation of an empty value
  }
  if (!has_type) append("Content-Type:");  // or libcurl says that any POST is a form
  append("Expect:");                       // no extra round trip (nor its second of waiting) before a body
  set(CURLOPT_HTTPHEADER, headers.get());
  return {};
}

Status HttpClient::Impl::prepare_body(const HttpRequest& request, Exchange& exchange) {
  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
    return {};
  }
  if (request.body_file) {
    exchange.upload.reset(std::fopen(request.body_file->c_str(), "rbe"));
    if (!exchange.upload) return errno_error("open " + printable(request.body_file->native()), errno);
    std::error_code error;
    const auto size = fs::file_size(*request.body_file, error);
    if (error) return errno_error("size of " + printable(request.body_file->native()), error.value());
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
    set(CURLOPT_READFUNCTION, &on_read);
    set(CURLOPT_READDATA, &exchange);
    set(CURLOPT_SEEKFUNCTION, &on_seek);
    set(CURLOPT_SEEKDATA, &exchange);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
             request.method == "PATCH") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  } else {
    set(CURLOPT_HTTPGET, 1L);
  }
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  return {};
}

// The multi interface instead of curl_easy_perform: the latter looks at a stop flag once a second at best.
Result<CURLcode> HttpClient::Impl::drive(const StopFlag* stop) {
  if (curl_multi_add_handle(multi.get(), easy.get()) != CURLM_OK) {
    return fail(Errc::kInternal, "curl_multi_add_handle");
  }
  std::optional<CURLcode> outcome;
  bool stopped = false;
  while (!outcome && !stopped) {
    int running = 0;
    if (const CURLMcode code = curl_multi_perform(multi.get(), &running); code != CURLM_OK) {
      outcome = CURLE_FAILED_INIT;
      break;
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg == CURLMSG_DONE) outcome = message->data.result;
    }
    if (outcome) break;
    stopped = stop != nullptr && stop->stop_requested();
    if (!stopped) {
      curl_multi_poll(multi.get(), nullptr, 0, stop != nullptr ? kStopPollMillis : 1000, nullptr);
    }
  }
  curl_multi_remove_handle(multi.get(), easy.get());
  if (stopped) return fail(Errc::kCanceled, "stopped");
  return *outcome;
}

Result<HttpResponse> HttpClient::Impl::exchange(const HttpRequest& request, const OnBody* on_body,
                                                const StopFlag* stop) {
  // Never the query, which may hold a token.
  const std::string what = request.method + " " + printable(request.url.substr(0, request.url.find('?')));
  Exchange exchange;
  exchange.on_body = on_body;
  exchange.max_body = request.max_body;
  if (auto ready = prepare(request, exchange); !ready) return with_context(what, std::move(ready).error());
  auto outcome = drive(stop);
  if (!outcome) return with_context(what, std::move(outcome).error());
  if (exchange.too_large) {
    return fail(Errc::kInvalid,
                fmt::format("{}: the answer is larger than {} bytes", what, request.max_body));
  }
  if (exchange.refused) return fail(Errc::kCanceled, what + ": ended by its reader");
  if (*outcome != CURLE_OK) {
    const std::string_view text = error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(*outcome);
    return fail(code_of(*outcome), fmt::format("{}: {}", what, text));
  }
  return std::move(exchange.response);
}

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpResponse> HttpClient::send(const HttpRequest& request, const StopFlag* stop) {
  return impl_->exchange(request, nullptr, stop);
}

Result<HttpResponse> HttpClient::stream(const HttpRequest& request, const OnBody& on_body,
                                        const StopFlag* stop) {
  return impl_->exchange(request, &on_body, stop);
}

}  // namespace tidegate::sys
