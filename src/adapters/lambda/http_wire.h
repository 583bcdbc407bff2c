// HTTP/1.1 as bytes, as far as a client needs it that sends one request per connection. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tidegate::lambda {

struct Address {
  bool tls = false;
  std::string host;  ///< without brackets
  std::string port;
  std::string target;  ///< path and query, encoded; at least "/"
};
/// http://… or https://…; kInvalid: anything else, a user, control characters.
Result<Address> parse_url(std::string_view url);

struct HttpRequest {
  std::string method = "GET";
  Address to;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
/// With Host, Content-Length and Connection: close. Headers that hold control characters are left out.
std::string to_wire(const HttpRequest& request);

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

inline constexpr std::size_t kMaxHead = 64U << 10U;
inline constexpr std::size_t kMaxBody = 8U << 20U;  ///< Lambda's events have at most 6 MB

/// Fed with what comes, until it is whole. Interim answers (1xx) are passed over.
class ResponseReader {
 public:
  /// kInvalid: no HTTP/1.x answer, or too large.
  Status feed(std::string_view bytes);
  /// The connection ended. kUnavailable: in the middle.
  Status finish();
  bool is_whole() const { return is_whole_; }
  HttpResponse take() { return std::move(response_); }

 private:
  Status read_head();
  Status read_chunks();

  std::string raw_;
  HttpResponse response_;
  bool in_body_ = false;
  bool is_chunked_ = false;
  std::optional<std::size_t> length_;
  bool is_whole_ = false;
};

}  // namespace tidegate::lambda
