// HTTP client over libcurl: TCP, TLS and Unix sockets. Blocking; one object per thread, connections are kept
// alive.
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
#include "base/time.h"
#include "sys/process.h"

namespace tidegate::sys {

struct HttpRequest {
  std::string method = "GET";
  std::string url;                                           ///< http://…, https://…
  std::vector<std::pair<std::string, std::string>> headers;  ///< names as given
  std::string body;
  std::optional<std::filesystem::path> body_file;  ///< streamed instead of `body`
  std::string user;                                ///< HTTP Basic, when not empty
  std::string password;
  std::optional<std::filesystem::path> unix_socket;  ///< connect here; the URL's host is only a name
  std::optional<std::filesystem::path> ca_file;      ///< instead of the system's bundle
  /// AWS Signature V4 by libcurl: "aws:amz:<region>:<service>" with user = access key, password = secret key.
  std::string aws_sigv4;
  Millis connect_timeout{5000};
  std::optional<Millis> timeout{Millis{60000}};  ///< of the whole exchange; nothing: none (streams)
  std::optional<Seconds> stall;                  ///< give up when nothing has come or gone for so long
  std::uint64_t max_body = 64U << 20U;           ///< of a response kept in memory
  bool follow_redirects = false;
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case; of several equal ones the last
  std::string body;                            ///< empty when streamed
};

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// Any status is a value; an Error is no answer at all (kUnavailable: refused, timed out, broken;
  /// kCanceled: stop).
  Result<HttpResponse> send(const HttpRequest& request, const StopFlag* stop = nullptr);

  /// The body of a 2xx answer goes to `on_body` as it comes; returning false ends the exchange (kCanceled).
  /// The body of any other status is kept in `body`, so that a caller never mistakes an error page for data.
  using OnBody = std::function<bool(std::string_view)>;
  Result<HttpResponse> stream(const HttpRequest& request, const OnBody& on_body,
                              const StopFlag* stop = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::sys
